/* What every backend asks of an op before it prepares it: has no tensor too many numbers? */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/op/op.h"
#include "tests/common/suite.h"

static uint64_t larger(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

/** A tensor of as many numbers as are allowed is right, with one more it is not. */
static void check_most(const dg_op_desc *desc, uint32_t n, uint64_t largest) {
  dg_error err = {0};
  ck_assert_msg(dg_op_check(desc, n, largest, &err), "%u samples, at most %llu numbers: %s", n,
                (unsigned long long)largest, err.message);
  ck_assert_msg(!dg_op_check(desc, n, largest - 1, &err), "%u samples: %llu numbers are too many",
                n, (unsigned long long)largest);
}

START_TEST(tensors_have_a_largest) {
  static const struct { uint32_t in, out; } sides[] = {{1000, 1}, {1, 1000}, {30, 40}, {7, 7}};
  for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
    for (uint32_t n = 1; n <= 64; n *= 4) {
      uint64_t in = sides[i].in, out = sides[i].out;
      const dg_op_desc linear = {
          .kind = DG_OP_LINEAR, .linear = {.in = (uint32_t)in, .out = (uint32_t)out, .bias = true}};
      check_most(&linear, n, larger(in * out, n * larger(in, out)));
    }
}
END_TEST

START_TEST(what_is_too_large_is_named) {
  const dg_op_desc linear = {.kind = DG_OP_LINEAR, .linear = {.in = 30, .out = 40}};
  dg_error err = {0};
  ck_assert(!dg_op_check(&linear, 8, 1199, &err));
  ck_assert_str_eq(err.message, "a parameter would have 1200 numbers, more than 1199");
  ck_assert(!dg_op_check(&linear, 8, 300, &err));
  ck_assert_str_eq(err.message, "its output of 8 samples would have 320 numbers, more than 300; "
                                "a smaller batch fits");
  ck_assert(!dg_op_check(&linear, 8, 200, &err));
  ck_assert_str_eq(err.message, "its input of 8 samples would have 240 numbers, more than 200; "
                                "a smaller batch fits");
  ck_assert_int_eq(err.kind, DG_ERR_MEMORY);
}
END_TEST

/** Of an update or average all numbers count once, whatever the samples. */
START_TEST(updates_have_a_largest) {
  for (uint32_t n = 1; n <= 64; n *= 8) {
    const dg_op_desc average = {.kind = DG_OP_AVERAGE, .average = {.count = 160}};
    check_most(&average, n, 160);
  }
}
END_TEST

/** Of a batch norm: the samples' numbers; parameters and running statistics, one a channel, are
 * never more. */
START_TEST(norms_have_a_largest) {
  for (uint32_t n = 1; n <= 8; n *= 2) {
    const dg_op_desc norm = {.kind = DG_OP_BATCH_NORM,
                             .batch_norm = {.rows = 1, .channels = 24, .plane = 3, .eps = 1e-5F}};
    check_most(&norm, n, (uint64_t)n * 24 * 3);
  }
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("op");
  tcase_add_test(tests, tensors_have_a_largest);
  tcase_add_test(tests, what_is_too_large_is_named);
  tcase_add_test(tests, updates_have_a_largest);
  tcase_add_test(tests, norms_have_a_largest);
  return suite_main("op", tests);
}
