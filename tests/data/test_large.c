/* Sets that are not read into memory: files that are mapped, others that are unpacked to a file of
   the cache's folder, which leaves nothing there. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/data/dataset.h"
#include "core/formats/archive.h"
#include "digits/data.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

enum { COUNT = 50, NUMBERS = 1 * 6 * 6, HEADER = 128 };

static dg_error err;

static void save(const char *name, const void *bytes, size_t size) {
  FILE *file = fopen(shell_path(name), "wb");
  ck_assert_ptr_nonnull(file);
  ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
  ck_assert_int_eq(fclose(file), 0);
}

/** The bytes of a .npy file with numbers of a type, whose header takes `header` bytes. Returns
    their count; each number is its index modulo 251. */
static size_t make_npy(uint8_t *bytes, const char *type, const char *shape, size_t count,
                       size_t header) {
  const size_t unit = (size_t)(type[2] - '0');
  const int length =
      snprintf((char *)bytes + 10, header - 10,
               "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", type, shape);
  memset(bytes + 10 + length, ' ', header - 10 - (size_t)length);
  memcpy(bytes, "\x93NUMPY\1\0", 8);
  bytes[8] = (uint8_t)(header - 10);
  bytes[9] = 0;
  for (size_t i = 0; i < count; i++) {
    const float value = (float)(i % 251);
    const double wide = (double)value;
    uint8_t *to = bytes + header + i * unit;
    if (unit == 1) *to = (uint8_t)(i % 251);
    if (unit == 4) memcpy(to, &value, unit);
    if (unit == 8) memcpy(to, &wide, unit);
    for (size_t b = 0; type[0] == '>' && b < unit / 2; b++) {
      const uint8_t kept = to[b];
      to[b] = to[unit - 1 - b];
      to[unit - 1 - b] = kept;
    }
  }
  return header + count * unit;
}

/** Writes inputs of a type and their labels, as two files or in one. */
static void save_arrays(const char *type, size_t header, bool together) {
  uint8_t x[HEADER + 10 + COUNT * NUMBERS * 8], y[HEADER + COUNT];
  const size_t x_size = make_npy(x, type, "50, 1, 6, 6", COUNT * (size_t)NUMBERS, header);
  const size_t y_size = make_npy(y, "|u1", "50,", COUNT, HEADER);
  ck_assert_int_eq(shell("mkdir -p set"), 0);
  const dg_archive_entry entries[] = {{"X.npy", x, x_size}, {"y.npy", y, y_size}};
  if (together) ck_assert(dg_archive_write(shell_path("set/set.npz"), entries, 2, NULL, &err));
  save("set/X.npy", x, x_size);
  save("set/y.npy", y, y_size);
}

static void save_idx(bool gzip) {
  dg_dataset *drawn = dg_dataset_draw(COUNT, 5, 1, 1, &err);
  ck_assert(drawn && dg_dataset_write(drawn, shell_path("set"), gzip, &err));
  dg_dataset_close(drawn);
}

static void save_cifar(bool packed) {
  enum { RECORD = 3073 };
  static uint8_t records[COUNT * RECORD];
  for (size_t i = 0; i < sizeof records; i++)
    records[i] = (uint8_t)(i % RECORD ? i % 251 : i / RECORD % 10);
  ck_assert_int_eq(shell("mkdir -p set"), 0);
  save("set/data_batch_1.bin", records, sizeof records);
  if (packed) ck_assert_int_eq(shell("tar -czf set/set.tar.gz -C set data_batch_1.bin"), 0);
}

/* ---- what stands behind the inputs --------------------------------------- */

/** The file behind a place in memory, as the system lists it. */
static const char *file_behind(const void *at) {
  static char line[1000];
  FILE *maps = fopen("/proc/self/maps", "r");
  ck_assert_ptr_nonnull(maps);
  while (fgets(line, sizeof line, maps)) {
    unsigned long long begin = 0, end = 0;
    if (sscanf(line, "%llx-%llx", &begin, &end) == 2 && (uintptr_t)at >= begin &&
        (uintptr_t)at < end)
      break;
    line[0] = '\0';
  }
  fclose(maps);
  return line;
}

static void check_same(const dg_dataset *a, const dg_dataset *b) {
  const dg_samples *parts[2][2] = {{&a->train, &b->train}, {&a->test, &b->test}};
  for (int p = 0; p < 2; p++) {
    const dg_samples *x = parts[p][0], *y = parts[p][1];
    ck_assert_uint_eq(x->count, y->count);
    ck_assert(dg_kind_equal(&x->kind, &y->kind));
    ck_assert_mem_eq(x->inputs, y->inputs, x->count * dg_input_bytes(&x->kind));
    ck_assert_mem_eq(x->labels, y->labels, x->count);
    ck_assert(!x->lengths == !y->lengths);
    if (x->lengths) ck_assert_mem_eq(x->lengths, y->lengths, x->count * sizeof *x->lengths);
  }
}

static dg_dataset *open_from(const char *path, uint64_t in_memory) {
  const dg_dataset_options how = {.size = sizeof how, .in_memory = in_memory};
  dg_dataset *set = dg_dataset_open_with(shell_path(path), &how, &err);
  ck_assert_msg(set != NULL, "%s", err.message);
  return set;
}

/** Opens a set with and without its arrays in memory. `file`: the one behind its inputs; NULL: one
    without a name, in the cache's folder. */
