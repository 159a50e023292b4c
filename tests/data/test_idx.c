/** IDX files, good and broken: what is read, and what a person is told. */
#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/data/dataset.h"
#include "core/data/drawn/draw.h"
#include "core/data/idx/idx.h"
#include "core/data/idx/idx_folder.h"
#include "tests/common/suite.h"

enum { IMAGES = 5, HEIGHT = 3, WIDTH = 4, PIXELS = IMAGES * HEIGHT * WIDTH, HEADER = 16 };

static char folder[] = "/tmp/digits-idx-XXXXXX";
static const char *const files[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                    "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
static dg_error err;

static const char *path_of(const char *name) {
  static char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static void put_word(uint8_t *at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void write_file(const char *name, const void *bytes, size_t count) {
  FILE *f = fopen(path_of(name), "wb");
  ck_assert_ptr_nonnull(f);
  ck_assert_uint_eq(fwrite(bytes, 1, count, f), count);
  ck_assert_int_eq(fclose(f), 0);
}

static void write_gzip(const char *name, const void *bytes, size_t count) {
  gzFile f = gzopen(path_of(name), "wb");
  ck_assert_ptr_nonnull(f);
  ck_assert_int_eq(gzwrite(f, bytes, (unsigned)count), (int)count);
  ck_assert_int_eq(gzclose(f), Z_OK);
}

/** The bytes of a good image file with `count` images; returns how many. */
static size_t good_images(uint8_t bytes[HEADER + PIXELS], uint32_t count, uint32_t width) {
  put_word(bytes, 0x0803);
  put_word(bytes + 4, count);
  put_word(bytes + 8, HEIGHT);
  put_word(bytes + 12, width);
  for (unsigned i = 0; i < count * HEIGHT * width; i++) bytes[HEADER + i] = (uint8_t)(7 * i);
  return HEADER + count * HEIGHT * width;
}

static size_t good_labels(uint8_t bytes[8 + IMAGES], uint32_t count, uint8_t largest) {
  put_word(bytes, 0x0801);
  put_word(bytes + 4, count);
  for (unsigned i = 0; i < count; i++) bytes[8 + i] = (uint8_t)(largest - i);
  return 8 + count;
}

static void write_good_set(void) {
  uint8_t bytes[HEADER + PIXELS];
  write_file(files[0], bytes, good_images(bytes, IMAGES, WIDTH));
  write_file(files[1], bytes, good_labels(bytes, IMAGES, 9));
  write_file(files[2], bytes, good_images(bytes, 2, WIDTH));
  write_file(files[3], bytes, good_labels(bytes, 2, 4));
}

static void make_folder(void) {
  strcpy(strrchr(folder, '-'), "-XXXXXX");
  suite_new_folder(folder);
  memset(&err, 0, sizeof err);
}

static void remove_folder(void) {
  char command[160];
  snprintf(command, sizeof command, "rm -r '%s'", folder);
  ck_assert_int_eq(system(command), 0);
}

static void check_message(const char *const *parts) {
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  for (; *parts; parts++)
    ck_assert_msg(strstr(err.message, *parts), "no \"%s\" in \"%s\"", *parts, err.message);
}

/** Reads the file as images and expects an error that names it and holds every part. */
static void check_refused(const char *name, const char *const *parts) {
  dg_idx array;
  ck_assert(!dg_idx_read(&array, path_of(name), 3, DG_IDX_BYTE, &err));
  ck_assert_ptr_null(array.bytes);
  check_message(parts);
  check_message((const char *[]){path_of(name), NULL});
}

/** The same for these bytes, plain and gzipped where the message may not differ. */
static void check_bytes_refused(const void *bytes, size_t count, const char *const *parts) {
  write_file("plain", bytes, count);
  check_refused("plain", parts);
  if (count == 0) return;
  write_gzip("packed.gz", bytes, count);
  check_refused("packed.gz", parts);
}

static void check_set_refused(const char *const *parts) {
  ck_assert_ptr_null(dg_idx_folder_read(folder, &(dg_dataset_options){0}, &err));
  check_message(parts);
}

START_TEST(a_good_set_is_read) {
  write_good_set();
  dg_dataset *set = dg_idx_folder_read(folder, &(dg_dataset_options){0}, &err);
  ck_assert_msg(set, "%s", err.message);
  ck_assert_str_eq(set->source, folder);
  ck_assert_uint_eq(set->classes, 10);
  ck_assert_uint_eq(set->train.count, IMAGES);
  ck_assert_uint_eq(set->test.count, 2);
  ck_assert_uint_eq(set->train.kind.shape.dim[1], HEIGHT);
  ck_assert_uint_eq(set->train.kind.shape.dim[2], WIDTH);
  for (unsigned i = 0; i < PIXELS; i++) ck_assert_uint_eq(set->train.inputs[i], (uint8_t)(7 * i));
  for (unsigned i = 0; i < IMAGES; i++) ck_assert_uint_eq(set->train.labels[i], 9 - i);
  ck_assert_uint_eq(set->test.labels[1], 3);
  dg_dataset_close(set);
}
END_TEST

START_TEST(other_names_and_gzip_are_read) {
  uint8_t bytes[HEADER + PIXELS];
  write_gzip("train-images-idx3-ubyte.gz", bytes, good_images(bytes, IMAGES, WIDTH));
  write_file("train-labels.idx1-ubyte", bytes, good_labels(bytes, IMAGES, 255));
  write_gzip("t10k-images.idx3-ubyte.gz", bytes, good_images(bytes, 1, WIDTH));
  write_gzip("t10k-labels-idx1-ubyte.gz", bytes, good_labels(bytes, 1, 0));
  dg_dataset *set = dg_idx_folder_read(folder, &(dg_dataset_options){0}, &err);
  ck_assert_msg(set, "%s", err.message);
  ck_assert_uint_eq(set->classes, 256);
  for (unsigned i = 0; i < PIXELS; i++) ck_assert_uint_eq(set->train.inputs[i], (uint8_t)(7 * i));
  dg_dataset_close(set);
}
END_TEST

START_TEST(a_missing_file_or_folder_names_what_was_looked_for) {
  write_good_set();
  ck_assert_int_eq(remove(path_of(files[3])), 0);
  check_set_refused((const char *[]){folder, "t10k-labels-idx1-ubyte, ",
                                     "t10k-labels-idx1-ubyte.gz", "t10k-labels.idx1-ubyte",
                                     "t10k-labels.idx1-ubyte.gz", "built-in", NULL});
  ck_assert_ptr_null(dg_idx_folder_read(path_of("no/set"), &(dg_dataset_options){0}, &err));
  check_message(
      (const char *[]){"/no/set: no such file or folder", "IDX files such as MNIST's", NULL});
  ck_assert_ptr_null(dg_idx_folder_read(path_of(files[0]), &(dg_dataset_options){0}, &err));
  check_message((const char *[]){files[0], "not a folder", NULL});
}
END_TEST

START_TEST(a_wrong_header_is_refused) {
  uint8_t bytes[HEADER + PIXELS];
  size_t count = good_images(bytes, IMAGES, WIDTH);
  bytes[0] = 0x50;
  check_bytes_refused(bytes, count,
                      (const char *[]){"field magic", "expected 0x00000803", "found 0x50000803",
                                       "download it again", NULL});
  good_images(bytes, IMAGES, WIDTH);
  bytes[2] = 0x0d;
  check_bytes_refused(
      bytes, count,
      (const char *[]){"field type", "expected 0x08", "found 0x0d", "download it again", NULL});
  good_images(bytes, IMAGES, WIDTH);
  bytes[3] = 1;
  check_bytes_refused(bytes, count,
                      (const char *[]){"field rank", "expected 3", "found 1", "download", NULL});
}
END_TEST

START_TEST(a_dimension_that_the_file_cannot_hold_is_refused) {
  uint8_t bytes[HEADER + PIXELS];
  const char *fields[] = {"field dimension 1", "field dimension 2", "field dimension 3"};
  for (int i = 0; i < 3; i++) {
    size_t count = good_images(bytes, IMAGES, WIDTH);
    put_word(bytes + 4 + 4 * i, 0);
    check_bytes_refused(bytes, count, (const char *[]){fields[i], "found 0", "empty", NULL});
    put_word(bytes + 4 + 4 * i, 0xffffffff);
    check_bytes_refused(
        bytes, count,
        (const char *[]){fields[i], "found 4294967295", "at most", "download it again", NULL});
  }
  good_images(bytes, IMAGES, WIDTH);
  for (int i = 0; i < 3; i++) put_word(bytes + 4 + 4 * i, 0x80000000); // product is 0 in 64 bits
  check_bytes_refused(bytes, sizeof bytes, (const char *[]){"field dimension 1", "at most", NULL});
}
END_TEST

START_TEST(every_truncation_is_refused) {
  uint8_t bytes[HEADER + PIXELS];
  size_t count = good_images(bytes, IMAGES, WIDTH);
  const char *const fields[] = {"field magic", "field dimension 1", "field dimension 2",
                                "field dimension 3"};
  for (size_t kept = 0; kept < HEADER; kept++) {
    write_gzip("packed.gz", bytes, kept);
    if (kept) check_refused("packed.gz", (const char *[]){fields[kept / 4], "download", NULL});
    write_file("plain", bytes, kept);
    check_refused("plain", (const char *[]){"field ", "download it again", NULL});
  }
  for (size_t kept = HEADER; kept < count; kept++) {
    write_file("plain", bytes, kept);
    check_refused("plain", (const char *[]){"field dimension", "truncated", NULL});
    write_gzip("packed.gz", bytes, kept);
    check_refused("packed.gz",
                  (const char *[]){"field data", "truncated", "expected 60", "found", NULL});
  }
}
END_TEST

START_TEST(trailing_bytes_are_refused) {
  uint8_t bytes[HEADER + PIXELS];
  good_images(bytes, IMAGES, WIDTH);
  put_word(bytes + 4, IMAGES - 1);
  check_bytes_refused(bytes, sizeof bytes,
                      (const char *[]){"field data", "expected 48", "more follow", NULL});
}
END_TEST

START_TEST(a_damaged_gzip_stream_is_refused) {
  uint8_t bytes[HEADER + PIXELS], packed[512];
  write_gzip("good.gz", bytes, good_images(bytes, IMAGES, WIDTH));
  FILE *f = fopen(path_of("good.gz"), "rb");
  ck_assert_ptr_nonnull(f);
  size_t count = fread(packed, 1, sizeof packed, f);
  fclose(f);
  ck_assert_uint_lt(count, sizeof packed);
  for (size_t kept = 18; kept < count; kept++) {
    write_file("short.gz", packed, kept);
    check_refused("short.gz",
                  (const char *[]){"gzip stream is damaged", "unexpected end", "download", NULL});
  }
  packed[count - 8] ^= 1; // the checksum
  write_file("bad.gz", packed, count);
  check_refused("bad.gz", (const char *[]){"gzip stream is damaged", "incorrect data check", NULL});
}
END_TEST

START_TEST(counts_and_sizes_must_agree) {
  uint8_t bytes[HEADER + PIXELS];
  write_good_set();
  write_file(files[1], bytes, good_labels(bytes, IMAGES - 1, 9));
  check_set_refused((const char *[]){"train-labels has 4", "train-images has 5", NULL});
  write_good_set();
  write_file(files[2], bytes, good_images(bytes, 2, WIDTH - 1));
  check_set_refused((const char *[]){"t10k-images", "3x3", "3x4", NULL});
}
END_TEST

START_TEST(what_is_no_file_is_refused) {
  ck_assert_int_eq(symlink(".", path_of("folder")), 0);
  check_refused("folder", (const char *[]){"expected a file, found a folder", NULL});
  check_refused("absent", (const char *[]){"No such file", "check the path", NULL});
  ck_assert_int_eq(mkfifo(path_of("pipe"), 0600), 0);
  check_refused("pipe", (const char *[]){"expected a file, found a pipe", NULL});
}
END_TEST

/* ---- writing ------------------------------------------------------------ */

START_TEST(a_written_file_is_what_others_write) {
  uint8_t expected[HEADER + PIXELS], found[HEADER + PIXELS + 1];
  good_images(expected, IMAGES, WIDTH);
  dg_idx array = {.rank = 3, .dims = {IMAGES, HEIGHT, WIDTH}, .bytes = expected + HEADER};
  ck_assert_msg(dg_idx_write(&array, path_of("plain"), false, &err), "%s", err.message);
  ck_assert_msg(dg_idx_write(&array, path_of("packed"), true, &err), "%s", err.message);
  FILE *plain = fopen(path_of("plain"), "rb");
  ck_assert_uint_eq(fread(found, 1, sizeof found, plain), sizeof expected);
  ck_assert_mem_eq(found, expected, sizeof expected);
  fclose(plain);
  gzFile packed = gzopen(path_of("packed"), "rb");
  ck_assert_int_eq(gzread(packed, found, sizeof found), sizeof expected);
  ck_assert_int_eq(gzdirect(packed), 0);
  ck_assert_mem_eq(found, expected, sizeof expected);
  gzclose(packed);
}
END_TEST

/** Compares the samples of two sets, byte by byte. */
static void check_same(const dg_samples *a, const dg_samples *b) {
  ck_assert_uint_eq(a->count, b->count);
  ck_assert(dg_kind_equal(&a->kind, &b->kind));
  ck_assert_mem_eq(a->inputs, b->inputs, a->count * dg_input_bytes(&a->kind));
  ck_assert_mem_eq(a->labels, b->labels, a->count);
}

/** Entries of a folder that aren't hidden. */
static int entries_of(const char *path) {
  int count = 0;
  DIR *stream = opendir(path);
  ck_assert_ptr_nonnull(stream);
  for (const struct dirent *e; (e = readdir(stream));) count += *e->d_name != '.';
  closedir(stream);
  return count;
}

START_TEST(a_written_set_is_read_back) {
  dg_dataset *drawn = dg_dataset_draw(50, 20, 3, 1, &err);
  const char *to = path_of("new");
  ck_assert_msg(dg_dataset_write(drawn, to, _i == 1, &err), "%s", err.message);
  ck_assert_int_eq(entries_of(to), 4);
  dg_dataset *set = dg_idx_folder_read(to, &(dg_dataset_options){0}, &err);
  ck_assert_msg(set != NULL, "%s", err.message);
  check_same(&set->train, &drawn->train);
  check_same(&set->test, &drawn->test);
  dg_dataset_close(set);
  for (int gzip = 0; gzip < 2; gzip++) {
    ck_assert(!dg_dataset_write(drawn, to, gzip, &err));
    ck_assert_int_eq(err.kind, DG_ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "is there already"));
  }
  dg_dataset_close(drawn);
}
END_TEST

START_TEST(a_set_that_cannot_be_written_leaves_nothing) {
  dg_dataset *drawn = dg_dataset_draw(5, 50, 3, 1, &err);
  ck_assert(!dg_dataset_write(drawn, path_of("no/folder"), false, &err));
  ck_assert_int_eq(err.kind, DG_ERR_RUNTIME);
  ck_assert_ptr_nonnull(strstr(err.message, "no/folder: the folder can't be made"));
  write_file("file", "x", 1);
  ck_assert(!dg_dataset_write(drawn, path_of("file"), false, &err));
  ck_assert_int_eq(err.kind, DG_ERR_RUNTIME);
  // the first two files fit, the third does not
  struct rlimit old, small;
  ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
  small = (struct rlimit){.rlim_cur = 10000, .rlim_max = old.rlim_max};
  signal(SIGXFSZ, SIG_IGN);
  ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
  bool written = dg_dataset_write(drawn, folder, false, &err);
  ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
  ck_assert(!written);
  ck_assert_int_eq(err.kind, DG_ERR_RUNTIME);
  ck_assert_ptr_nonnull(
      strstr(err.message, "t10k-images-idx3-ubyte could not be written: File too"));
  for (int i = 0; i < 4; i++) ck_assert_int_ne(access(path_of(files[i]), F_OK), 0);
  dg_dataset_close(drawn);
}
END_TEST

START_TEST(a_path_that_is_too_long_is_told) {
  enum { LONG = 4090 };
  char path[LONG + 1];
  memset(path, 'x', LONG);
  path[LONG] = '\0';
  dg_dataset *drawn = dg_dataset_draw(5, 5, 3, 1, &err);
  ck_assert(!dg_dataset_write(drawn, path, false, &err));
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  ck_assert_ptr_nonnull(strstr(err.message, "the path is too long"));
  ck_assert_ptr_null(dg_idx_folder_read(path, &(dg_dataset_options){0}, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "the path of the data set is longer than"));
  ck_assert(!dg_is_idx_folder(path));
  dg_dataset_close(drawn);
}
END_TEST

START_TEST(a_full_disk_is_told) {
  uint8_t bytes[8] = {0};
  dg_idx array = {.rank = 1, .dims = {sizeof bytes}, .bytes = bytes};
  ck_assert(!dg_idx_write(&array, "/dev/full", _i == 1, &err));
  ck_assert_int_eq(err.kind, DG_ERR_RUNTIME);
  ck_assert_str_eq(err.message, "/dev/full could not be written: No space left on device");
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("idx");
  tcase_add_checked_fixture(cases, make_folder, remove_folder);
  tcase_add_test(cases, a_good_set_is_read);
  tcase_add_test(cases, other_names_and_gzip_are_read);
  tcase_add_test(cases, a_missing_file_or_folder_names_what_was_looked_for);
  tcase_add_test(cases, a_wrong_header_is_refused);
  tcase_add_test(cases, a_dimension_that_the_file_cannot_hold_is_refused);
  tcase_add_test(cases, every_truncation_is_refused);
  tcase_add_test(cases, trailing_bytes_are_refused);
  tcase_add_test(cases, a_damaged_gzip_stream_is_refused);
  tcase_add_test(cases, counts_and_sizes_must_agree);
  tcase_add_test(cases, what_is_no_file_is_refused);
  tcase_add_test(cases, a_written_file_is_what_others_write);
  tcase_add_loop_test(cases, a_written_set_is_read_back, 0, 2);
  tcase_add_test(cases, a_set_that_cannot_be_written_leaves_nothing);
  tcase_add_test(cases, a_path_that_is_too_long_is_told);
  tcase_add_loop_test(cases, a_full_disk_is_told, 0, 2);
  return suite_main("idx", cases);
}
