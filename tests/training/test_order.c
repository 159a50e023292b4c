/*
 * Which samples training takes and when: every epoch in an order of its own, validation samples
 * from all over the set. And that an epoch which was stopped in its middle goes on as it would
 * have.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/common/fixture.h"
#include "tests/common/order.h"
#include "tests/common/reference.h"
#include "tests/common/suite.h"

enum { TRAIN = 40, EPOCHS = 3, MOST = EPOCHS * 100 };

/** Does each of `samples` come once in `order` [samples]? */
static bool is_permutation(const uint32_t *order, uint32_t samples) {
  uint32_t rest[TRAIN];
  return order_rest(order, samples, samples, rest) == 0;
}

/** Indices at which two orders take the same sample. */
static uint32_t alike(const uint32_t *a, const uint32_t *b, uint32_t count) {
  uint32_t same = 0;
  for (uint32_t i = 0; i < count; i++) same += a[i] == b[i];
  return same;
}

/** Samples that come after the one before them in the set. */
static uint32_t in_order(const uint32_t *order, uint32_t count) {
  uint32_t same = 0;
  for (uint32_t i = 1; i < count; i++) same += order[i] == order[i - 1] + 1;
  return same;
}

enum { FEW = TRAIN / 5 }; /**< of two independent orders one index is alike, as a rule */

START_TEST(every_epoch_has_an_order_of_its_own) {
  uint32_t order[MOST], other[MOST];
  order_plan plan = {.train = TRAIN, .epochs = EPOCHS, .seed = 1};
  ck_assert_uint_eq(order_find(&plan, order), TRAIN);
  for (uint32_t e = 0; e < EPOCHS; e++) {
    const uint32_t *now = order + e * TRAIN;
    ck_assert(is_permutation(now, TRAIN));
    ck_assert_uint_lt(in_order(now, TRAIN), FEW);
    for (uint32_t before = 0; before < e; before++)
      ck_assert_uint_lt(alike(now, order + before * TRAIN, TRAIN), FEW);
  }
  order_find(&plan, other);
  ck_assert_mem_eq(order, other, EPOCHS * TRAIN * sizeof *order);
  plan.seed = 2;
  order_find(&plan, other);
  for (uint32_t e = 0; e < EPOCHS; e++)
    ck_assert_uint_lt(alike(order + e * TRAIN, other + e * TRAIN, TRAIN), FEW);
}
END_TEST

/** More indices than samples: all of them again, in another order, and then some. */
START_TEST(an_epoch_may_go_round_more_than_once) {
  enum { LENGTH = 2 * TRAIN + 15 };
  uint32_t order[MOST];
  order_plan plan = {.train = TRAIN, .epochs = 2, .length = LENGTH, .seed = 1};
  ck_assert_uint_eq(order_find(&plan, order), LENGTH);
  for (uint32_t e = 0; e < 2; e++) {
    const uint32_t *now = order + e * LENGTH;
    ck_assert(is_permutation(now, TRAIN) && is_permutation(now + TRAIN, TRAIN));
    ck_assert_uint_lt(alike(now, now + TRAIN, TRAIN), FEW);
    for (uint32_t i = 0; i < 15; i++)
      for (uint32_t k = 0; k < i; k++) ck_assert_uint_ne(now[2 * TRAIN + i], now[2 * TRAIN + k]);
  }
  ck_assert_uint_lt(alike(order, order + LENGTH, TRAIN), FEW);
}
END_TEST

/** Fewer indices than samples. */
START_TEST(an_epoch_may_end_early) {
  enum { LENGTH = 7 };
  uint32_t order[MOST];
  order_plan plan = {.train = TRAIN, .epochs = EPOCHS, .length = LENGTH, .seed = 1};
  ck_assert_uint_eq(order_find(&plan, order), LENGTH);
  for (uint32_t i = 0; i < EPOCHS * LENGTH; i++)
    for (uint32_t k = i / LENGTH * LENGTH; k < i; k++) ck_assert_uint_ne(order[i], order[k]);
}
END_TEST

