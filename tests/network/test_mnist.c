/** MNIST itself, where $DIGITS_DATA says it lies. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/dataset.h"
#include "core/data/idx/idx_folder.h"
#include "digits/calibration.h"
#include "digits/data.h"
#include "digits/device.h"
#include "digits/model.h"
#include "digits/train.h"
#include "tests/common/suite.h"

enum { SKIPPED = 77 };

START_TEST(mnist_is_read) {
  dg_error err = {0};
  dg_dataset *set = dg_idx_folder_read(getenv("DIGITS_DATA"), &(dg_dataset_options){0}, &err);
  ck_assert_msg(set, "%s", err.message);
  ck_assert_uint_eq(set->classes, 10);
  ck_assert_uint_eq(set->train.count, 60000);
  ck_assert_uint_eq(set->test.count, 10000);
  ck_assert_uint_eq(set->train.kind.shape.dim[1], 28);
  ck_assert_uint_eq(set->train.kind.shape.dim[2], 28);
  dg_dataset_close(set);
}
END_TEST

/** Trains a model of the zoo for some steps; the test's score, and the losses through a listener.
 */
static bool train(const char *backend, const char *model_path, const dg_override *overrides,
                  size_t count, uint32_t seed, const dg_listener *listener, dg_score *score,
                  dg_error *err) {
  dg_trainer_options options = {
      .size = sizeof(dg_trainer_options), .seed = seed, .listener = listener};
  dg_trainer *trainer = NULL;
  dg_dataset *set = dg_dataset_open(getenv("DIGITS_DATA"), 0, err);
  dg_model *model = dg_model_load(model_path, overrides, count, err);
  dg_device *device = set && model ? dg_open(backend, NULL, 0, err) : NULL;
  if (device) trainer = dg_trainer_new(model, device, set, &options, err);
  bool ok = trainer && dg_trainer_train(trainer, err) && dg_trainer_test(trainer, NULL, score, err);
  dg_trainer_free(trainer);
  dg_close(device);
  dg_model_free(model);
  dg_dataset_close(set);
  return ok;
}

static bool has_opencl(void) {
  dg_device_info first;
  size_t count = 0;
  if (dg_device_list(&first, sizeof(dg_device_info), 1, &count, NULL) &&
      strcmp(first.backend, "opencl") == 0)
    return true;
  printf("skipped: there is no OpenCL device\n");
  return false;
}

START_TEST(a_network_learns_it) {
  const char *backend = _i ? "opencl" : "cpu";
  if (_i && !has_opencl()) return;
  const dg_override overrides[] = {{"test", "train.epochs", "2"}};
  dg_listener nobody = {.size = sizeof(dg_listener)};
  dg_score score;
  dg_error err = {0};
  ck_assert_msg(train(backend, DIGITS_SOURCE_DIR "/models/vanilla.cfg", overrides, 1, 1, &nobody,
                      &score, &err),
                "%s: %s", backend, err.message);
  ck_assert_uint_eq(score.total, 10000);
  ck_assert_double_gt(score.accuracy, 0.95); /* 96.7 to 96.9 % by five seeds */
}
END_TEST

enum { STEPS = 50 };

static void note_loss(void *user, uint64_t step, double loss, double accuracy) {
  (void)accuracy;
  ((double *)user)[step] = loss;
}

/** How far the first losses of `cnn`, with dropout on, from the same seed, part at most. */
static double apart(uint32_t seed) {
  const dg_override overrides[] = {{"test", "train.epochs", "1"}, {"test", "train.steps", "50"}};
  double losses[2][STEPS] = {0}, most = 0;
  for (int b = 0; b < 2; b++) {
    dg_listener listener = {.size = sizeof(dg_listener), .user = losses[b], .step = note_loss};
    dg_score score;
    dg_error err = {0};
    ck_assert_msg(train(b ? "opencl" : "cpu", DIGITS_SOURCE_DIR "/models/cnn.cfg", overrides, 2,
                        seed, &listener, &score, &err),
                  "%s", err.message);
  }
  for (int i = 0; i < STEPS; i++) {
    ck_assert_double_gt(losses[0][i], 0);
    most = fmax(most, fabs(losses[0][i] - losses[1][i]) / losses[0][i]);
  }
  return most;
}

