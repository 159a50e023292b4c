/* Sets of arrays in memory: copied and borrowed, and what is refused. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "digits/data.h"
#include "tests/common/suite.h"

enum { COUNT = 20, SIZE = 6 };

static dg_error err;
static float floats[COUNT * SIZE];
static uint8_t bytes[COUNT * SIZE], labels[COUNT];

static void fill(void) {
  for (int i = 0; i < COUNT * SIZE; i++) floats[i] = (float)i / 2, bytes[i] = (uint8_t)i;
  for (int i = 0; i < COUNT; i++) labels[i] = (uint8_t)(i % 5);
}

static dg_sample_arrays arrays_of(uint32_t rank, uint32_t a, uint32_t b, uint32_t c,
                                  bool of_bytes) {
  return (dg_sample_arrays){.size = sizeof(dg_sample_arrays),
                            .inputs = {.rank = rank,
                                       .dim = {COUNT, a, b, c},
                                       .type = of_bytes ? DG_NUMBERS_BYTES : DG_NUMBERS_FLOATS,
                                       .numbers = of_bytes ? (void *)bytes : (void *)floats},
                            .labels = labels};
}

static const uint32_t shapes[][4] = {{2, 6}, {3, 2, 3}, {4, 3, 1, 2}, {4, 1, 2, 3}};

START_TEST(all_shapes_copied_and_borrowed) {
  const uint32_t *s = shapes[_i];
  for (int form = 0; form < 4; form++) {
    const bool borrow = form & 1, of_bytes = form & 2;
    const dg_sample_arrays arrays = arrays_of(s[0], s[1], s[2], s[3], of_bytes);
    fill();
    dg_dataset *set = dg_dataset_from_arrays(&arrays, NULL, borrow, &err);
    ck_assert_msg(set, "%s", err.message);
    dg_part_view train = dg_dataset_part(set, DG_PART_TRAIN);
    dg_part_view test = dg_dataset_part(set, DG_PART_TEST);
    ck_assert_uint_eq(train.count, 18);
    ck_assert_uint_eq(test.count, 2);
    ck_assert_uint_eq(train.rank, s[0] - 1);
    for (uint32_t d = 0; d < train.rank; d++) ck_assert_uint_eq(train.dim[d], s[1 + d]);
    ck_assert_int_eq(train.inputs == arrays.inputs.numbers, borrow);
    ck_assert_int_eq(train.labels == labels, borrow);
    const size_t unit = of_bytes ? 1 : sizeof(float);
    ck_assert_mem_eq(train.inputs, arrays.inputs.numbers, 18 * SIZE * unit);
    ck_assert_mem_eq(test.inputs, (const uint8_t *)arrays.inputs.numbers + 18 * SIZE * unit,
                     2 * SIZE * unit);
    ck_assert_uint_eq(test.labels[1], 4);
    ck_assert_str_eq(dg_dataset_held_out(set), "the last tenth");
    ck_assert(dg_dataset_merge(set, DG_PART_TRAIN, &err));
    ck_assert_uint_eq(dg_dataset_train_samples(set), COUNT);
    ck_assert_mem_eq(dg_dataset_part(set, DG_PART_TRAIN).labels, labels, COUNT);
    dg_dataset_close(set);
  }
}
END_TEST

START_TEST(targets_and_tests_of_their_own) {
  fill();
  dg_sample_arrays train = arrays_of(2, 3, 0, 0, false), test = train;
  train.labels = test.labels = NULL;
  train.targets = test.targets = (dg_ndarray){2, {COUNT, 3}, DG_NUMBERS_FLOATS, floats + 60};
  test.inputs.dim[0] = test.targets.dim[0] = 1;
  dg_dataset *set = dg_dataset_from_arrays(&train, &test, false, &err);
  ck_assert_msg(set, "%s", err.message);
  dg_part_view part = dg_dataset_part(set, DG_PART_TEST);
  ck_assert_uint_eq(part.count, 1);
  ck_assert_uint_eq(part.targets, 3);
  ck_assert_ptr_null(part.labels);
  ck_assert_mem_eq(part.target_numbers, floats + 60, 3 * sizeof(float));
  ck_assert_ptr_null(dg_dataset_held_out(set));
  dg_dataset_close(set);
  test.targets.dim[1] = 2;
  ck_assert_ptr_null(dg_dataset_from_arrays(&train, &test, false, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "have another shape, type or count of targets"));
}
END_TEST

static void check_refused(const dg_sample_arrays *arrays, const char *says) {
  for (int borrow = 0; borrow < 2; borrow++) {
    err = (dg_error){0};
    ck_assert_ptr_null(dg_dataset_from_arrays(arrays, NULL, borrow, &err));
    ck_assert_msg(strstr(err.message, says), "no \"%s\" in \"%s\"", says, err.message);
    ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  }
}

START_TEST(bad_arrays) {
  fill();
  const dg_sample_arrays good = arrays_of(3, 2, 3, 0, false);
  dg_sample_arrays bad = good;
  bad.inputs.rank = 1;
  check_refused(&bad, "the training inputs have 1 dimensions; 2 to 4 are allowed");
  bad.inputs.rank = 5;
  check_refused(&bad, "have 5 dimensions");
  bad = good, bad.inputs.dim[1] = 0;
  check_refused(&bad, "the training inputs are empty, or too large");
  bad = arrays_of(4, UINT32_MAX, UINT32_MAX, UINT32_MAX, false);
  check_refused(&bad, "are empty, or too large");
  bad = good, bad.inputs.numbers = NULL;
  check_refused(&bad, "are empty");
  bad = good, bad.inputs.type = (dg_numbers_type)7;
  check_refused(&bad, "neither bytes nor floats");
  bad = good, bad.labels = NULL;
  check_refused(&bad, "need labels or targets");
  bad = good, bad.targets = (dg_ndarray){1, {COUNT}, DG_NUMBERS_FLOATS, floats};
  check_refused(&bad, "and not both");
  bad.labels = NULL, bad.targets.dim[0] = 3;
  check_refused(&bad, "the training inputs are of 20 samples, but the targets of 3");
  bad = good, bad.size = 0;
  check_refused(&bad, "dg_sample_arrays");
  floats[7] = NAN;
  check_refused(&good, "the training inputs[1, 0, 1] are not finite");
  ck_assert_ptr_null(dg_dataset_from_arrays(NULL, NULL, false, &err));
}
END_TEST

/** Lengths come with copies, parts that are held out, merged and chosen sets. */
START_TEST(lengths_go_along) {
  uint32_t lengths[COUNT];
  const uint32_t chosen = 1;
  for (uint32_t i = 0; i < COUNT; i++) lengths[i] = 1 + i % 3;
  for (int borrow = 0; borrow < 2; borrow++) {
    dg_sample_arrays arrays = arrays_of(3, 3, 2, 0, false);
    arrays.lengths = lengths;
    fill();
    floats[2] = NAN; /* beyond the end of sample 0 */
    dg_dataset *set = dg_dataset_from_arrays(&arrays, NULL, borrow, &err);
    ck_assert_msg(set, "%s", err.message);
    ck_assert_mem_eq(dg_dataset_lengths(set, DG_PART_TRAIN), lengths, 18 * sizeof *lengths);
    ck_assert_mem_eq(dg_dataset_lengths(set, DG_PART_TEST), lengths + 18, 2 * sizeof *lengths);
    if (!borrow)
      ck_assert_float_eq(((const float *)dg_dataset_part(set, DG_PART_TRAIN).inputs)[2], 0);
    dg_dataset *one = dg_dataset_select(set, &chosen, 1, &err);
    ck_assert_msg(one, "%s", err.message);
    ck_assert_uint_eq(dg_dataset_lengths(one, DG_PART_TEST)[0], lengths[19]);
    dg_dataset_close(one);
    ck_assert(dg_dataset_merge(set, DG_PART_TEST, &err));
    ck_assert_mem_eq(dg_dataset_lengths(set, DG_PART_TEST), lengths, sizeof lengths);
    dg_dataset_close(set);
  }
}
END_TEST