START_TEST(validation_samples_are_from_all_over_the_set) {
  enum { VALIDATION = 12, LEARNED = TRAIN - VALIDATION };
  uint32_t order[MOST], rest[TRAIN], of_other[TRAIN], first = 0, same = 0;
  order_plan plan = {.train = TRAIN, .validation = VALIDATION, .epochs = EPOCHS, .seed = 1};
  ck_assert_uint_eq(order_find(&plan, order), LEARNED);
  ck_assert_uint_eq(order_rest(order, LEARNED, TRAIN, rest), VALIDATION);
  for (uint32_t e = 1; e < EPOCHS; e++) {
    uint32_t now[TRAIN];
    ck_assert_uint_eq(order_rest(order + e * LEARNED, LEARNED, TRAIN, now), VALIDATION);
    ck_assert_mem_eq(now, rest, VALIDATION * sizeof *rest);
  }
  for (uint32_t i = 0; i < VALIDATION; i++) first += rest[i] < LEARNED;
  ck_assert_uint_gt(first, 2);
  ck_assert_uint_lt(first, VALIDATION); /* neither the last nor the first of the set */
  ck_assert_uint_lt(in_order(rest, VALIDATION), VALIDATION - 3);
  plan.seed = 2;
  order_find(&plan, order);
  ck_assert_uint_eq(order_rest(order, LEARNED, TRAIN, of_other), VALIDATION);
  for (uint32_t i = 0; i < VALIDATION; i++)
    for (uint32_t k = 0; k < VALIDATION; k++) same += rest[i] == of_other[k];
  ck_assert_uint_lt(same, VALIDATION - 2);
}
END_TEST

/* ---- an epoch that is gone on with in its middle ------------------------- */

enum { SAMPLES = 300, HELD = 10, STEPS = SAMPLES - HELD };

/** What is told of a run, and when it is to stop. */
typedef struct {
  uint32_t stop_at; /**< step of the second epoch; 0: never */
  bool any;         /**< of whatever recipe: only what it came to counts */
  uint32_t epochs, losses;
  uint64_t last_step;
  double begun, epoch_begun; /**< seconds; epoch_begun of an epoch that goes on: 0 */
  dg_epoch_report report[4];
  double loss[1000];
} told;

static double seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void on_step(void *user, uint64_t step, double loss, double accuracy) {
  told *t = user;
  (void)accuracy;
  ck_assert_uint_lt(step, sizeof t->loss / sizeof *t->loss);
  t->loss[step] = loss;
  t->losses++;
  t->last_step = step;
}

static bool on_progress(void *user, const dg_progress *progress) {
  const told *t = user;
  if (t->any) return t->stop_at == 0 || t->epochs < 1;
  ck_assert_uint_eq(progress->epoch, t->epochs + 1);
  ck_assert_uint_eq(progress->epochs, 3);
  ck_assert_uint_eq(progress->steps, STEPS);
  ck_assert_uint_eq(progress->step, t->last_step + 1 - t->epochs * STEPS);
  ck_assert_double_gt(progress->samples_per_second, 0);
  if (t->epoch_begun > 0) /* a sample a step, in no more than the time from outside */
    ck_assert_double_ge(progress->samples_per_second * (seconds_now() - t->epoch_begun),
                        progress->step);
  double done = (double)(t->last_step + 1), left = 3 * STEPS - done;
  ck_assert_double_ge(progress->seconds_left, 0);
  ck_assert_double_le(progress->seconds_left, (seconds_now() - t->begun) * left + 1e-3);
  if (progress->epoch == 3 && progress->step == STEPS)
    ck_assert_double_eq(progress->seconds_left, 0);
  return t->stop_at == 0 || t->epochs < 1 || progress->step < t->stop_at;
}

static void on_epoch(void *user, const dg_epoch_report *report) {
  told *t = user;
  ck_assert_uint_lt(t->epochs, 4);
  if (t->any) {
    t->report[report->epoch - 1] = *report;
    t->epochs = report->epoch;
    return;
  }
  ck_assert_double_gt(report->seconds, 0);
  ck_assert_double_eq_tol(report->samples_per_second * report->seconds, STEPS, 1e-6 * STEPS);
  t->epoch_begun = seconds_now();
  t->report[report->epoch - 1] = *report;
  t->epochs = report->epoch;
}

static const char resumed_recipe[] =
    "data = { validation = 10; };\n"
    "train = { epochs = 3; batch = 1; optimizer = { type = \"sgd\"; lr = 0.05; momentum = 0.5; };"
    " average = 0.9; keep = \"best\"; schedule = { type = \"cosine\"; }; };";

/** Runs until it ends or is stopped; says which. */
static bool go(fixture_plan *plan, told *t, double **weights) {
  dg_error err = {0};
  plan->listener =
      (dg_listener){.user = t, .progress = on_progress, .step = on_step, .epoch = on_epoch};
  fixture f = fixture_new(plan);
  t->begun = seconds_now();
  if (!plan->resume) t->epoch_begun = t->begun;
  bool ended = dg_trainer_train(f.trainer, &err);
  if (!ended && !t->any) {
    char says[80];
    snprintf(says, sizeof says, "interrupted in epoch 2 after step %u of %d",
             (unsigned)t->last_step + 1 - STEPS, STEPS);
    ck_assert_msg(strcmp(err.message, says) == 0, "expected \"%s\": %s", says, err.message);
  }
  if (!ended) ck_assert_int_eq(err.kind, DG_ERR_INTERRUPTED);
  if (ended) *weights = fixture_read(&f, "out.weight", NULL);
  fixture_free(&f);
  return ended;
}

