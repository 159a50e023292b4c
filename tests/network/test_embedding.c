/*
 * What an embedding reads: whole numbers of the network's input, as they are. Whatever else is
 * given in training, testing or prediction is an error that names the sample.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "core/model/model.h"
#include "core/training/trainer.h"
#include "digits/predict.h"
#include "tests/common/rig.h"

enum { STEPS = 3, SAMPLES = 2, CLASSES = 4 };

#define LAYERS                                                                                     \
  "layers = ({ type = \"embedding\"; name = \"large\"; words = 9; width = 2; },"                   \
  "{ type = \"embedding\"; name = \"small\"; inputs = [\"input\"]; words = 5; width = 2; },"       \
  "{ type = \"add\"; inputs = [\"large\", \"small\"]; }, { type = \"global_avgpool\"; },"          \
  "{ type = \"linear\"; units = 4; });"
static const char whole[] =
    "name = \"w\"; input = [3]; data = { mean = 0.0; std = 1.0; }; train = { "
    "batch = 2; }; " LAYERS;
static const char unequal[] =
    "name = \"w\"; input = [3, 1]; lengths = true; train = { batch = 2; }; " LAYERS;

static const uint8_t labels[SAMPLES] = {0, 3};
static const uint32_t lengths[SAMPLES] = {3, 2};

static dg_model *parse(const char *text) {
  dg_error err = {0};
  dg_model *model = dg_model_parse(text, "w", NULL, 0, &err);
  ck_assert_msg(model != NULL, "%s", err.message);
  return model;
}

static void says(const dg_error *err, const char *what) {
  ck_assert_int_eq(err->kind, DG_ERR_INPUT);
  ck_assert_msg(strstr(err->message, what) != NULL, "\"%s\" in: %s", what, err->message);
}

static dg_ndarray array_of(const float *x, bool columns) {
  return (dg_ndarray){
      .rank = columns ? 3 : 2, .dim = {SAMPLES, STEPS, 1}, .type = DG_NUMBERS_FLOATS, .numbers = x};
}

/** A trainer on these samples, or what is wrong with them. */
static dg_trainer *trainer_of(const dg_model *model, dg_device *device, const float *train,
                              const float *test, dg_dataset **data, dg_error *err) {
  const dg_trainer_options options = {.size = sizeof options, .seed = 3};
  dg_sample_arrays parts[2];
  for (int i = 0; i < 2; i++)
    parts[i] = (dg_sample_arrays){.size = sizeof *parts,
                                  .inputs = array_of(i ? test : train, model->lengths),
                                  .labels = labels,
                                  .lengths = model->lengths ? lengths : NULL};
  *data = dg_dataset_from_arrays(&parts[0], &parts[1], true, err);
  ck_assert_msg(*data != NULL, "%s", err->message);
  return dg_trainer_new(model, device, *data, &options, err);
}

static void check_training(const dg_model *model, dg_device *device, const float *good,
                           const float *bad, const char *what) {
  dg_error err = {0}, wrong = {0};
  dg_dataset *data, *other;
  dg_score score;
  dg_trainer *t = trainer_of(model, device, good, bad, &data, &err);
  ck_assert_msg(t != NULL, "%s", err.message);
  ck_assert(!dg_trainer_test(t, NULL, &score, &wrong));
  says(&wrong, what);
  const dg_batch batch = {.size = sizeof batch,
                          .count = SAMPLES,
                          .inputs = bad,
                          .labels = labels,
                          .lengths = model->lengths ? lengths : NULL};
  wrong = (dg_error){0};
  ck_assert(!dg_trainer_step(t, &batch, NULL, &wrong));
  says(&wrong, what);
  wrong = (dg_error){0};
  ck_assert_ptr_null(trainer_of(model, device, bad, good, &other, &wrong));
  says(&wrong, what);
  dg_trainer_free(t);
  dg_dataset_close(data), dg_dataset_close(other);
}

