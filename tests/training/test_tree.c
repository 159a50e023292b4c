/* The order in which what slices of a batch give is added up. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "core/parallel/tree.h"
#include "tests/common/suite.h"

enum { LEVELS = 16, TEXT = 4096 };

/** A sum in words, on each level: "((0 1) 2)". */
typedef struct {
  uint32_t n, slices, used; /**< levels */
  uint32_t samples[LEVELS];
  char text[LEVELS][TEXT];
} sums;

static bool run(void *user, uint32_t slice, uint32_t level, dg_error *err) {
  sums *s = user;
  (void)err;
  ck_assert_uint_lt(level, LEVELS);
  if (level >= s->used) s->used = level + 1;
  s->samples[level] =
      dg_slice_begin(s->n, s->slices, slice + 1) - dg_slice_begin(s->n, s->slices, slice);
  ck_assert_uint_gt(s->samples[level], 0);
  snprintf(s->text[level], TEXT, "%u", slice);
  return true;
}

static bool reduce(void *user, uint32_t level, uint32_t right, uint32_t both, dg_error *err) {
  sums *s = user;
  char text[2 * TEXT + 8];
  (void)err;
  ck_assert_uint_eq(s->samples[level + 1], right);
  s->samples[level] += right;
  ck_assert_uint_eq(s->samples[level], both);
  snprintf(text, sizeof text, "(%s %s)", s->text[level], s->text[level + 1]);
  ck_assert_uint_lt(strlen(text), TEXT);
  memcpy(s->text[level], text, strlen(text) + 1);
  return true;
}

static sums add_up(uint32_t n, uint32_t slices) {
  sums s = {.n = n, .slices = slices};
  dg_error err = {0};
  const dg_tree tree = {n, slices, run, reduce, &s};
  ck_assert(dg_tree_run(&tree, 0, &err));
  ck_assert_uint_eq(s.samples[0], n);
  ck_assert_uint_le(s.used, dg_tree_levels(slices));
  return s;
}

START_TEST(follows_from_samples_and_slices) {
  static const struct {
    uint32_t n, slices;
    const char *sum;
  } cases[] = {
      {5, 1, "0"},
      {5, 2, "(0 1)"},
      {7, 3, "(0 (1 2))"},
      {8, 8, "(((0 1) (2 3)) ((4 5) (6 7)))"},
      {2, 3, "(1 2)"}, /* of 2 samples the first slice of three has none */
      {1, 8, "7"},
      {3, 8, "(2 (5 7))"},
      {6, 5, "((0 1) (2 (3 4)))"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    ck_assert_str_eq(add_up(cases[i].n, cases[i].slices).text[0], cases[i].sum);
}
END_TEST

START_TEST(every_slice_is_there_once) {
  for (uint32_t slices = 1; slices <= 70; slices++)
    for (uint32_t n = 1; n <= 80; n += 1 + n / 9) add_up(n, slices);
  ck_assert_uint_eq(dg_tree_levels(1024), 11);
  ck_assert_uint_eq(dg_slice_begin(UINT32_MAX, 1024, 1024), UINT32_MAX);
}
END_TEST

static bool run_until_two(void *user, uint32_t slice, uint32_t level, dg_error *err) {
  uint32_t *runs = user;
  (void)level;
  ++*runs;
  return slice != 2 || dg_fail(err, DG_ERR_RUNTIME, "slice %u", slice);
}

static bool no_reduce(void *user, uint32_t level, uint32_t right, uint32_t both, dg_error *err) {
  (void)user, (void)level, (void)right, (void)both, (void)err;
  return true;
}

START_TEST(stops_at_the_first_error) {
  uint32_t runs = 0;
  dg_error err = {0};
  const dg_tree tree = {8, 8, run_until_two, no_reduce, &runs};
  ck_assert(!dg_tree_run(&tree, 0, &err));
  ck_assert_uint_eq(runs, 3);
  ck_assert_str_eq(err.message, "slice 2");
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("tree");
  tcase_add_test(tcase, follows_from_samples_and_slices);
  tcase_add_test(tcase, every_slice_is_there_once);
  tcase_add_test(tcase, stops_at_the_first_error);
  return suite_main("tree", tcase);
}
