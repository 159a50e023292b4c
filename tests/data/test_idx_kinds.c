/* IDX files of every type and rank, under the names of others, and written again. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits/data.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

enum { MOST = 4 };

static dg_error err;

/** Writes an array; its elements are those of `bytes`, big-endian, over and over. */
static void write_idx(const char *folder, const char *name, unsigned type, const uint32_t *dim,
                      const void *bytes, size_t size) {
  char path[200];
  uint32_t rank = 0, total = type == 0x0e ? 8 : type >= 0x0c ? 4 : type == 0x0b ? 2 : 1;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(shell_path(path), "wb");
  ck_assert_ptr_nonnull(file);
  while (rank < MOST && dim[rank]) rank++;
  fputc(0, file), fputc(0, file), fputc((int)type, file), fputc((int)rank, file);
  for (uint32_t d = 0; d < rank; d++) {
    fputc(0, file), fputc(0, file), fputc(0, file), fputc((int)dim[d], file);
    total *= dim[d];
  }
  for (uint32_t i = 0; i < total; i++) fputc(((const uint8_t *)bytes)[i % size], file);
  ck_assert_int_eq(fclose(file), 0);
}

static void new_folder(const char *folder) {
  char command[200];
  snprintf(command, sizeof command, "rm -rf %s && mkdir %s", folder, folder);
  ck_assert_int_eq(shell(command), 0);
}

/** A set whose test part is like its training part. */
static void write_set(const char *folder, const char *end, unsigned type, const uint32_t *dim,
                      const void *bytes, size_t size) {
  static const char *const parts[] = {"train", "t10k"};
  new_folder(folder);
  for (int p = 0; p < 2; p++) {
    char name[100];
    snprintf(name, sizeof name, "%s-images-%s", parts[p], end);
    write_idx(folder, name, type, dim, bytes, size);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", parts[p]);
    write_idx(folder, name, 8, (uint32_t[MOST]){dim[0]}, "\1", 1);
  }
}

static dg_dataset *open_set(const char *folder, const dg_dataset_options *options) {
  dg_dataset *set = dg_dataset_open_with(shell_path(folder), options, &err);
  ck_assert_msg(set, "%s", err.message);
  return set;
}

static const struct {
  const char *end;
  unsigned type;
  uint32_t dim[MOST], input[4], rank, shape[3];
  const void *bytes;
  size_t size;
  float value; /**< of all elements; of bytes: negative */
} kinds[] = {
    {"idx3-ubyte", 8, {2, 3, 4}, {0}, 3, {1, 3, 4}, "\7", 1, -7},
    {"idx3-ubyte", 8, {2, 3, 4}, {2, 3, 4}, 2, {3, 4}, "\7", 1, -7},
    {"idx2-ubyte", 8, {2, 12}, {0}, 1, {12}, "\7", 1, -7},
    {"idx2-ubyte", 8, {2, 12}, {3, 1, 3, 4}, 3, {1, 3, 4}, "\7", 1, -7},
    {"idx4-ubyte", 8, {2, 5, 3, 3}, {0}, 3, {5, 3, 3}, "\7", 1, -7},
    {"idx4-ubyte", 8, {2, 2, 3, 2}, {3, 2, 2, 3}, 3, {2, 3, 2}, "\7", 1, -7},
    {"idx1-ubyte", 8, {2}, {0}, 1, {1}, "\7", 1, -7},
    {"idx3-float", 13, {2, 3, 4}, {0}, 3, {1, 3, 4}, "\x3f\x80\0\0", 4, 1},
    {"idx3-float", 13, {2, 3, 4}, {2, 3, 4}, 2, {3, 4}, "\x3f\x80\0\0", 4, 1},
    {"idx2.double", 14, {2, 3}, {0}, 0, {0}, "", 1, 1},
    {"idx2-double", 14, {2, 3}, {0}, 1, {3}, "\x40\0\0\0\0\0\0\0", 8, 2},
    {"idx2-int", 12, {2, 3}, {0}, 1, {3}, "\0\0\1\1", 4, 257},
    {"idx2-short", 11, {2, 3}, {0}, 1, {3}, "\1\1", 2, 257},
    {"idx2-byte", 9, {2, 3}, {0}, 1, {3}, "\x7f", 1, 127},
    {"idx4-byte", 9, {1, 1, 1, 2}, {0}, 3, {1, 1, 2}, "\x7f", 1, 127},
};

