/* dg_trainer_predict: its logits are those that dg_trainer_test scores, image by image; and what a
   look into a network tells: some images, parameters, layers. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/dataset.h"
#include "core/data/drawn/draw.h"
#include "digits/data.h"
#include "digits/device.h"
#include "digits/model.h"
#include "digits/train.h"
#include "tests/common/suite.h"

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
  dg_trainer_options options = {.size = sizeof(dg_trainer_options), .seed = 3};
  dg_error err = {0};
  run r = {.device = dg_open(backend, NULL, 0, &err)};
  ck_assert_msg(r.device != NULL, "%s", err.message);
  r.data = dg_dataset_draw(TRAIN, TEST, 1, 0, &err);
  ck_assert_msg(r.data != NULL, "%s", err.message);
  r.model = dg_model_load(DIGITS_SOURCE_DIR "/models/vanilla.cfg", overrides, 2, &err);
  ck_assert_msg(r.model != NULL, "%s", err.message);
  r.trainer = dg_trainer_new(r.model, r.device, r.data, &options, &err);
  ck_assert_msg(r.trainer && dg_trainer_train(r.trainer, &err), "%s", err.message);
  return r;
}

static void close_run(run *r) {
  dg_trainer_free(r->trainer);
  dg_dataset_close(r->data);
  dg_model_free(r->model);
  dg_close(r->device);
}

/** Mean cross-entropy and correct answers of the test images, by their logits. */
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
  ck_assert_msg(dg_trainer_predict(r.trainer, NULL, logits, &err), "%s", err.message);
  ck_assert_msg(dg_trainer_test(r.trainer, NULL, &tested, &err), "%s", err.message);
  dg_score expected = score_of(&r.data->test, logits);
  ck_assert_uint_gt(tested.correct, TEST / 2);
  ck_assert_uint_eq(tested.correct, expected.correct);
  ck_assert_double_eq_tol(tested.loss, expected.loss, 1e-6 * expected.loss);
  free(logits);
  close_run(&r);
}
END_TEST

START_TEST(some_images_are_answered_as_among_all) {
  static const uint32_t chosen[] = {5, 0, TEST - 1}, beyond[] = {0, TEST};
  run r = open_run("cpu");
  dg_error err = {0};
  float *all = calloc((size_t)TEST * OUTPUTS, sizeof *all), some[3 * OUTPUTS];
  dg_dataset *few = dg_dataset_select(r.data, chosen, 3, &err);
  ck_assert_msg(few && dg_trainer_predict(r.trainer, NULL, all, &err), "%s", err.message);
  ck_assert_msg(dg_trainer_predict(r.trainer, few, some, &err), "%s", err.message);
  ck_assert_uint_eq(dg_dataset_part(few, DG_PART_TEST).labels[2], r.data->test.labels[TEST - 1]);
  for (uint32_t i = 0; i < 3; i++)
    for (uint32_t k = 0; k < OUTPUTS; k++)
      ck_assert_float_eq_tol(some[i * OUTPUTS + k], all[chosen[i] * OUTPUTS + k], 1e-4);
  ck_assert_ptr_null(dg_dataset_select(r.data, beyond, 2, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "no test image 203 of 203"));
  ck_assert_ptr_null(dg_dataset_select(r.data, chosen, 0, &err));
  dg_dataset_close(few);
  free(all);
  close_run(&r);
}
END_TEST

/** Makes a network of its parameters by hand, and compares what it gives. */
START_TEST(parameters_are_those_that_answer) {
  run r = open_run("cpu");
  dg_error err = {0};
  dg_parameter list[8];
  ck_assert_uint_eq(dg_trainer_list_parameters(r.trainer, list, sizeof(dg_parameter), 8), 4);
  ck_assert_str_eq(list[2].name, "out.weight");
  ck_assert_uint_eq(list[2].dim[0], OUTPUTS);
  float *numbers[4], logits[OUTPUTS];
  for (int p = 0; p < 4; p++) {
    numbers[p] = calloc(list[p].count, sizeof(float));
    ck_assert_msg(dg_trainer_get_parameter(r.trainer, list[p].name, numbers[p], &err), "%s",
                  err.message);
  }
  static const uint32_t first = 0;
  dg_dataset *one = dg_dataset_select(r.data, &first, 1, &err);
  ck_assert_msg(one && dg_trainer_predict(r.trainer, one, logits, &err), "%s", err.message);
  uint32_t in = list[0].dim[1], hidden = list[0].dim[0];
  double sums[OUTPUTS];
  for (uint32_t k = 0; k < OUTPUTS; k++) sums[k] = numbers[3][k];
  for (uint32_t h = 0; h < hidden; h++) {
    double sum = numbers[1][h];
    for (uint32_t i = 0; i < in; i++)
      sum += numbers[0][(size_t)h * in + i] * (r.data->test.inputs[i] / 255.0);
    for (uint32_t k = 0; k < OUTPUTS && sum > 0; k++) sums[k] += sum * numbers[2][k * hidden + h];
  }
  for (uint32_t k = 0; k < OUTPUTS; k++) ck_assert_double_eq_tol(logits[k], sums[k], 1e-3);
  ck_assert(!dg_trainer_get_parameter(r.trainer, "out.wieght", numbers[2], &err));
  ck_assert_ptr_nonnull(strstr(err.message, "no parameter \"out.wieght\""));
  for (int p = 0; p < 4; p++) free(numbers[p]);
  dg_dataset_close(one);
  close_run(&r);
}
END_TEST

START_TEST(layers_are_listed_with_their_shapes) {
  dg_error err = {0};
  dg_layer_info list[64];
  size_t count;
  dg_model *model = dg_model_load(DIGITS_SOURCE_DIR "/models/residual.cfg", NULL, 0, &err);
  ck_assert_msg(model && dg_model_layers(model, list, sizeof(dg_layer_info), 64, &count, &err),
                "%s", err.message);
  ck_assert_str_eq(list[0].type, "input");
  ck_assert_uint_eq(list[0].dim[2], 28);
  size_t add = 1;
  while (add < count && strcmp(list[add].type, "add") != 0) add++;
  ck_assert_uint_lt(add, count);
  ck_assert_uint_eq(list[add].inputs, 2);
  ck_assert_str_eq(list[list[add].in[0]].name, "norm2b");
  ck_assert_str_eq(list[list[add].in[1]].name, "stem");
  ck_assert_uint_eq(list[add].dim[0], 16);
  uint64_t parameters = 0;
  for (size_t i = 0; i < count; i++) parameters += list[i].parameters;
  ck_assert_uint_eq(parameters, 28666);
  ck_assert_str_eq(dg_model_loss(model), "cross_entropy");
  dg_model_free(model);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("predict");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, logits_are_those_that_the_test_scores, 0, 2);
  tcase_add_test(tests, some_images_are_answered_as_among_all);
  tcase_add_test(tests, parameters_are_those_that_answer);
  tcase_add_test(tests, layers_are_listed_with_their_shapes);
  return suite_main("predict", tests);
}
