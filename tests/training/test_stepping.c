/*
 * Training a step at a time over samples of the caller: the same bits as dg_trainer_train gives
 * with the same samples, on both backends; and parameters that are set from memory.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/fixture.h"
#include "tests/common/suite.h"

enum { TRAIN = 230, EPOCHS = 2, BATCH = 48, MAX_PARAMETERS = 16, PIXELS = 28 * 28 };

/** A network with what counts steps and samples: dropout, augmentation, a schedule, an average. */
static const char layers[] =
    "{ type = \"conv2d\"; filters = 4; kernel = 3; }, { type = \"batch_norm\"; },"
    "{ type = \"relu\"; }, { type = \"maxpool2d\"; kernel = 2; }, { type = \"flatten\"; },"
    "{ type = \"dropout\"; rate = 0.2; }, { type = \"linear\"; units = 10; }";

static const char *const recipes[] = {
    "train = { epochs = 2; batch = 48; average = 0.9; schedule = { type = \"one_cycle\"; };"
    " optimizer = { type = \"adam\"; lr = 0.01; }; };"
    "data = { augment = { shift = 0.05; rotate = 10.0; }; };",
    "train = { epochs = 2; batch = 24; accumulate = 2; slices = 3; clip_norm = 1.0;"
    " optimizer = { type = \"sgd\"; lr = 0.1; momentum = 0.9; }; };",
};
enum { RECIPES = sizeof recipes / sizeof *recipes };

static fixture_plan plan_of(int index) {
  return (fixture_plan){.backend = index % 2 ? "opencl" : "cpu",
                        .layers = layers,
                        .recipe = recipes[index / 2],
                        .train = TRAIN,
                        .test = 10,
                        .seed = 5};
}

/** The losses of a run, in order. */
typedef struct {
  double loss[64];
  uint32_t count;
} losses;

static void note(void *user, uint64_t step, double loss, double accuracy) {
  losses *l = user;
  (void)accuracy;
  ck_assert_uint_eq(step, l->count);
  l->loss[l->count++] = loss;
}

/** Takes the samples of a step out of the set and gives them to the trainer. */
static void step_over(const fixture *f, const uint32_t *chosen, uint32_t count, losses *l) {
  static uint8_t images[BATCH][PIXELS], labels[BATCH];
  dg_part_view part = dg_dataset_part(f->data, DG_PART_TRAIN);
  for (uint32_t i = 0; i < count; i++) {
    memcpy(images[i], part.images + (size_t)chosen[i] * PIXELS, PIXELS);
    labels[i] = part.labels[chosen[i]];
  }
  const dg_batch batch = {
      .size = sizeof batch, .count = count, .images = images[0], .labels = labels};
  dg_error err = {0};
  ck_assert_msg(dg_trainer_step(f->trainer, &batch, &l->loss[l->count++], &err), "%s", err.message);
}

static void step_through(const fixture *f, losses *l) {
  uint32_t order[TRAIN];
  dg_error err = {0};
  for (uint32_t epoch = 0; epoch < EPOCHS; epoch++) {
    size_t count = 0;
    ck_assert_msg(dg_trainer_order(f->trainer, epoch, order, TRAIN, &count, &err), "%s",
                  err.message);
    ck_assert_uint_eq(count, TRAIN);
    ck_assert_uint_eq(dg_trainer_steps(f->trainer), (TRAIN + BATCH - 1) / BATCH);
    for (uint32_t first = 0; first < TRAIN; first += BATCH)
      step_over(f, order + first, TRAIN - first < BATCH ? TRAIN - first : BATCH, l);
  }
}

static void compare(const fixture *a, const fixture *b) {
  dg_parameter list[MAX_PARAMETERS];
  dg_error err = {0};
  uint32_t count =
      dg_trainer_list_parameters(a->trainer, list, sizeof(dg_parameter), MAX_PARAMETERS);
  ck_assert(count > 0 && count <= MAX_PARAMETERS);
  for (uint32_t i = 0; i < count; i++) {
    float *values = fixture_alloc(2 * list[i].count, sizeof *values);
    float *others = values + list[i].count;
    ck_assert(dg_trainer_get_parameter(a->trainer, list[i].name, values, &err) &&
              dg_trainer_get_parameter(b->trainer, list[i].name, others, &err));
    ck_assert_msg(memcmp(values, others, list[i].count * sizeof *values) == 0, "%s", list[i].name);
    free(values);
  }
}

