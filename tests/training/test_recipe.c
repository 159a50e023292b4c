/*
 * What a recipe says is what training does: the losses that are told, the parameters that it comes
 * to and those that are kept, against a network of one layer that is trained in double precision.
 */
#include <check.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/fixture.h"
#include "tests/common/order.h"
#include "tests/common/reference.h"
#include "tests/common/suite.h"

enum { TRAIN = 21, VALIDATION = 4, LEARNED = TRAIN - VALIDATION, BATCH = 6, EPOCHS = 4, SEED = 3 };
enum { MAX_ORDER = 64, MAX_STEPS = 64 };

/* ---- recipes ------------------------------------------------------------ */

typedef enum { CONSTANT, STEP, EXPONENTIAL, COSINE } schedule_kind;

typedef struct {
  reference_recipe r;
  double lr;
  schedule_kind schedule;
  uint32_t steps; /**< of an epoch; 0: by the samples */
  bool keep_best;
  bool stays;     /**< it is so slow that no parameter changes */
  uint32_t batch; /**< 0: BATCH */
} recipe;

static uint32_t batch_size(const recipe *r) {
  return r->batch ? r->batch : BATCH;
}

static const recipe recipes[] = {
    {.r = {.optimizer = REFERENCE_SGD}, .lr = 0.1},
    {.r = {.optimizer = REFERENCE_SGD, .weight_decay = 0.5}, .lr = 0.1},
    {.r = {.momentum = 0.8}, .lr = 0.05, .schedule = STEP},
    {.r = {.momentum = 0.8, .nesterov = true, .weight_decay = 0.1}, .lr = 0.05},
    {.r = {.clip_norm = 0.7}, .lr = 0.2, .schedule = COSINE},
    {.r = {.smoothing = 0.3}, .lr = 0.1, .schedule = EXPONENTIAL},
    {.r = {.optimizer = REFERENCE_ADAM, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-2}, .lr = 0.02},
    {.r = {.optimizer = REFERENCE_ADAM, .beta1 = 0.9, .beta2 = 0.9, .eps = 0.1, .weight_decay = 2},
     .lr = 0.02},
    {.r = {.optimizer = REFERENCE_ADAM,
           .decoupled = true,
           .beta1 = 0.9,
           .beta2 = 0.9,
           .eps = 0.1,
           .weight_decay = 2},
     .lr = 0.02},
    {.r = {.optimizer = REFERENCE_ADADELTA, .rho = 0.8, .eps = 1e-3}, .lr = 0.5},
    {.r = {.optimizer = REFERENCE_ADADELTA, .rho = 0.9, .eps = 1e-3, .weight_decay = 1}, .lr = 0.5},
    {.r = {.optimizer = REFERENCE_RMSPROP, .alpha = 0.9, .eps = 0.1, .weight_decay = 0.5},
     .lr = 0.02},
    {.r = {.optimizer = REFERENCE_RMSPROP,
           .alpha = 0.8,
           .eps = 0.1,
           .momentum = 0.5,
           .centered = true},
     .lr = 0.02},
    {.r = {.mse = true, .mean = 0.3, .std = 0.5}, .lr = 0.02},
    /* the average, kept at the end or with its best epoch; of few steps it is what they were */
    {.r = {.average = 0.9}, .lr = 0.1},
    {.r = {.average = 0.35, .momentum = 0.8}, .lr = 0.1},
    {.r = {.average = 0.9}, .lr = 0.1, .keep_best = true},
    {.lr = 0.3, .keep_best = true},
    /* the same samples again, in other orders, within an epoch */
    {.lr = 0.1, .steps = 7},
    /* where the average begins shows after a step alone */
    {.r = {.average = 0.9}, .lr = 0.1, .steps = 1},
};
enum { RECIPES = sizeof recipes / sizeof *recipes };

/** The learning rate of a step, counted over the whole run. */
static double rate(const recipe *r, uint32_t step, uint32_t steps) {
  uint32_t epoch = step / steps;
  switch (r->schedule) {
  case STEP:
    return r->lr * pow(0.5, epoch / 2);
  case EXPONENTIAL:
    return r->lr * pow(0.7, epoch);
  case COSINE:
    return 0.01 + (r->lr - 0.01) * 0.5 * (1 + cos(acos(-1) * step / (steps * EPOCHS)));
  default:
    return r->lr;
  }
}