/** Rounding that turns a maximum around may part the runs of a seed, but not of most. */
START_TEST(backends_agree_on_it) {
  enum { SEEDS = 3 };
  int same = 0;
  if (!has_opencl()) return;
  for (uint32_t seed = 1; seed <= SEEDS; seed++) {
    double most = apart(seed);
    printf("seed %u: the losses of the backends part by %g\n", seed, most);
    same += most <= 1e-4;
  }
  ck_assert_int_gt(same, SEEDS / 2);
}
END_TEST

/** The calibration of installed weights on the test images. */
static dg_calibration calibration_of(const char *name, const dg_dataset *set, dg_device *device) {
  char path[DG_PATH_SIZE];
  dg_calibration c;
  dg_score score;
  dg_error err = {0};
  const dg_part_view part = dg_dataset_part(set, DG_PART_TEST);
  ck_assert_msg(dg_weights_find(name, path, &err), "%s", err.message);
  dg_model *model = dg_model_from_weights(path, NULL, 0, &err);
  ck_assert_msg(model, "%s", err.message);
  dg_trainer_options options = {.size = sizeof(dg_trainer_options), .test_only = true};
  dg_trainer *trainer = dg_trainer_new(model, device, set, &options, &err);
  float *p = calloc((size_t)part.count * 10, sizeof *p);
  ck_assert_msg(trainer && p && dg_trainer_load(trainer, path, &err) &&
                    dg_trainer_test_logits(trainer, NULL, &score, p, &err),
                "%s", err.message);
  double temperature = dg_trainer_temperature(trainer);
  ck_assert_msg(temperature > 0, "%s has no temperature", name);
  dg_probabilities(model, temperature, p, part.count, 10, p);
  dg_calibration_measure(p, part.labels, part.count, 10, &c, sizeof c);
  printf("%-12s %.2f %% right, temperature %.4f, calibration error %.2f %%\n", name,
         100 * score.accuracy, temperature, 100 * c.error);
  free(p);
  dg_trainer_free(trainer);
  dg_model_free(model);
  return c;
}

/** All networks of weights/: the error as a whole, and in the bins of sure answers that hold
    enough of them. */
START_TEST(the_zoo_is_calibrated) {
  enum { MOST = 32, SURE = 13 }; /* the first bin above 86.7 % */
  dg_weights_info all[MOST];
  size_t count = 0;
  dg_error err = {0};
  ck_assert_msg(dg_weights_list(all, sizeof *all, MOST, &count, &err), "%s", err.message);
  ck_assert_uint_ge(count, 10);
  dg_dataset *set = dg_dataset_open(getenv("DIGITS_DATA"), 0, &err);
  dg_device *device = dg_open("cpu", NULL, 0, &err);
  ck_assert_msg(set && device, "%s", err.message);
  for (size_t i = 0; i < count; i++) {
    dg_calibration c = calibration_of(all[i].name, set, device);
    ck_assert_msg(c.error <= 0.005, "%s: %.2f %%", all[i].name, 100 * c.error);
    for (int b = SURE; b < DG_CALIBRATION_BINS; b++)
      ck_assert_msg(c.bins[b].count < 50 || c.bins[b].accuracy > c.bins[b].confidence - 0.1,
                    "%s: %.2f %% right of %.2f %%", all[i].name, 100 * c.bins[b].accuracy,
                    100 * c.bins[b].confidence);
  }
  dg_close(device);
  dg_dataset_close(set);
}
END_TEST

int main(void) {
  if (!getenv("DIGITS_DATA")) {
    printf("skipped: DIGITS_DATA, a folder with MNIST's four files, is not set\n");
    return SKIPPED;
  }
  TCase *cases = tcase_create("mnist");
  tcase_set_timeout(cases, 300);
  tcase_add_test(cases, mnist_is_read);
  tcase_add_loop_test(cases, a_network_learns_it, 0, 2);
  tcase_add_test(cases, backends_agree_on_it);
  tcase_add_test(cases, the_zoo_is_calibrated);
  return suite_main("mnist", cases);
}