START_TEST(steps_give_the_bits_of_a_run) {
  fixture_plan plan = plan_of(_i);
  if (!suite_has_backend(plan.backend)) return;
  losses whole = {0}, single = {0};
  dg_error err = {0};
  plan.listener = (dg_listener){.user = &whole, .step = note};
  fixture a = fixture_new(&plan);
  plan.listener = (dg_listener){0};
  fixture b = fixture_new(&plan);
  fixture_train(&a);
  step_through(&b, &single);
  /* what is left of the recipe is nothing but to take the average */
  ck_assert_msg(dg_trainer_train(b.trainer, &err), "%s", err.message);
  ck_assert_uint_eq(whole.count, single.count);
  for (uint32_t i = 0; i < whole.count; i++)
    ck_assert_msg(whole.loss[i] == single.loss[i], "step %u: %.9g and %.9g", i, whole.loss[i],
                  single.loss[i]);
  compare(&a, &b);
  fixture_free(&a);
  fixture_free(&b);
}
END_TEST

START_TEST(a_run_goes_on_after_steps) {
  fixture_plan plan = plan_of(0);
  losses ignored = {0};
  uint32_t order[TRAIN];
  size_t count;
  dg_error err = {0};
  fixture a = fixture_new(&plan), b = fixture_new(&plan);
  ck_assert(dg_trainer_order(b.trainer, 0, order, TRAIN, &count, &err));
  for (uint32_t first = 0; first < 2 * BATCH; first += BATCH)
    step_over(&b, order + first, BATCH, &ignored);
  fixture_train(&a);
  fixture_train(&b);
  compare(&a, &b);
  fixture_free(&a);
  fixture_free(&b);
}
END_TEST

START_TEST(parameters_are_set) {
  fixture_plan plan = plan_of(_i);
  if (!suite_has_backend(plan.backend)) return;
  dg_parameter list[MAX_PARAMETERS];
  dg_error err = {0};
  fixture a = fixture_new(&plan);
  plan.seed = 6;
  fixture b = fixture_new(&plan);
  uint32_t count =
      dg_trainer_list_parameters(a.trainer, list, sizeof(dg_parameter), MAX_PARAMETERS);
  for (uint32_t i = 0; i < count; i++) {
    float *values = fixture_alloc(list[i].count, sizeof *values);
    ck_assert(dg_trainer_get_parameter(a.trainer, list[i].name, values, &err));
    ck_assert_msg(dg_trainer_set_parameter(b.trainer, list[i].name, values, &err), "%s",
                  err.message);
    free(values);
  }
  float logits[2][10 * 10];
  ck_assert(dg_trainer_predict(a.trainer, NULL, logits[0], &err) &&
            dg_trainer_predict(b.trainer, NULL, logits[1], &err));
  ck_assert(memcmp(logits[0], logits[1], sizeof logits[0]) == 0);
  fixture_free(&a);
  fixture_free(&b);
}
END_TEST

/** The error of a step over `count` samples. */
static const char *step_error(const fixture *f, dg_batch batch) {
  static dg_error err;
  err = (dg_error){0};
  ck_assert(!dg_trainer_step(f->trainer, &batch, NULL, &err));
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  return err.message;
}

START_TEST(what_does_not_fit_is_refused) {
  static const uint8_t images[(BATCH + 1) * PIXELS], labels[BATCH + 1] = {1, 10};
  const float nan[40] = {0, NAN};
  fixture_plan plan = plan_of(0);
  fixture f = fixture_new(&plan);
  dg_batch batch = {.size = sizeof batch, .count = 0, .images = images, .labels = labels};
  dg_error err = {0};
  ck_assert_str_eq(step_error(&f, batch), "0 samples were given for a training step; the model's "
                                          "recipe takes 1 to 48");
  batch.count = BATCH + 1;
  ck_assert_ptr_nonnull(strstr(step_error(&f, batch), "49 samples"));
  batch.count = 2;
  ck_assert_str_eq(step_error(&f, batch), "sample 1 has the label 10, but the network has 10 "
                                          "outputs");
  batch.size = 0;
  ck_assert_ptr_nonnull(strstr(step_error(&f, batch), "dg_batch.size is 0"));
  ck_assert(!dg_trainer_set_parameter(f.trainer, "nothing", nan, &err));
  ck_assert_str_eq(err.message, "the network has no parameter \"nothing\"");
  ck_assert(!dg_trainer_set_parameter(f.trainer, "conv2d1.weight", nan, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "\"conv2d1.weight\" is not finite"));
  fixture_free(&f);
  plan.test_only = true;
  f = fixture_new(&plan);
  batch.size = sizeof batch;
  ck_assert_str_eq(step_error(&f, batch), "the trainer was made to test only: it can't train");
  fixture_free(&f);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("stepping");
  tcase_set_timeout(tests, 300);
  tcase_add_loop_test(tests, steps_give_the_bits_of_a_run, 0, 2 * RECIPES);
  tcase_add_test(tests, a_run_goes_on_after_steps);
  tcase_add_loop_test(tests, parameters_are_set, 0, 2);
  tcase_add_test(tests, what_does_not_fit_is_refused);
  return suite_main("stepping", tests);
}
