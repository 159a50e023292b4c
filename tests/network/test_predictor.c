/* Predictors: the logits of a trainer, one image or many at a time, and their probabilities. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits/data.h"
#include "digits/device.h"
#include "digits/model.h"
#include "digits/predict.h"
#include "digits/train.h"
#include "tests/common/suite.h"

enum { TRAIN = 500, TEST = 203, OUTPUTS = 10 };

START_TEST(a_predictor_gives_the_same_logits) {
  static const char weights[] = DIGITS_BINARY_DIR "/tests/predict.safetensors";
  static const dg_override few[] = {{"", "data.validation", "100"}, {"", "train.epochs", "1"}};
  const dg_trainer_options options = {.size = sizeof(dg_trainer_options), .seed = 3};
  const char *backend = _i ? "opencl" : "cpu";
  if (!suite_has_backend(backend)) return;
  dg_error err = {0};
  dg_device *device = dg_open(backend, NULL, 0, &err);
  dg_dataset *data = dg_dataset_draw(TRAIN, TEST, 1, 0, &err);
  dg_model *model = dg_model_load(DIGITS_SOURCE_DIR "/models/cnn.cfg", few, 2, &err);
  dg_trainer *trainer =
      device && data && model ? dg_trainer_new(model, device, data, &options, &err) : NULL;
  ck_assert_msg(trainer && dg_trainer_train(trainer, &err), "%s", err.message);
  float *expected = calloc(2 * (size_t)TEST * OUTPUTS, sizeof *expected);
  float *logits = expected + (size_t)TEST * OUTPUTS;
  ck_assert_msg(dg_trainer_predict(trainer, NULL, expected, &err), "%s", err.message);
  ck_assert_msg(dg_trainer_save(trainer, weights, &err), "%s", err.message);
  const uint8_t *images = dg_dataset_part(data, DG_PART_TEST).images;
  for (uint32_t batch = 1; batch <= 256; batch *= 16) {
    dg_predictor *p = dg_predictor_new(model, device,
                                       &(dg_predictor_options){.size = sizeof(dg_predictor_options),
                                                               .weights = weights,
                                                               .batch = batch},
                                       &err);
    ck_assert_msg(p != NULL, "%s", err.message);
    ck_assert_uint_eq(dg_predictor_height(p) * dg_predictor_width(p), 28 * 28);
    ck_assert_uint_eq(dg_predictor_outputs(p), OUTPUTS);
    for (int again = 0; again < 2; again++) {
      memset(logits, 0, (size_t)TEST * OUTPUTS * sizeof *logits);
      ck_assert_msg(dg_predictor_run(p, images, TEST, logits, &err), "%s", err.message);
      for (uint32_t i = 0; i < TEST * OUTPUTS; i++)
        ck_assert_float_eq_tol(logits[i], expected[i], 1e-4f);
    }
    dg_predictor_free(p);
  }
  remove(weights);
  free(expected);
  dg_trainer_free(trainer);
  dg_model_free(model);
  dg_dataset_close(data);
  dg_close(device);
}
END_TEST

START_TEST(a_predictor_refuses_what_does_not_fit) {
  dg_error err = {0};
  dg_device *device = dg_open("cpu", NULL, 1, &err);
  dg_model *model = dg_model_load(DIGITS_SOURCE_DIR "/models/vanilla.cfg", NULL, 0, &err);
  ck_assert(device && model);
  ck_assert_ptr_null(dg_predictor_new(model, device, &(dg_predictor_options){.batch = 1}, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "dg_predictor_options.size is 0"));
  ck_assert_ptr_null(dg_predictor_new(model, device,
                                      &(dg_predictor_options){.size = sizeof(dg_predictor_options),
                                                              .weights = "nowhere.safetensors",
                                                              .batch = 1},
                                      &err));
  ck_assert_ptr_nonnull(strstr(err.message, "nowhere.safetensors"));
  dg_predictor_free(NULL);
  dg_model_free(model);
  dg_close(device);
}
END_TEST

/** Probabilities of 1, 2 and -1 as a loss has it. */
static void check_probabilities(const char *loss, const float expected[3]) {
  static const float logits[] = {1, 2, -1};
  const dg_override overrides[] = {{"", "loss", loss}, {"", "out.units", "3"}};
  dg_error err = {0};
  float p[3];
  dg_device *device = dg_open("cpu", NULL, 1, &err);
  dg_model *model = dg_model_load(DIGITS_SOURCE_DIR "/models/vanilla.cfg", overrides, 2, &err);
  ck_assert_msg(device && model, "%s", err.message);
  dg_predictor *predictor = dg_predictor_new(
      model, device, &(dg_predictor_options){.size = sizeof(dg_predictor_options), .batch = 1},
      &err);
  ck_assert_msg(predictor != NULL, "%s", err.message);
  dg_predictor_probabilities(predictor, logits, 1, p);
  for (int i = 0; i < 3; i++) ck_assert_float_eq_tol(p[i], expected[i], 1e-6f);
  dg_predictor_free(predictor);
  dg_model_free(model);
  dg_close(device);
}

/** Digits of which the finder is not certain get probabilities nearer to equal ones, and keep their
    class. */
START_TEST(doubtful_digits_are_less_probable) {
  enum { COUNT = 3, CLASSES = 10, PIXELS = 28 * 28 };
  static uint8_t images[COUNT * PIXELS];
  float certainty[COUNT] = {1, 0.5f, 0}, expected[COUNT * CLASSES], p[COUNT * CLASSES];
  for (uint32_t i = 0; i < COUNT * PIXELS; i++) images[i] = (uint8_t)(i % PIXELS * 31 % 256);
  dg_digits digits = {
      .count = COUNT, .height = 28, .width = 28, .images = images, .certainty = certainty};
  dg_error err = {0};
  dg_device *device = dg_open("cpu", NULL, 1, &err);
  dg_model *model = dg_model_load(DIGITS_SOURCE_DIR "/models/cnn.cfg", NULL, 0, &err);
  ck_assert_msg(device && model, "%s", err.message);
  dg_predictor *predictor = dg_predictor_new(
      model, device, &(dg_predictor_options){.size = sizeof(dg_predictor_options), .batch = 2},
      &err);
  ck_assert_msg(predictor != NULL, "%s", err.message);
  ck_assert(dg_predictor_run(predictor, images, COUNT, expected, &err));
  dg_predictor_probabilities(predictor, expected, COUNT, expected);
  ck_assert(dg_predictor_read(predictor, &digits, p, &err));
  for (int c = 0; c < CLASSES; c++) {
    ck_assert_float_eq(p[c], expected[c]);
    ck_assert_float_eq_tol(p[CLASSES + c], 0.5f * expected[CLASSES + c] + 0.05f, 1e-6f);
    ck_assert_float_eq_tol(p[2 * CLASSES + c], 0.1f, 1e-6f);
  }
  dg_predictor_free(predictor);
  dg_model_free(model);
  dg_close(device);
}
END_TEST

START_TEST(probabilities_are_as_the_loss_has_them) {
  float sum = expf(1) + expf(2) + expf(-1);
  check_probabilities("cross_entropy", (float[]){expf(1) / sum, expf(2) / sum, expf(-1) / sum});
  check_probabilities("mse", (float[]){1.0f / 3, 2.0f / 3, 0});
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("predictor");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, a_predictor_gives_the_same_logits, 0, 2);
  tcase_add_test(tests, a_predictor_refuses_what_does_not_fit);
  tcase_add_test(tests, probabilities_are_as_the_loss_has_them);
  tcase_add_test(tests, doubtful_digits_are_less_probable);
  return suite_main("predictor", tests);
}
