/* The memory plan and the learning-rate schedules: pure functions. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "core/base/philox.h"
#include "core/exec/plan.h"
#include "core/training/schedule.h"
#include "tests/common/suite.h"

enum { BLOCKS = 60, ALIGNMENT = 64 };

static bool overlap(const dg_block *a, const dg_block *b) {
  bool together = a->first <= b->last && b->first <= a->last;
  return together && a->offset < b->offset + b->size && b->offset < a->offset + a->size;
}

/** Random blocks: none that live together overlap, none passes the end, offsets are aligned. */
START_TEST(blocks_never_overlap) {
  dg_random random = dg_random_start((uint32_t)_i, 1, 0, 0);
  dg_block blocks[BLOCKS];
  size_t sum = 0, busiest = 0;
  for (size_t i = 0; i < BLOCKS; i++) {
    uint32_t first = dg_random_below(&random, 40);
    blocks[i] = (dg_block){.size = dg_random_below(&random, 5000),
                           .first = first,
                           .last = first + dg_random_below(&random, 20)};
  }
  size_t total = dg_plan_memory(blocks, BLOCKS, ALIGNMENT);
  for (size_t i = 0; i < BLOCKS; i++) {
    sum += blocks[i].size;
    ck_assert_uint_eq(blocks[i].offset % ALIGNMENT, 0);
    ck_assert_uint_le(blocks[i].offset + blocks[i].size, total);
    for (size_t j = 0; j < i; j++)
      if (blocks[i].size && blocks[j].size) ck_assert(!overlap(&blocks[i], &blocks[j]));
  }
  for (uint32_t time = 0; time < 60; time++) {
    size_t live = 0;
    for (size_t i = 0; i < BLOCKS; i++)
      if (blocks[i].first <= time && time <= blocks[i].last) live += blocks[i].size;
    if (live > busiest) busiest = live;
  }
  ck_assert_uint_ge(total, busiest);
  ck_assert_uint_lt(total, sum);
}
END_TEST