static void check_set(const char *path, const char *file) {
  char folder[300];
  snprintf(folder, sizeof folder, "%s", shell_path("cache"));
  setenv("DIGITS_CACHE", folder, 1);
  dg_dataset *read = open_from(path, UINT64_MAX), *large = open_from(path, 1);
  ck_assert_ptr_null(strstr(file_behind(read->train.inputs), shell_path("")));
  const char *behind = file_behind(large->train.inputs);
  ck_assert_msg(strstr(behind, file ? file : folder) != NULL, "%s", behind);
  ck_assert((strstr(behind, "(deleted)") != NULL) == !file);
  check_same(read, large);
  const char *const held_out = dg_dataset_held_out(read);
  ck_assert(dg_dataset_merge(read, DG_PART_TRAIN, &err) &&
            dg_dataset_merge(large, DG_PART_TRAIN, &err));
  if (held_out) ck_assert_uint_eq(large->train.count, COUNT);
  check_same(read, large);
  shell_check("mkdir -p cache && ls -A cache | wc -l", 0, "0\n");
  dg_dataset_close(large);
  dg_dataset_close(read);
  ck_assert_int_eq(shell("rm -r set"), 0);
}

START_TEST(arrays_are_mapped_or_unpacked) {
  save_arrays("|u1", HEADER, false);
  check_set("set", "X.npy");
  save_arrays("<f4", HEADER, false);
  check_set("set", "X.npy");
  save_arrays("<f4", HEADER - 3, false); /* floats that can't be read where they lie */
  check_set("set", NULL);
  save_arrays(">f4", HEADER, false);
  check_set("set", NULL);
  save_arrays("<f8", HEADER, false);
  check_set("set", NULL);
  save_arrays("|u1", HEADER, true);
  check_set("set/set.npz", NULL);
  save_arrays("<f8", HEADER, true);
  check_set("set/set.npz", NULL);
}
END_TEST

/** Numbers beyond the lengths become 0, which a file that is mapped must not see. */
START_TEST(sequences_are_unpacked) {
  uint8_t x[HEADER + COUNT * NUMBERS * 4], lengths[HEADER + COUNT];
  save_arrays("<f4", HEADER, false);
  save("set/X.npy", x, make_npy(x, "<f4", "50, 9, 4", COUNT * (size_t)NUMBERS, HEADER));
  make_npy(lengths, "|u1", "50,", COUNT, HEADER);
  for (size_t i = 0; i < COUNT; i++) lengths[HEADER + i] = (uint8_t)(1 + i % 9);
  save("set/lengths.npy", lengths, sizeof lengths);
  dg_dataset *set = open_from("set", 1);
  ck_assert_uint_eq(dg_dataset_lengths(set, DG_PART_TRAIN)[8], 9);
  ck_assert_uint_eq(dg_dataset_lengths(set, DG_PART_TEST)[0], 1 + 45 % 9);
  ck_assert(((const float *)set->train.inputs)[4] == 0);
  dg_dataset_close(set);
  check_set("set", NULL);
}
END_TEST

START_TEST(images_are_mapped_or_unpacked) {
  save_idx(false);
  check_set("set", "train-images-idx3-ubyte");
  save_idx(true);
  check_set("set", NULL);
  save_cifar(false);
  check_set("set", NULL);
  save_cifar(true);
  check_set("set/set.tar.gz", NULL);
}
END_TEST

/* ---- errors --------------------------------------------------------------- */

START_TEST(numbers_are_checked) {
  const uint32_t nan = 0x7fc00000;
  const dg_dataset_options how = {.size = sizeof how, .in_memory = 1};
  uint8_t bytes[HEADER + COUNT * NUMBERS * 4];
  save_arrays("<f4", HEADER, false);
  make_npy(bytes, "<f4", "50, 1, 6, 6", COUNT * (size_t)NUMBERS, HEADER);
  memcpy(bytes + HEADER + 4 * (NUMBERS + 7), &nan, sizeof nan);
  save("set/X.npy", bytes, sizeof bytes);
  ck_assert_ptr_null(dg_dataset_open_with(shell_path("set"), &how, &err));
  ck_assert_msg(strstr(err.message, "X.npy[1, 0, 1, 1] is NaN") != NULL, "%s", err.message);
  save("set/X.npy", bytes, sizeof bytes - 1);
  ck_assert_ptr_null(dg_dataset_open_with(shell_path("set"), &how, &err));
  ck_assert_msg(strstr(err.message, "damaged or cut") != NULL, "%s", err.message);
  ck_assert_int_eq(shell("rm -r set"), 0);
}
END_TEST

START_TEST(a_disk_may_be_full) {
  const dg_dataset_options how = {.size = sizeof how, .in_memory = 1};
  save_arrays("<f8", HEADER, false);
  signal(SIGXFSZ, SIG_IGN);
  ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){1000, RLIM_INFINITY}), 0);
  ck_assert_ptr_null(dg_dataset_open_with(shell_path("set"), &how, &err));
  ck_assert_int_eq(err.kind, DG_ERR_RUNTIME);
  ck_assert_msg(strstr(err.message, "X.npy: it takes 1 MB when it is unpacked, for which") &&
                    strstr(err.message, "DIGITS_CACHE names another folder"),
                "%s", err.message);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("large");
  if (!shell_open()) return 1;
  tcase_set_timeout(tests, 60);
  tcase_add_test(tests, arrays_are_mapped_or_unpacked);
  tcase_add_test(tests, sequences_are_unpacked);
  tcase_add_test(tests, images_are_mapped_or_unpacked);
  tcase_add_test(tests, numbers_are_checked);
  tcase_add_test(tests, a_disk_may_be_full);
  int status = suite_main("large", tests);
  shell_close();
  return status;
}