static void check_prediction(const dg_model *model, dg_device *device, const float *good,
                             const float *bad, const char *what) {
  const dg_predictor_options options = {.size = sizeof options, .batch = 4};
  const dg_ndarray fits = array_of(good, model->lengths), misfits = array_of(bad, model->lengths);
  const uint32_t *own = model->lengths ? lengths : NULL;
  float outputs[SAMPLES * CLASSES];
  dg_error err = {0};
  dg_predictor *p = dg_predictor_new(model, device, &options, &err);
  ck_assert_msg(p && dg_predictor_run_sequences(p, &fits, own, outputs, &err), "%s", err.message);
  ck_assert(!dg_predictor_run_sequences(p, &misfits, own, outputs, &err));
  says(&err, what);
  dg_predictor_free(p);
}

static void check_numbers(const rig_target *target, int number) {
  static const float good[] = {0, 4, 2, 3, 3, 0}, wrong[] = {5, -1, 0.5f, 1e20f, 3.0000002f};
  static const char *const texts[] = {"has 5 at [1], but layer \"small\" (embedding) takes whole",
                                      "has -1 at", "has 0.5 at", "has 1e+20 at",
                                      "takes whole numbers from 0 to 4"};
  dg_device *device = rig_open(target);
  (void)number;
  for (size_t i = 0; i < 2 * sizeof wrong / sizeof *wrong; i++) {
    dg_model *model = parse(i % 2 ? unequal : whole);
    float bad[SAMPLES * STEPS];
    memcpy(bad, good, sizeof bad);
    bad[4] = wrong[i / 2];
    check_prediction(model, device, good, bad, texts[i / 2]);
    check_training(model, device, good, bad, texts[i / 2]);
    dg_model_free(model);
  }
  device->calls->close(device);
}

/** What is beyond the end of a sequence is no word, whatever it is. */
static void check_beyond(const rig_target *target, int number) {
  static const float numbers[] = {0, 4, 2, 3, 3, 77};
  const dg_predictor_options options = {.size = sizeof options, .batch = 4};
  dg_device *device = rig_open(target);
  dg_model *model = parse(unequal);
  const dg_ndarray array = array_of(numbers, true);
  float outputs[SAMPLES * CLASSES];
  dg_error err = {0};
  (void)number;
  dg_predictor *p = dg_predictor_new(model, device, &options, &err);
  ck_assert_msg(p && dg_predictor_run_sequences(p, &array, lengths, outputs, &err), "%s",
                err.message);
  dg_predictor_free(p);
  dg_model_free(model);
  device->calls->close(device);
}

/** What changes the numbers of the input, and bytes, which become 0 to 1, are no words. */
static void check_refused(const rig_target *target, int number) {
  static const char *const changes[] = {"mean = 0.5;", "std = 2.0;", "augment = { noise = 1.0; };"};
  static const uint8_t bytes[SAMPLES * STEPS] = {0};
  const dg_predictor_options options = {.size = sizeof options};
  dg_device *device = rig_open(target);
  char text[900];
  dg_error err = {0};
  (void)number;
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    snprintf(text, sizeof text, "name = \"w\"; input = [3]; data = { %s }; " LAYERS, changes[i]);
    dg_model *model = parse(text);
    err = (dg_error){0};
    ck_assert_ptr_null(dg_predictor_new(model, device, &options, &err));
    says(&err, "layer \"large\" (embedding): takes the whole numbers of the input as they are");
    dg_model_free(model);
  }
  dg_model *model = parse(whole);
  const dg_ndarray array = {
      .rank = 2, .dim = {SAMPLES, STEPS}, .type = DG_NUMBERS_BYTES, .numbers = bytes};
  float outputs[SAMPLES * CLASSES];
  dg_predictor *p = dg_predictor_new(model, device, &options, &err);
  ck_assert(p && !dg_predictor_run_array(p, &array, outputs, &err));
  says(&err, "given as floats, not bytes");
  dg_predictor_free(p);
  dg_model_free(model);
  device->calls->close(device);
}

int main(void) {
  static const rig_group groups[] = {
      {"numbers", check_numbers, 0}, {"beyond", check_beyond, 0}, {"refused", check_refused, 0}};
  return rig_main("embedding", groups, sizeof groups / sizeof *groups);
}
