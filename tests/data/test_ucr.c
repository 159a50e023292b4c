/* Time series of the UCR archive's form. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits/data.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

static dg_error err;

static void write_text(const char *name, const char *text) {
  FILE *file = fopen(shell_path(name), "w");
  ck_assert_ptr_nonnull(file);
  ck_assert_int_ge(fputs(text, file), 0);
  ck_assert_int_eq(fclose(file), 0);
}

static void write_pair(const char *train, const char *test) {
  ck_assert_int_eq(shell("rm -rf s && mkdir s"), 0);
  write_text("s/Gun_TRAIN.tsv", train);
  write_text("s/Gun_TEST.tsv", test);
}

/** Checks labels and names, and that values count from 1 on in the order of the files. */
static void check_set(const char *path, const uint8_t labels[3], const char *first,
                      const char *second) {
  dg_dataset *set = dg_dataset_open(shell_path(path), 1, &err);
  ck_assert_msg(set, "%s", err.message);
  float next = 1;
  for (int p = 0; p < 2; p++) {
    dg_part_view part = dg_dataset_part(set, (dg_part)p);
    ck_assert_uint_eq(part.count, p ? 1 : 2);
    ck_assert_uint_eq(part.rank, 2);
    ck_assert_uint_eq(part.dim[0], 3);
    ck_assert_uint_eq(part.dim[1], 1);
    ck_assert_int_eq(part.type, DG_NUMBERS_FLOATS);
    for (uint32_t i = 0; i < 3 * part.count; i++, next++)
      ck_assert_float_eq(((const float *)part.inputs)[i], next);
    for (uint32_t i = 0; i < part.count; i++) ck_assert_uint_eq(part.labels[i], labels[2 * p + i]);
  }
  const dg_classes *names = dg_dataset_classes(set);
  ck_assert_uint_eq(names->count, 2);
  ck_assert_str_eq(names->name[0], first);
  ck_assert_str_eq(names->name[1], second);
  ck_assert_ptr_null(dg_dataset_held_out(set));
  dg_dataset_close(set);
}

START_TEST(labels_are_sorted) {
  write_pair("2\t1\t2\t3\n-10\t4\t5\t6\n", "2.0\t7\t8e0\t+9\n");
  check_set("s", (const uint8_t[]){1, 0, 1}, "-10", "2");
  check_set("s/Gun_TRAIN.tsv", (const uint8_t[]){1, 0, 1}, "-10", "2");
  write_pair("walk\t1\t2\t3\r\n\r\nrun\t4\t5\t6\r\n", "\xef\xbb\xbfrun\t7\t8\t9");
  check_set("s", (const uint8_t[]){1, 0, 0}, "run", "walk");
  write_pair("10\t1\t2\t3\n2\t4\t5\t6", "2\t7\t8\t9");
  check_set("s", (const uint8_t[]){1, 0, 0}, "2", "10");
}
END_TEST

static bool count_file(void *count, const char *path, dg_error *e) {
  (void)e;
  ck_assert_ptr_nonnull(strstr(path, ".tsv"));
  return ++*(int *)count, true;
}

START_TEST(its_files) {
  int files = 0;
  write_pair("1\t2\n", "1\t2\n");
  write_text("s/README.md", "a");
  ck_assert(dg_dataset_files(shell_path("s"), count_file, &files, &err));
  ck_assert_int_eq(files, 2);
}
END_TEST

#define GOOD "1\t1\t2\n"