START_TEST(every_type_and_rank) {
  const uint32_t *in = kinds[_i].input, *shape = kinds[_i].shape;
  const dg_dataset_options options = {
      .size = sizeof options, .rank = in[0], .dim = {in[1], in[2], in[3]}};
  write_set("kind", kinds[_i].end, kinds[_i].type, kinds[_i].dim, kinds[_i].bytes, kinds[_i].size);
  if (!kinds[_i].rank) {
    ck_assert_ptr_null(dg_dataset_open_with(shell_path("kind"), &options, &err));
    return;
  }
  dg_dataset *set = open_set("kind", &options);
  dg_part_view part = dg_dataset_part(set, DG_PART_TEST);
  ck_assert_uint_eq(part.count, kinds[_i].dim[0]);
  ck_assert_uint_eq(part.rank, kinds[_i].rank);
  uint32_t numbers = part.count;
  for (uint32_t d = 0; d < part.rank; numbers *= part.dim[d++])
    ck_assert_uint_eq(part.dim[d], shape[d]);
  ck_assert_int_eq(part.type, kinds[_i].value < 0 ? DG_NUMBERS_BYTES : DG_NUMBERS_FLOATS);
  for (uint32_t i = 0; i < numbers; i++)
    if (part.type)
      ck_assert_float_eq(((const float *)part.inputs)[i], kinds[_i].value);
    else
      ck_assert_float_eq(((const uint8_t *)part.inputs)[i], -kinds[_i].value);
  dg_dataset_close(set);
}
END_TEST

static void check_equal(const dg_dataset *a, const dg_dataset *b) {
  for (int p = 0; p < 2; p++) {
    dg_part_view x = dg_dataset_part(a, (dg_part)p), y = dg_dataset_part(b, (dg_part)p);
    size_t numbers = x.count, targets = (size_t)x.count * x.targets;
    ck_assert_uint_eq(x.count, y.count);
    ck_assert_uint_eq(x.rank, y.rank);
    ck_assert_uint_eq(x.targets, y.targets);
    ck_assert_int_eq(x.type, y.type);
    ck_assert_mem_eq(x.dim, y.dim, sizeof x.dim);
    for (uint32_t d = 0; d < x.rank; d++) numbers *= x.dim[d];
    ck_assert_mem_eq(x.inputs, y.inputs, numbers * (x.type ? sizeof(float) : 1));
    if (targets)
      ck_assert_mem_eq(x.target_numbers, y.target_numbers, targets * sizeof(float));
    else
      ck_assert_mem_eq(x.labels, y.labels, x.count);
  }
}

/** What digits-data writes is read to the same numbers. */
START_TEST(all_kinds_are_written) {
  const uint32_t *in = kinds[_i].input;
  const dg_dataset_options options = {
      .size = sizeof options, .rank = in[0], .dim = {in[1], in[2], in[3]}};
  const bool targets = _i % 2;
  if (!kinds[_i].rank) return;
  write_set("kind", kinds[_i].end, kinds[_i].type, kinds[_i].dim, kinds[_i].bytes, kinds[_i].size);
  if (targets) {
    const uint32_t dim[MOST] = {kinds[_i].dim[0], 3};
    ck_assert_int_eq(shell("rm kind/*labels*"), 0);
    write_idx("kind", "train-targets-idx2-float", 13, dim, "\x3f\x80\0\0\x40\0\0\0", 8);
    write_idx("kind", "t10k-targets-idx2-double", 14, dim, "\x3f\xf0\0\0\0\0\0\0", 8);
  }
  dg_dataset *set = open_set("kind", &options);
  ck_assert_uint_eq(dg_dataset_part(set, DG_PART_TRAIN).targets, targets ? 3 : 0);
  for (int gzip = 0; gzip < 2; gzip++) {
    ck_assert_int_eq(shell("rm -rf again"), 0);
    ck_assert_msg(dg_dataset_write(set, shell_path("again"), gzip, &err), "%s", err.message);
    dg_dataset *again = open_set("again", &options);
    check_equal(set, again);
    dg_dataset_close(again);
  }
  dg_dataset_close(set);
}
END_TEST

/* ---- EMNIST, and images that lie --------------------------------------- */

