/** MNIST itself, where $DIGITS_DATA says it lies. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/data/dataset.h"
#include "tests/suite.h"

enum { SKIPPED = 77 };

START_TEST(mnist_is_read) {
  dg_error err = {0};
  dg_dataset *set = dg_dataset_read(getenv("DIGITS_DATA"), &err);
  ck_assert_msg(set, "%s", err.message);
  ck_assert_uint_eq(set->classes, 10);
  ck_assert_uint_eq(set->train.count, 60000);
  ck_assert_uint_eq(set->test.count, 10000);
  ck_assert_uint_eq(set->train.height, 28);
  ck_assert_uint_eq(set->train.width, 28);
  dg_dataset_free(set);
}
END_TEST

int main(void) {
  if (!getenv("DIGITS_DATA")) {
    printf("skipped: DIGITS_DATA, a folder with MNIST's four files, is not set\n");
    return SKIPPED;
  }
  TCase *cases = tcase_create("mnist");
  tcase_add_test(cases, mnist_is_read);
  return suite_main("mnist", cases);
}
