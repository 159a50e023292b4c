/* CIFAR-10 and CIFAR-100 in their binary form, in a folder and in an archive. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits/data.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

enum { PIXELS = 3072 };

static dg_error err;

/** Writes records; record i has the labels label + i (of two, the first is 99) and pixels of that
    value, but for the first one, which is 255. */
static void write_records(const char *name, unsigned labels, unsigned records, uint8_t label,
                          unsigned more) {
  FILE *file = fopen(shell_path(name), "wb");
  ck_assert_ptr_nonnull(file);
  for (unsigned i = 0; i < records; i++) {
    uint8_t bytes[2 + PIXELS];
    memset(bytes, label + i, sizeof bytes);
    if (labels == 2) bytes[0] = 99;
    bytes[labels] = 255;
    ck_assert_uint_eq(fwrite(bytes, 1, labels + PIXELS, file), labels + PIXELS);
  }
  for (unsigned i = 0; i < more; i++) fputc(0, file);
  ck_assert_int_eq(fclose(file), 0);
}

static void write_sets(void) {
  ck_assert_int_eq(shell("mkdir -p ten hundred bare cut mixed two py && echo > py/data_batch_1"),
                   0);
  write_records("ten/data_batch_10.bin", 1, 1, 9, 0);
  write_records("ten/data_batch_1.bin", 1, 2, 0, 0);
  write_records("ten/data_batch_2.bin", 1, 3, 2, 0);
  write_records("ten/test_batch.bin", 1, 1, 1, 0);
  write_records("hundred/train.bin", 2, 4, 40, 0);
  write_records("hundred/test.bin", 2, 1, 43, 0);
  write_records("bare/data_batch_1.bin", 1, 3, 5, 0);
  write_records("cut/data_batch_1.bin", 1, 2, 0, 7);
  write_records("mixed/data_batch_1.bin", 1, 1, 0, 0);
  write_records("mixed/train.bin", 2, 1, 0, 0);
  ck_assert_int_eq(
      shell(
          "printf 'plane\\ncar\\nc\\nd\\ne\\nf\\ng\\nh\\ni\\nj\\n\\n' > ten/batches.meta.txt &&"
          "echo read > ten/readme.html && mkdir few && cp ten/*.bin few && echo a > "
          "few/batches.meta.txt && mkdir cifar-10-batches-bin && cp ten/* cifar-10-batches-bin && "
          "tar -czf ten.tar.gz cifar-10-batches-bin && tar --format=posix -cf ten.tar ten && "
          "tar -czf two.tgz ten cifar-10-batches-bin && tar -czf py.tar.gz py && "
          "head -c 9000 ten.tar > short.tar && "

          "cp ten.tar name.tar && printf X | dd of=name.tar bs=1 seek=3 conv=notrunc 2> "
          "/dev/null"),
      0);
}

/* ---- what is read ------------------------------------------------------- */

START_TEST(cifar_10) {
  static const char *const paths[] = {"ten", "ten.tar.gz", "ten.tar"};
  dg_dataset *set = dg_dataset_open(shell_path(paths[_i]), 1, &err);
  ck_assert_msg(set, "%s", err.message);
  dg_part_view train = dg_dataset_part(set, DG_PART_TRAIN);
  dg_part_view test = dg_dataset_part(set, DG_PART_TEST);
  ck_assert_uint_eq(train.count, 6);
  ck_assert_uint_eq(test.count, 1);
  ck_assert_uint_eq(train.channels, 3);
  ck_assert_uint_eq(train.height, 32);
  ck_assert_uint_eq(train.width, 32);
  for (unsigned i = 0; i < train.count; i++) {
    const uint8_t *image = train.images + (size_t)i * PIXELS, label = i < 5 ? i : 9;
    ck_assert_uint_eq(train.labels[i], label);
    ck_assert_uint_eq(image[0], 255);
    ck_assert_uint_eq(image[1], label);
    ck_assert_uint_eq(image[PIXELS - 1], label);
  }
  ck_assert_uint_eq(test.labels[0], 1);
  ck_assert_uint_eq(dg_dataset_classes(set)->count, 10);
  ck_assert_str_eq(dg_dataset_classes(set)->name[1], "car");
  ck_assert_ptr_null(dg_dataset_held_out(set));
  dg_dataset_close(set);
}
END_TEST

START_TEST(cifar_100_has_fine_labels) {
  dg_dataset *set = dg_dataset_open(shell_path("hundred"), 1, &err);
  ck_assert_msg(set, "%s", err.message);
  dg_part_view train = dg_dataset_part(set, DG_PART_TRAIN);
  ck_assert_uint_eq(train.count, 4);
  ck_assert_uint_eq(train.labels[3], 43);
  ck_assert_uint_eq(train.images[PIXELS], 255);
  ck_assert_uint_eq(train.images[PIXELS + 1], 41);
  ck_assert_uint_eq(dg_dataset_classes(set)->count, 0);
  dg_dataset_close(set);
}
END_TEST

START_TEST(without_tests) {
  dg_dataset *set = dg_dataset_open(shell_path("bare"), 1, &err);
  ck_assert_msg(set, "%s", err.message);
  ck_assert_uint_eq(dg_dataset_train_samples(set), 2);
  ck_assert_uint_eq(dg_dataset_part(set, DG_PART_TEST).labels[0], 7);
  ck_assert_str_eq(dg_dataset_held_out(set), "the last tenth");
  dg_dataset_close(set);
}
END_TEST

static bool count_file(void *count, const char *path, dg_error *e) {
  (void)e;
  ck_assert_ptr_null(strstr(path, "readme"));
  return ++*(int *)count, true;
}

START_TEST(its_files) {
  int files = 0;
  ck_assert(dg_dataset_files(shell_path("ten"), count_file, &files, &err));
  ck_assert_int_eq(files, 5);
  ck_assert(dg_dataset_files(shell_path("ten.tar.gz"), count_file, &files, &err));
  ck_assert_int_eq(files, 6);
}
END_TEST

/* ---- what is refused ---------------------------------------------------- */

static const struct {
  const char *path, *says;
} bad[] = {
    {"cut",
     "cut: data_batch_1.bin: 6153 bytes are no multiple of 3073, which a record of CIFAR-10"},
    {"mixed", "files of CIFAR-10 and of CIFAR-100 are in it"},
    {"few", "batches.meta.txt names 1 classes, but the labels"},
    {"two.tgz", "is in it twice"},
    {"py.tar.gz", "get the binary version of CIFAR-10 or CIFAR-100"},
    {"short.tar", "damaged or cut at byte 9000"},
    {"name.tar", "no sound tar archive: damaged"},
    {"none.tar", "none.tar: No such file"},
};

START_TEST(bad_sets) {
  err = (dg_error){0};
  ck_assert_ptr_null(dg_dataset_open(shell_path(bad[_i].path), 1, &err));
  ck_assert_msg(strstr(err.message, bad[_i].says), "no \"%s\" in \"%s\"", bad[_i].says,
                err.message);
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  TCase *tests = tcase_create("cifar");
  tcase_add_unchecked_fixture(tests, write_sets, NULL);
  tcase_add_loop_test(tests, cifar_10, 0, 3);
  tcase_add_test(tests, cifar_100_has_fine_labels);
  tcase_add_test(tests, without_tests);
  tcase_add_test(tests, its_files);
  tcase_add_loop_test(tests, bad_sets, 0, sizeof bad / sizeof *bad);
  int status = suite_main("cifar", tests);
  shell_close();
  return status;
}
