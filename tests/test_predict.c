/* dg_predict: its logits are those that dg_test scores, image by image. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/dataset.h"
#include "core/digits.h"
#include "tests/suite.h"

enum { TRAIN = 500, TEST = 203, OUTPUTS = 10 };

typedef struct {
  dg_device *device;
  dg_model *model;
  dg_dataset *data;
  dg_trainer *trainer;
} run;

static run open_run(const char *backend) {
  static const dg_override overrides[] = {
      {"--epochs", "train.epochs", "2"},
      {"--batch", "train.batch", "64"}}; /* the last batch is short */
  dg_trainer_options options = {.seed = 3};
  dg_error err = {0};
  run r = {.device = dg_open(backend, NULL, 0, &err)};
  ck_assert_msg(r.device != NULL, "%s", err.message);
  r.data = dg_dataset_builtin(TRAIN, TEST, 1, 0, &err);
  ck_assert_msg(r.data != NULL, "%s", err.message);
  r.model = dg_model_load(DIGITS_SOURCE_DIR "/models/vanilla.cfg", overrides, 2, &err);
  ck_assert_msg(r.model != NULL, "%s", err.message);
  r.trainer = dg_trainer_new(r.model, r.device, r.data, &options, &err);
  ck_assert_msg(r.trainer && dg_train(r.trainer, &err), "%s", err.message);
  return r;
}

static void close_run(run *r) {
  dg_trainer_free(r->trainer);
  dg_data_close(r->data);
  dg_model_free(r->model);
  dg_close(r->device);
}

/** Mean cross-entropy and right answers of the test images, by their logits. */
static dg_score score_of(const dg_samples *samples, const float *logits) {
  dg_score score = {.total = samples->count};
  for (uint32_t i = 0; i < samples->count; i++) {
    const float *x = logits + (size_t)i * OUTPUTS;
    uint32_t largest = 0;
    double sum = 0;
    for (uint32_t k = 0; k < OUTPUTS; k++) {
      if (x[k] > x[largest]) largest = k;
      sum += exp(x[k]);
    }
    score.loss += (log(sum) - x[samples->labels[i]]) / samples->count;
    score.correct += largest == samples->labels[i];
  }
  return score;
}

START_TEST(logits_are_those_that_the_test_scores) {
  const char *backend = _i ? "opencl" : "cpu";
  if (!suite_has_backend(backend)) return;
  run r = open_run(backend);
  dg_error err = {0};
  dg_score tested;
  ck_assert_uint_eq(dg_trainer_outputs(r.trainer), OUTPUTS);
  float *logits = calloc((size_t)TEST * OUTPUTS, sizeof *logits);
  ck_assert_msg(dg_predict(r.trainer, NULL, logits, &err), "%s", err.message);
  ck_assert_msg(dg_test(r.trainer, NULL, &tested, &err), "%s", err.message);
  dg_score expected = score_of(&r.data->test, logits);
  ck_assert_uint_gt(tested.correct, TEST / 2);
  ck_assert_uint_eq(tested.correct, expected.correct);
  ck_assert_double_eq_tol(tested.loss, expected.loss, 1e-6 * expected.loss);
  free(logits);
  close_run(&r);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("predict");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, logits_are_those_that_the_test_scores, 0, 2);
  return suite_main("predict", tests);
}