static const struct {
  const char *train, *test, *says;
} bad[] = {
    {"", GOOD, "Gun_TRAIN.tsv: no series is in it"},
    {GOOD, "\n\n", "Gun_TEST.tsv: no series is in it"},
    {"1 1 2\n", GOOD, "no value follows the first label; label and values are separated by tabs"},
    {GOOD "2\t1\n", GOOD, "Gun_TRAIN.tsv:2: the series has 1 values, but the first one 2"},
    {GOOD "2\t1\t2\t3\n", GOOD, "Gun_TRAIN.tsv:2: the series has more than the 2 values"},
    {GOOD, "1\t1\t2\t3\n", "Gun_TEST.tsv:1: the series has more than the 2 values"},
    {GOOD "2\tnan\t\n", GOOD, "Gun_TRAIN.tsv:2: the series has no values"},
    {"1\t1\t2\t3\n2\t1\t?\t3\n", GOOD, "Gun_TRAIN.tsv:2: value 2 of the series is missing"},
    {GOOD "2\tNaN\tx\n", GOOD, "Gun_TRAIN.tsv:2: value 2: \"x\" is no finite number"},
    {GOOD "2\t1\tNaN\tNaN\n", GOOD, "Gun_TRAIN.tsv:2: the series has more than the 2 values"},
    {GOOD "2\tNaN\t1\n", GOOD, "Gun_TRAIN.tsv:2: value 1 of the series is missing"},
    {GOOD "2\t\t1\n", GOOD, "Gun_TRAIN.tsv:2: value 1 of the series is missing"},
    {GOOD "2\t1\tx\n", GOOD, "Gun_TRAIN.tsv:2: value 2: \"x\" is no finite number"},
    {GOOD "2\t1\t1,5\n", GOOD, "value 2: \"1,5\" is no finite number"},
    {GOOD "2\t1\t0x10\n", GOOD, "value 2: \"0x10\" is no finite number"},
    {GOOD "2\t1\t 1\n", GOOD, "value 2: \" 1\" is no finite number"},
    {GOOD "2\t1\tinf\n", GOOD, "value 2: \"inf\" is no finite number"},
    {GOOD "2\t1\t1e300\n", GOOD, "value 2: \"1e300\" is no finite number"},
    {GOOD "\t1\t2\n", GOOD, "Gun_TRAIN.tsv:2: the label is missing"},
    {GOOD "NaN\t1\t2\n", GOOD, "Gun_TRAIN.tsv:2: the label is missing"},
};

START_TEST(bad_series) {
  write_pair(bad[_i].train, bad[_i].test);
  ck_assert_ptr_null(dg_dataset_open(shell_path("s"), 1, &err));
  ck_assert_msg(strstr(err.message, bad[_i].says), "no \"%s\" in \"%s\"", bad[_i].says,
                err.message);
}
END_TEST

/** Missing values at the end make a series shorter; of one length, series have none. */
START_TEST(unequal_lengths) {
  static const uint32_t train[] = {3, 1, 2};
  write_pair("1\t1\t2\t3\n2\t4\tNaN\t?\n1\t5\t6\t\n", "2\t7\t8\t9\n");
  dg_dataset *set = dg_dataset_open(shell_path("s"), 1, &err);
  ck_assert_msg(set, "%s", err.message);
  const float *values = dg_dataset_part(set, DG_PART_TRAIN).inputs;
  static const float expected[] = {1, 2, 3, 4, 0, 0, 5, 6, 0};
  ck_assert_mem_eq(values, expected, sizeof expected);
  ck_assert_mem_eq(dg_dataset_lengths(set, DG_PART_TRAIN), train, sizeof train);
  ck_assert_uint_eq(dg_dataset_lengths(set, DG_PART_TEST)[0], 3);
  ck_assert(!dg_dataset_write(set, shell_path("idx"), false, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "unequal lengths, which IDX files can't hold"));
  dg_dataset_close(set);
  write_pair("1\t1\t2\n", "1\t1\t2\n");
  set = dg_dataset_open(shell_path("s"), 1, &err);
  ck_assert_ptr_null(dg_dataset_lengths(set, DG_PART_TRAIN));
  dg_dataset_close(set);
}
END_TEST

START_TEST(pairs_that_are_not_whole) {
  write_pair(GOOD, GOOD);
  write_text("s/Bee_TRAIN.tsv", GOOD);
  ck_assert_ptr_null(dg_dataset_open(shell_path("s"), 1, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "name one file, Bee_TRAIN.tsv or Gun_TRAIN.tsv"));
  ck_assert_ptr_null(dg_dataset_open(shell_path("s/Bee_TRAIN.tsv"), 1, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "Bee_TEST.tsv: No such file"));
}
END_TEST

START_TEST(too_many_labels) {
  ck_assert_int_eq(
      shell("rm -rf s && mkdir s && for i in $(seq 257); do printf \"$i\\t1\\n\"; done "
            "> s/a_TRAIN.tsv && cp s/a_TRAIN.tsv s/a_TEST.tsv"),
      0);
  ck_assert_ptr_null(dg_dataset_open(shell_path("s"), 1, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "a_TRAIN.tsv:257: \"257\" is one label more than 256"));
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  TCase *tests = tcase_create("ucr");
  tcase_add_test(tests, labels_are_sorted);
  tcase_add_test(tests, its_files);
  tcase_add_loop_test(tests, bad_series, 0, sizeof bad / sizeof *bad);
  tcase_add_test(tests, unequal_lengths);
  tcase_add_test(tests, pairs_that_are_not_whole);
  tcase_add_test(tests, too_many_labels);
  int status = suite_main("ucr", tests);
  shell_close();
  return status;
}