static int lower_first(const void *a, const void *b) {
  const dg_block *x = *(dg_block *const *)a, *y = *(dg_block *const *)b;
  return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/** Where a block goes among those placed: the smallest gap, said again without thought of time. */
static size_t place(const dg_block *block, dg_block **placed, size_t count) {
  size_t end = 0, best = SIZE_MAX, best_gap = SIZE_MAX;
  qsort(placed, count, sizeof *placed, lower_first);
  for (size_t i = 0; i < count; i++) {
    if (block->first > placed[i]->last || placed[i]->first > block->last) continue;
    size_t offset = placed[i]->offset, its_end = offset + placed[i]->size;
    if (offset >= end + block->size && offset - end < best_gap) best = end, best_gap = offset - end;
    if (its_end > end) end = its_end;
  }
  return best == SIZE_MAX ? end : best;
}

/** The plan of many blocks is the one that the rule says, block by block. */
START_TEST(plans_follow_the_rule) {
  enum { MANY = 400 };
  dg_random random = dg_random_start((uint32_t)_i, 2, 0, 0);
  dg_block blocks[MANY], *placed[MANY];
  bool done[MANY] = {false};
  for (size_t i = 0; i < MANY; i++) {
    uint32_t first = dg_random_below(&random, 300);
    blocks[i] = (dg_block){.size = (1 + dg_random_below(&random, 50)) * ALIGNMENT,
                           .first = first,
                           .last = first + dg_random_below(&random, 1 + 100 * (uint32_t)_i)};
  }
  dg_plan_memory(blocks, MANY, ALIGNMENT);
  for (size_t count = 0; count < MANY; count++) {
    size_t next = MANY;
    for (size_t i = 0; i < MANY; i++)
      if (!done[i] && (next == MANY || blocks[i].size > blocks[next].size)) next = i;
    ck_assert_uint_eq(blocks[next].offset, place(&blocks[next], placed, count));
    done[next] = true;
    placed[count] = &blocks[next];
  }
}
END_TEST

/** Sizes that no 64 bits hold are no plan. */
START_TEST(what_cannot_be_counted_is_no_plan) {
  dg_block huge[2] = {{SIZE_MAX / 2 + 100, 0, 1, 0}, {SIZE_MAX / 2 + 100, 1, 2, 0}};
  ck_assert_uint_eq(dg_plan_memory(huge, 2, ALIGNMENT), SIZE_MAX);
}
END_TEST

START_TEST(memory_is_shared_over_time) {
  dg_block chain[4] = {{100, 0, 1, 0}, {100, 1, 2, 0}, {100, 2, 3, 0}, {100, 3, 4, 0}};
  ck_assert_uint_eq(dg_plan_memory(chain, 4, 4), 200);
  dg_block nothing[2] = {{0, 0, 9, 0}, {0, 0, 9, 0}};
  ck_assert_uint_eq(dg_plan_memory(nothing, 2, 64), 0);
}
END_TEST

static double rate(dg_schedule_recipe s, uint64_t step) {
  return dg_learning_rate(&s, 0.1, step, 10, 100);
}

START_TEST(schedules_follow_their_formulas) {
  dg_schedule_recipe s = {.kind = DG_SCHEDULE_CONSTANT};
  ck_assert_double_eq(rate(s, 99), 0.1);
  s = (dg_schedule_recipe){.kind = DG_SCHEDULE_STEP, .gamma = 0.5, .every = 2};
  ck_assert_double_eq_tol(rate(s, 19), 0.1, 1e-12);
  ck_assert_double_eq_tol(rate(s, 20), 0.05, 1e-12);
  ck_assert_double_eq_tol(rate(s, 99), 0.1 / 16, 1e-12);
  s = (dg_schedule_recipe){.kind = DG_SCHEDULE_EXPONENTIAL, .gamma = 0.9};
  ck_assert_double_eq_tol(rate(s, 35), 0.1 * 0.729, 1e-12);
  s = (dg_schedule_recipe){.kind = DG_SCHEDULE_COSINE, .min = 0.02};
  ck_assert_double_eq_tol(rate(s, 0), 0.1, 1e-12);
  ck_assert_double_eq_tol(rate(s, 50), 0.06, 1e-12);
  ck_assert_double_eq_tol(rate(s, 25), 0.02 + 0.04 * (1 + sqrt(0.5)), 1e-12);
}
END_TEST

/** torch.optim.lr_scheduler.OneCycleLR(max_lr=.1, total_steps=100, pct_start=.3) at these steps. */
START_TEST(one_cycle_is_pytorchs) {
  static const struct {
    uint64_t step;
    double lr;
  } recorded[] = {{0, 0.004},         {10, 0.0295163948}, {29, 0.1},
                  {30, 0.0999496535}, {64, 0.0500002},    {99, 4e-7}};
  dg_schedule_recipe s = {
      .kind = DG_SCHEDULE_ONE_CYCLE, .warmup = 0.3, .div = 25, .final_div = 1e4};
  for (size_t i = 0; i < sizeof recorded / sizeof *recorded; i++)
    ck_assert_double_eq_tol(rate(s, recorded[i].step), recorded[i].lr, 1e-8);
}
END_TEST

/** A warm-up of a single step begins with the largest rate. */
START_TEST(one_cycle_warms_up_in_a_step) {
  dg_schedule_recipe s = {
      .kind = DG_SCHEDULE_ONE_CYCLE, .warmup = 0.25, .div = 25, .final_div = 1e4};
  ck_assert_double_eq_tol(dg_learning_rate(&s, 0.1, 0, 4, 4), 0.1, 1e-12);
  ck_assert_double_eq_tol(dg_learning_rate(&s, 0.1, 3, 4, 4), 4e-7, 1e-12);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("plan");
  tcase_add_loop_test(tests, blocks_never_overlap, 0, 50);
  tcase_add_loop_test(tests, plans_follow_the_rule, 0, 4);
  tcase_add_test(tests, what_cannot_be_counted_is_no_plan);
  tcase_add_test(tests, memory_is_shared_over_time);
  tcase_add_test(tests, schedules_follow_their_formulas);
  tcase_add_test(tests, one_cycle_is_pytorchs);
  tcase_add_test(tests, one_cycle_warms_up_in_a_step);
  return suite_main("plan", tests);
}