START_TEST(bad_lengths) {
  uint32_t lengths[COUNT];
  for (uint32_t i = 0; i < COUNT; i++) lengths[i] = 1 + i % 3;
  dg_sample_arrays arrays = arrays_of(3, 3, 2, 0, false), whole = arrays;
  arrays.lengths = lengths;
  fill();
  ck_assert_ptr_null(dg_dataset_from_arrays(&arrays, &whole, true, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "or only one of both has lengths"));
  floats[1] = NAN;
  ck_assert_ptr_null(dg_dataset_from_arrays(&arrays, NULL, true, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "inputs[0, 0, 1] are not finite"));
  fill();
  lengths[4] = 4;
  ck_assert_ptr_null(dg_dataset_from_arrays(&arrays, NULL, false, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "sample 4 (the first is 0) has the length 4; 1 to 3"));
  arrays = arrays_of(4, 1, 2, 3, true);
  arrays.lengths = lengths;
  ck_assert_ptr_null(dg_dataset_from_arrays(&arrays, NULL, true, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "lengths are those of sequences"));
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("in_memory");
  tcase_add_test(tests, lengths_go_along);
  tcase_add_test(tests, bad_lengths);
  tcase_add_loop_test(tests, all_shapes_copied_and_borrowed, 0, sizeof shapes / sizeof *shapes);
  tcase_add_test(tests, targets_and_tests_of_their_own);
  tcase_add_test(tests, bad_arrays);
  return suite_main("in_memory", tests);
}