static void same_score(const dg_score *a, const dg_score *b) {
  ck_assert_double_eq(a->loss, b->loss);
  ck_assert_double_eq(a->accuracy, b->accuracy);
  ck_assert_uint_eq(a->correct, b->correct);
  ck_assert_uint_eq(a->total, b->total);
}

/** The losses of up to 128 steps are read together, so an epoch of 290 can be stopped in it. */
START_TEST(an_epoch_that_goes_on_counts_what_was_before) {
  char state[] = "/tmp/digits-state-XXXXXX";
  suite_new_file(state);
  told whole = {0}, first = {.stop_at = 1}, second = {.epochs = 1};
  double *expected = NULL, *got = NULL;
  fixture_plan plan = {
      .layers = REFERENCE_LAYERS, .recipe = resumed_recipe, .train = SAMPLES, .seed = 4};
  ck_assert(go(&plan, &whole, &expected));
  ck_assert_uint_eq(whole.losses, 3 * STEPS);
  plan.state = state;
  ck_assert(!go(&plan, &first, &got));
  ck_assert_uint_eq(first.epochs, 1);
  ck_assert_uint_gt(first.losses, STEPS);
  ck_assert_uint_lt(first.losses, 2 * STEPS);
  dg_checkpoint_info info;
  ck_assert(dg_checkpoint_read(state, &info, sizeof(dg_checkpoint_info), NULL));
  ck_assert_uint_eq(info.epoch, 1);
  ck_assert_uint_eq(info.step, first.losses - STEPS);
  plan.resume = true;
  ck_assert(go(&plan, &second, &got));
  ck_assert_uint_eq(second.losses, 3 * STEPS - first.losses);
  ck_assert_mem_eq(second.loss + first.losses, whole.loss + first.losses,
                   second.losses * sizeof *second.loss);
  for (uint32_t e = 1; e < 3; e++) {
    same_score(&second.report[e].train, &whole.report[e].train);
    same_score(&second.report[e].validation, &whole.report[e].validation);
    ck_assert_int_eq(second.report[e].best, whole.report[e].best);
    ck_assert_double_eq(second.report[e].lr, whole.report[e].lr);
  }
  ck_assert_mem_eq(got, expected, REFERENCE_WEIGHTS * sizeof *got);
  free(expected), free(got);
}
END_TEST

/** The parameters of a best epoch that got no answer right go on, too. */
START_TEST(a_best_epoch_of_no_right_answer_goes_on) {
  char state[] = "/tmp/digits-state-XXXXXX";
  static const char recipe[] =
      "data = { validation = 1; };\ntrain = { epochs = 3; batch = 1; steps = 300; keep = \"best\";"
      " optimizer = { type = \"sgd\"; lr = 1e-30; }; };";
  suite_new_file(state);
  for (uint32_t seed = 1;; seed++) { /* until one begins with a wrong answer */
    told first = {.stop_at = 1, .any = true};
    double *before = NULL, *after = NULL;
    fixture_plan plan = {
        .layers = REFERENCE_LAYERS, .recipe = recipe, .train = 5, .seed = seed, .state = state};
    ck_assert(!go(&plan, &first, &after));
    ck_assert_uint_lt(seed, 50);
    if (first.report[0].validation.correct) continue;
    fixture f = fixture_new(&plan);
    before = fixture_read(&f, "out.weight", NULL);
    fixture_free(&f);
    told second = {.epochs = 1, .any = true};
    plan.resume = true;
    ck_assert(go(&plan, &second, &after));
    ck_assert_mem_eq(after, before, REFERENCE_WEIGHTS * sizeof *after);
    free(before), free(after);
    break;
  }
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("order");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, every_epoch_has_an_order_of_its_own);
  tcase_add_test(tests, an_epoch_may_go_round_more_than_once);
  tcase_add_test(tests, an_epoch_may_end_early);
  tcase_add_test(tests, validation_samples_are_from_all_over_the_set);
  tcase_add_test(tests, an_epoch_that_goes_on_counts_what_was_before);
  tcase_add_test(tests, a_best_epoch_of_no_right_answer_goes_on);
  return suite_main("order", tests);
}