/** Text that is put together. */
typedef struct {
  char text[1500];
  size_t used;
} writer;

__attribute__((format(printf, 2, 3))) static void put(writer *w, const char *format, ...) {
  va_list args;
  va_start(args, format);
  w->used += (size_t)vsnprintf(w->text + w->used, sizeof w->text - w->used, format, args);
  va_end(args);
  ck_assert_uint_lt(w->used, sizeof w->text);
}

static void put_optimizer(writer *w, const recipe *r) {
  const reference_recipe *o = &r->r;
  const char *const types[] = {[REFERENCE_SGD] = "sgd",
                               [REFERENCE_ADAM] = o->decoupled ? "adamw" : "adam",
                               [REFERENCE_ADADELTA] = "adadelta",
                               [REFERENCE_RMSPROP] = "rmsprop"};
  put(w, " optimizer = { type = \"%s\"; lr = %.9g; weight_decay = %.9g;", types[o->optimizer],
      r->lr, o->weight_decay);
  if (o->optimizer == REFERENCE_SGD)
    put(w, " momentum = %.9g; nesterov = %s;", o->momentum, o->nesterov ? "true" : "false");
  if (o->optimizer == REFERENCE_ADAM)
    put(w, " beta1 = %.9g; beta2 = %.9g; eps = %.9g;", o->beta1, o->beta2, o->eps);
  if (o->optimizer == REFERENCE_ADADELTA) put(w, " rho = %.9g; eps = %.9g;", o->rho, o->eps);
  if (o->optimizer == REFERENCE_RMSPROP)
    put(w, " alpha = %.9g; eps = %.9g; momentum = %.9g; centered = %s;", o->alpha, o->eps,
        o->momentum, o->centered ? "true" : "false");
  put(w, " };\n");
}

static void put_recipe(writer *w, const recipe *r) {
  static const char *const schedules[] = {
      "{ type = \"constant\"; }", "{ type = \"step\"; gamma = 0.5; every = 2; }",
      "{ type = \"exponential\"; gamma = 0.7; }", "{ type = \"cosine\"; min = 0.01; }"};
  put(w, "loss = \"%s\";\n", r->r.mse ? "mse" : "cross_entropy");
  put(w, "data = { mean = %.9g; std = %.9g; validation = %d; };\n", r->r.mean,
      r->r.std > 0 ? r->r.std : 1, VALIDATION);
  put(w, "train = { epochs = %d; batch = %u; steps = %u; keep = \"%s\";\n", EPOCHS, batch_size(r),
      r->steps, r->keep_best ? "best" : "last");
  put(w, " clip_norm = %.9g; label_smoothing = %.9g; average = %.9g;\n", r->r.clip_norm,
      r->r.smoothing, r->r.average);
  put_optimizer(w, r);
  put(w, " schedule = %s; };\n", schedules[r->schedule]);
}

/* ---- what a run tells --------------------------------------------------- */

typedef struct {
  uint32_t steps, epochs;
  double loss[MAX_STEPS], accuracy[MAX_STEPS];
  dg_epoch_report report[EPOCHS];
} told;

static void on_step(void *user, uint64_t step, double loss, double accuracy) {
  told *t = user;
  ck_assert_uint_eq(step, t->steps);
  ck_assert_uint_lt(t->steps, MAX_STEPS);
  t->loss[t->steps] = loss;
  t->accuracy[t->steps++] = accuracy;
}

static void on_epoch(void *user, const dg_epoch_report *report) {
  told *t = user;
  ck_assert_uint_lt(t->epochs, EPOCHS);
  t->report[t->epochs++] = *report;
}

/* ---- the same again, in double precision -------------------------------- */

static void close_to(const char *what, double got, double expected) {
  ck_assert_msg(fabs(got - expected) <= 1e-4 * (fabs(expected) + 1e-3), "%s: %.9g, expected %.9g",
                what, got, expected);
}

