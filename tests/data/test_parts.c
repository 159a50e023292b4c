/* Parts of sets: what of a table is for the test, and images that are picked of it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "digits/data.h"
#include "tests/common/suite.h"

static char path[] = "/tmp/digits-parts-XXXXXX";

enum { PIXELS = 4 };

/** A table of images of 2x2; row i has the label i % 7 and pixels from 4 i on. */
static dg_dataset *open_table(int rows) {
  FILE *file = fopen(path, "w");
  ck_assert_ptr_nonnull(file);
  fputs("label,a,b,c,d\n", file);
  for (int i = 0; i < rows; i++)
    fprintf(file, "%d,%d,%d,%d,%d\n", i % 7, 4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3);
  fclose(file);
  dg_error err = {0};
  dg_dataset *set = dg_dataset_open(path, 1, &err);
  ck_assert_msg(set != NULL, "%s", err.message);
  return set;
}

/** Are the samples of a part the rows from `first` on? */
static void check_part(const dg_dataset *set, dg_part part, int first, int count) {
  const dg_part_view view = dg_dataset_part(set, part);
  ck_assert_uint_eq(view.count, (unsigned)count);
  if (count) ck_assert(view.height == 2 && view.width == 2);
  for (int i = 0; i < count; i++) {
    ck_assert_uint_eq(view.labels[i], (unsigned)(first + i) % 7);
    for (int k = 0; k < PIXELS; k++)
      ck_assert_uint_eq(view.images[i * PIXELS + k], (unsigned)(4 * (first + i) + k));
  }
}

/** The last tenth; one of two to nine. */
START_TEST(the_last_tenth_is_for_the_test) {
  for (int rows = 1; rows <= 41; rows++) {
    int test = rows == 1 ? 0 : rows < 10 ? 1 : rows / 10;
    dg_error err = {0};
    for (int join = -1; join < 2; join++) { /* as it is; all to train; all to test */
      dg_dataset *set = open_table(rows);
      ck_assert_str_eq(dg_dataset_held_out(set), "the last tenth");
      if (join >= 0) {
        ck_assert_msg(dg_dataset_merge(set, (dg_part)join, &err), "%s", err.message);
        ck_assert_ptr_null(dg_dataset_held_out(set));
      }
      check_part(set, DG_PART_TRAIN, 0, join < 0 ? rows - test : join == DG_PART_TRAIN ? rows : 0);
      check_part(set, DG_PART_TEST, join < 0 ? rows - test : 0,
                 join < 0               ? test
                 : join == DG_PART_TEST ? rows
                                        : 0);
      ck_assert_uint_eq(dg_dataset_train_samples(set), dg_dataset_part(set, DG_PART_TRAIN).count);
      ck_assert_uint_eq(dg_dataset_test_samples(set), dg_dataset_part(set, DG_PART_TEST).count);
      dg_dataset_close(set);
    }
  }
}
END_TEST

START_TEST(images_are_picked) {
  dg_dataset *set = open_table(40); /* rows 36 to 39 are for the test */
  dg_error err = {0};
  static const uint32_t chosen[] = {3, 0, 3}, none[] = {1, 4};
  dg_dataset *some = dg_dataset_select(set, chosen, 3, &err);
  ck_assert_msg(some != NULL, "%s", err.message);
  ck_assert_uint_eq(dg_dataset_train_samples(some), 0);
  const dg_part_view view = dg_dataset_part(some, DG_PART_TEST);
  ck_assert_uint_eq(view.count, 3);
  for (int i = 0; i < 3; i++) {
    ck_assert_uint_eq(view.labels[i], (36 + chosen[i]) % 7);
    for (uint32_t k = 0; k < PIXELS; k++)
      ck_assert_uint_eq(view.images[(uint32_t)i * PIXELS + k], 4 * (36 + chosen[i]) + k);
  }
  dg_dataset_close(some);
  ck_assert_ptr_null(dg_dataset_select(set, chosen, 0, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "no test image was chosen"));
  ck_assert_ptr_null(dg_dataset_select(set, none, 2, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "there is no test image 4 of 4"));
  dg_dataset_close(set);
}
END_TEST

/** Notes how often it was called and with what. */
typedef struct {
  int calls;
  char last[100];
} told;

static bool on_file(void *user, const char *name, dg_error *err) {
  told *t = user;
  (void)err;
  t->calls++;
  snprintf(t->last, sizeof t->last, "%s", name);
  return true;
}

static bool refuse(void *user, const char *name, dg_error *err) {
  (void)user, (void)name;
  return dg_fail(err, DG_ERR_INPUT, "not this one");
}

/** The files of a set are told; of what is drawn or isn't there, none. */
START_TEST(files_are_told) {
  told t = {0};
  dg_error err = {0};
  dg_dataset_close(open_table(3));
  ck_assert(dg_dataset_files(path, on_file, &t, &err));
  ck_assert_int_eq(t.calls, 1);
  ck_assert_str_eq(t.last, path);
  ck_assert(!dg_dataset_files(path, refuse, NULL, &err));
  ck_assert(dg_dataset_files("builtin", on_file, &t, &err));
  ck_assert(dg_dataset_files("/no/such/file", on_file, &t, &err));
  ck_assert_int_eq(t.calls, 1);
}
END_TEST

/** Names of up to 63 bytes; one that is longer is told. */
START_TEST(names_have_a_longest) {
  dg_classes *names = malloc(sizeof *names);
  ck_assert_ptr_nonnull(names);
  for (size_t length = 62; length <= 65; length++) {
    dg_error err = {0};
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "first\n%0*d\n", (int)length, 7);
    fclose(file);
    bool ok = dg_classes_read(names, path, &err);
    ck_assert_int_eq(ok, length < DG_CLASS_SIZE);
    if (ok) ck_assert_uint_eq(strlen(names->name[1]), length);
    if (!ok)
      ck_assert_ptr_nonnull(
          strstr(err.message, "the name of class 1 must be a line of UTF-8 of at most 63 bytes"));
  }
  free(names);
}
END_TEST

int main(void) {
  suite_new_file(path);
  TCase *tests = tcase_create("parts");
  tcase_add_test(tests, the_last_tenth_is_for_the_test);
  tcase_add_test(tests, images_are_picked);
  tcase_add_test(tests, files_are_told);
  tcase_add_test(tests, names_have_a_longest);
  return suite_main("parts", tests);
}