static void write_emnist(const char *set) {
  static const char *const parts[] = {"train", "test"};
  for (int p = 0; p < 2; p++) {
    char name[100];
    snprintf(name, sizeof name, "emnist-%s-%s-images-idx3-ubyte", set, parts[p]);
    write_idx("emnist", name, 8, (uint32_t[MOST]){2, 2, 3}, "\0\1\2\3\4\5", 6);
    snprintf(name, sizeof name, "emnist-%s-%s-labels-idx1-ubyte", set, parts[p]);
    write_idx("emnist", name, 8, (uint32_t[MOST]){2}, "\1\2", 2);
  }
}

static void check_turned(const char *folder, bool ask, bool turned) {
  static const uint8_t as_stored[] = {0, 1, 2, 3, 4, 5}, exchanged[] = {0, 3, 1, 4, 2, 5};
  const dg_dataset_options options = {.size = sizeof options, .transpose = ask};
  dg_dataset *set = open_set(folder, &options);
  dg_part_view train = dg_dataset_part(set, DG_PART_TRAIN);
  ck_assert_uint_eq(train.height, turned ? 3 : 2);
  ck_assert_uint_eq(train.width, turned ? 2 : 3);
  for (int i = 0; i < 2; i++)
    ck_assert_mem_eq(train.images + i * 6, turned ? exchanged : as_stored, 6);
  ck_assert_uint_eq(train.labels[1], 2);
  dg_dataset_close(set);
}

START_TEST(emnist_is_turned) {
  new_folder("emnist");
  write_emnist("letters");
  check_turned("emnist", false, true);
  check_turned("emnist", true, true);
  ck_assert_int_eq(shell("gzip emnist/*"), 0);
  check_turned("emnist", false, true);
  write_emnist("byclass");
  ck_assert_ptr_null(dg_dataset_open(shell_path("emnist"), 1, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "several sets, emnist-byclass-images and "
                                            "emnist-letters-images"));
}
END_TEST

START_TEST(others_are_turned_on_request) {
  write_set("turn", "idx3-ubyte", 8, (uint32_t[MOST]){2, 2, 3}, "\0\1\2\3\4\5", 6);
  write_idx("turn", "train-labels-idx1-ubyte", 8, (uint32_t[MOST]){2}, "\1\2", 2);
  check_turned("turn", false, false);
  check_turned("turn", true, true);
}
END_TEST

static const struct {
  const char *name;
  unsigned type;
  uint32_t dim[MOST];
  const char *bytes;
  size_t size;
  const char *says;
} bad[] = {
    {"idx3-ubyte",
     13,
     {2, 1, 1},
     "\0",
     1,
     "field type: expected 0x08 (unsigned bytes), found 0x0d"},
    {"idx3-float", 8, {2, 1, 1}, "\0", 1, "field type: expected 0x0d, found 0x08"},
    {"idx2-float", 13, {2, 1, 1}, "\0", 1, "field rank: expected 2 dimensions, found 3"},
    {"idx3-float",
     13,
     {2, 2, 1},
     "\0\0\0\0\x7f\xc0\0\0",
     8,
     "train-images-idx3-float[0, 1, 0] is NaN"},
    {"idx3-int", 12, {2, 1, 1}, "\1\0\0\1", 4, "[0, 0, 0] is 16777217, which a float can't hold"},
    {"idx2-float",
     13,
     {3, 1},
     "\0",
     1,
     "train-labels has 2 in dimension 1, but train-images has 3"},
};

START_TEST(what_lies_is_refused) {
  char name[100];
  write_set("bad", "idx3-float", 13, (uint32_t[MOST]){2, 1, 1}, "\0", 1);
  ck_assert_int_eq(shell("rm bad/train-images*"), 0);
  snprintf(name, sizeof name, "train-images-%s", bad[_i].name);
  write_idx("bad", name, bad[_i].type, bad[_i].dim, bad[_i].bytes, bad[_i].size);
  ck_assert_ptr_null(dg_dataset_open(shell_path("bad"), 1, &err));
  ck_assert_msg(strstr(err.message, bad[_i].says), "no \"%s\" in \"%s\"", bad[_i].says,
                err.message);
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  TCase *tests = tcase_create("idx_kinds");
  tcase_add_loop_test(tests, every_type_and_rank, 0, sizeof kinds / sizeof *kinds);
  tcase_add_loop_test(tests, all_kinds_are_written, 0, sizeof kinds / sizeof *kinds);
  tcase_add_test(tests, emnist_is_turned);
  tcase_add_test(tests, others_are_turned_on_request);
  tcase_add_loop_test(tests, what_lies_is_refused, 0, sizeof bad / sizeof *bad);
  int status = suite_main("idx_kinds", tests);
  shell_close();
  return status;
}