/** Correct answers as told, up to those that rounding decides. */
static void check_correct(const char *what, double got, const reference_score *expected) {
  ck_assert_msg(fabs(got - expected->correct) <= expected->close + 1e-6,
                "%s: %g correct answers, expected %u", what, got, expected->correct);
}

/** A run beside that of the trainer. */
typedef struct {
  const recipe *recipe;
  const told *told;
  dg_part_view part;
  uint32_t length, steps; /**< of an epoch */
  uint32_t order[EPOCHS * MAX_ORDER], rest[TRAIN];
  reference *r;
  double kept[REFERENCE_NUMBERS]; /**< what training leaves */
} run;

/** Samples of a step of an epoch: the last batch may be short. */
static uint32_t batch_of(const run *n, uint32_t step) {
  uint32_t batch = batch_size(n->recipe), left = n->length - step * batch;
  return left < batch ? left : batch;
}

static void follow_step(run *n, uint32_t epoch, uint32_t step, dg_score *sum) {
  uint32_t index = epoch * n->steps + step, count = batch_of(n, step);
  const uint32_t *samples = n->order + epoch * n->length + step * batch_size(n->recipe);
  reference_score s =
      reference_step(n->r, &n->part, samples, count, rate(n->recipe, index, n->steps));
  close_to("loss of a step", n->told->loss[index], s.loss);
  check_correct("a step", n->told->accuracy[index] * count, &s);
  sum->loss += n->told->loss[index] * count;
  sum->correct += (uint32_t)lround(n->told->accuracy[index] * count);
  sum->total += count;
}

/** What validation tells, and whether it is the best so far: its parameters are kept. */
static void follow_validation(run *n, const dg_epoch_report *report, double *best) {
  const double *values = n->recipe->r.average > 0 ? n->r->averaged : n->r->values;
  reference_score s = reference_test(n->r, values, &n->part, n->rest, VALIDATION);
  ck_assert(report->validated);
  ck_assert_uint_eq(report->validation.total, VALIDATION);
  close_to("loss of a validation", report->validation.loss, s.loss);
  check_correct("a validation", report->validation.correct, &s);
  ck_assert_double_eq_tol(report->validation.accuracy,
                          (double)report->validation.correct / VALIDATION, 1e-12);
  ck_assert_int_eq(report->best, report->validation.accuracy > *best);
  *best = fmax(*best, report->validation.accuracy);
  if (!n->recipe->keep_best || report->best) memcpy(n->kept, values, sizeof n->kept);
}

static void follow_epoch(run *n, uint32_t epoch, double *best) {
  const dg_epoch_report *report = &n->told->report[epoch];
  dg_score sum = {0};
  for (uint32_t s = 0; s < n->steps; s++) follow_step(n, epoch, s, &sum);
  ck_assert_uint_eq(report->epoch, epoch + 1);
  ck_assert_uint_eq(report->epochs, EPOCHS);
  ck_assert_uint_eq(report->train.total, sum.total);
  ck_assert_uint_eq(report->train.correct, sum.correct);
  close_to("loss of an epoch", report->train.loss, sum.loss / sum.total);
  close_to("accuracy of an epoch", report->train.accuracy, (double)sum.correct / sum.total);
  close_to("learning rate", report->lr, rate(n->recipe, (epoch + 1) * n->steps - 1, n->steps));
  follow_validation(n, report, best);
}

/** Compares numbers by how far they have come. */
static void same_numbers(const char *what, const double *got, const double *expected,
                         const double *begun, uint32_t count) {
  double way = 0, apart = 0;
  for (uint32_t i = 0; i < count; i++) {
    way = fmax(way, fabs(expected[i] - begun[i]));
    apart = fmax(apart, fabs(got[i] - expected[i]));
  }
  ck_assert_double_gt(way, 1e-4);
  ck_assert_msg(apart <= 2e-4 * way + 1e-6, "%s: apart by %.3g of %.3g", what, apart, way);
}

/** Orders are the same on every backend: the cpu tells. */
static run *run_new(const recipe *r, const told *t) {
  run *n = fixture_alloc(1, sizeof *n);
  const order_plan plan = {.train = TRAIN,
                           .validation = VALIDATION,
                           .length = r->steps * BATCH,
                           .epochs = EPOCHS,
                           .seed = SEED};
  ck_assert_uint_le(r->steps * BATCH, MAX_ORDER);
  n->recipe = r;
  n->told = t;
  n->length = order_find(&plan, n->order);
  n->steps = (n->length + batch_size(r) - 1) / batch_size(r);
  uint32_t whole[TRAIN];
  order_plan once = plan;
  once.length = 0, once.epochs = 1;
  ck_assert_uint_eq(order_find(&once, whole), LEARNED);
  ck_assert_uint_eq(order_rest(whole, LEARNED, TRAIN, n->rest), VALIDATION);
  return n;
}

/** Trains and follows: what is told, and what the parameters come to; returns the loss of the first
    step. */
static double follow(const char *backend, const recipe *r) {
  writer text = {0};
  told t = {0};
  put_recipe(&text, r);
  const fixture_plan plan = {.backend = backend,
                             .layers = REFERENCE_LAYERS,
                             .recipe = text.text,
                             .train = TRAIN,
                             .seed = SEED,
                             .listener = {.user = &t, .step = on_step, .epoch = on_epoch}};
  run *n = run_new(r, &t);
  fixture f = fixture_new(&plan);
  n->part = dg_dataset_part(f.data, DG_PART_TRAIN);
  double *weights = fixture_read(&f, "out.weight", NULL);
  double *biases = fixture_read(&f, "out.bias", NULL), best = -1;
  n->r = reference_new(&r->r, weights, biases);
  fixture_train(&f);
  ck_assert_uint_eq(t.epochs, EPOCHS);
  ck_assert_uint_eq(t.steps, EPOCHS * n->steps);
  for (uint32_t e = 0; e < EPOCHS; e++) follow_epoch(n, e, &best);
  double *weights_now = fixture_read(&f, "out.weight", NULL);
  double *biases_now = fixture_read(&f, "out.bias", NULL);
  if (r->stays) {
    ck_assert_mem_eq(weights_now, weights, REFERENCE_WEIGHTS * sizeof *weights);
    ck_assert_mem_eq(biases_now, biases, REFERENCE_CLASSES * sizeof *biases);
  } else {
    same_numbers("weights", weights_now, n->kept, weights, REFERENCE_WEIGHTS);
    same_numbers("biases", biases_now, n->kept + REFERENCE_WEIGHTS, biases, REFERENCE_CLASSES);
  }
  free(weights), free(biases), free(weights_now), free(biases_now), free(n->r), free(n);
  fixture_free(&f);
  return t.loss[0];
}

START_TEST(training_does_what_the_recipe_says) {
  const char *backend = fixture_backend(_i / RECIPES);
  if (suite_has_backend(backend)) follow(backend, &recipes[_i % RECIPES]);
}
END_TEST

/* ---- logits of a thousand ----------------------------------------------- */

/** Pixels of up to 10 000 make logits of thousands: losses stay those of exact arithmetic. */
START_TEST(large_logits_have_right_losses) {
  static const recipe large[] = {
      {.r = {.std = 1e-4}, .lr = 1e-30, .stays = true},
      {.r = {.std = 1e-4, .smoothing = 0.1}, .lr = 1e-30, .stays = true},
      /* a batch that could be so large may be scored in another way */
      {.r = {.std = 1e-4}, .lr = 1e-30, .stays = true, .batch = 2000},
      {.r = {.std = 1e-4, .smoothing = 0.1}, .lr = 1e-30, .stays = true, .batch = 2000}};
  const char *backend = fixture_backend(_i % 2);
  if (suite_has_backend(backend)) ck_assert_double_gt(follow(backend, &large[_i / 2]), 100);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("recipe");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, training_does_what_the_recipe_says, 0, 2 * RECIPES);
  tcase_add_loop_test(tests, large_logits_have_right_losses, 0, 8);
  return suite_main("recipe", tests);
}
