/* Calibration: the temperature that samples tell, expected calibration errors, and what a trainer
   and weight files do with a temperature. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/weights/safetensors.h"
#include "digits/calibration.h"
#include "digits/predict.h"
#include "tests/common/fixture.h"
#include "tests/common/suite.h"

enum { MOST = 4000, CLASSES = 10, PIXELS = 28 * 28 };

static float logits[MOST * CLASSES];
static uint8_t labels[MOST];
static dg_model *model; /* trained with cross-entropy */
static char path[] = "/tmp/digits-calibration-XXXXXX";

/* ---- the temperature of samples ----------------------------------------- */

/**
 * Samples with the logits (offset + a, offset, ...): `right` of `count` have the first class.
 * Their best temperature gives it just this probability.
 */
static void make_samples(uint32_t count, uint32_t right, uint32_t classes, float offset, float a) {
  for (uint32_t i = 0; i < count; i++) {
    for (uint32_t c = 0; c < classes; c++) logits[i * classes + c] = offset + (c ? 0 : a);
    labels[i] = (uint8_t)(i < right ? 0 : 1 + i % (classes - 1));
  }
}

static const struct {
  uint32_t count, right, classes;
  float offset, a;
} known[] = {
    {1000, 900, 2, 0, 8.788898309F}, /* 4 ln 9 */
    {1000, 900, 2, 0, 1.098612289F}, /* ln 9 / 2 */
    {1000, 999, 2, 0, 6.906754779F}, /* ln 999 */
    {10, 9, 10, 0, 43.94449155F},    /* 10 ln 81 */
    {4000, 3999, 10, 1000, 100},     {100, 90, 10, -512, 0.04394449F}, {3, 2, 3, 0, 1000},
};

START_TEST(known_temperatures_are_found) {
  uint32_t count = known[_i].count, right = known[_i].right, classes = known[_i].classes;
  double others = classes - 1, temperature = 0;
  make_samples(count, right, classes, known[_i].offset, known[_i].a);
  double a = (double)logits[0] - (double)logits[1]; /* rounded beside the offset */
  double expected = a / log(others * right / (count - right));
  dg_error err = {0};
  ck_assert_msg(dg_temperature_fit(model, logits, labels, count, classes, &temperature, &err), "%s",
                err.message);
  ck_assert_msg(fabs(temperature / expected - 1) < 1e-9, "%.12g, not %.12g", temperature, expected);
}
END_TEST

/** The mean negative log likelihood, in the plainest way. */
static double loss_at(double temperature, uint32_t count) {
  double loss = 0;
  for (uint32_t i = 0; i < count; i++) {
    const float *x = logits + i * CLASSES;
    double sum = 0;
    for (int c = 0; c < CLASSES; c++) sum += exp((x[c] - x[labels[i]]) / temperature);
    loss += log(sum) / count;
  }
  return loss;
}

/** Samples of all kinds: no other temperature fits better. */
START_TEST(no_other_temperature_is_better) {
  enum { COUNT = 500 };
  double temperature, scale = pow(10, _i - 2);
  dg_error err = {0};
  srand((unsigned)_i);
  for (int i = 0; i < COUNT; i++) {
    for (int c = 0; c < CLASSES; c++)
      logits[i * CLASSES + c] = (float)(scale * rand() / RAND_MAX * (c + 1));
    labels[i] = (uint8_t)(rand() % 3 ? CLASSES - 1 : rand() % CLASSES);
  }
  ck_assert_msg(dg_temperature_fit(model, logits, labels, COUNT, CLASSES, &temperature, &err), "%s",
                err.message);
  double best = loss_at(temperature, COUNT);
  for (double factor = 1e-3; factor < 0.1; factor *= 3) {
    ck_assert_double_lt(best, loss_at(temperature * (1 + factor), COUNT));
    ck_assert_double_lt(best, loss_at(temperature / (1 + factor), COUNT));
  }
}
END_TEST

/** Outputs that were trained with the squared error are estimates, whose log odds are the logits.
 */
START_TEST(squared_errors_have_log_odds) {
  double temperature;
  float p[2];
  dg_error err = {0};
  dg_model *squared = dg_model_load(DIGITS_SOURCE_DIR "/models/cnn-leaky.cfg", NULL, 0, &err);
  ck_assert_msg(squared != NULL, "%s", err.message);
  make_samples(100, 90, 2, 0.2F, 0.6F); /* 0.8 and 0.2: odds of 4 and 1 / 4 */
  ck_assert(dg_temperature_fit(squared, logits, labels, 100, 2, &temperature, &err));
  ck_assert_double_eq_tol(temperature, log(16) / log(9), 1e-6);
  dg_probabilities(squared, temperature, logits, 1, 2, p);
  ck_assert_double_eq_tol(p[0], 0.9, 1e-6);
  const float outer[2] = {1.99F, -2}; /* 1 above 0.99, and 2.01 below 0.01 */
  dg_probabilities(squared, 2, outer, 1, 2, p);
  ck_assert_double_eq_tol(p[1], 1 / (1 + exp((2 * log(99) + 3.01) / 2)), 1e-6);
  dg_probabilities(squared, 0, outer, 1, 2, p);
  ck_assert(p[0] == 1 && p[1] == 0);
  dg_model_free(squared);
}
END_TEST

static void refused(uint32_t count, uint32_t classes, const char *says) {
  double temperature = 7;
  dg_error err = {0};
  ck_assert_msg(!dg_temperature_fit(model, logits, labels, count, classes, &temperature, &err),
                "%g, but it should say: %s", temperature, says);
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  ck_assert_msg(strstr(err.message, says) != NULL, "expected \"%s\" in: %s", says, err.message);
  ck_assert(temperature == 7);
}

START_TEST(samples_that_tell_none_are_refused) {
  refused(0, 10, "0 samples tell no temperature");
  make_samples(100, 100, 10, 0, 3);
  refused(100, 10, "100 samples tell no temperature: no class is likelier than their labels");
  make_samples(100, 50, 10, 0, 0);
  refused(100, 10, "no class is likelier");
  make_samples(100, 90, 2, 0, 1e-4F);
  refused(100, 2, "best temperature is below 0.001");
  make_samples(100, 90, 10, 0, 1);
  labels[17] = 10;
  refused(100, 10, "sample 17 has the label 10 of 10 classes");
  logits[42] = NAN;
  refused(100, 10, "finite logits, unlike those of sample 4");
  logits[42] = -INFINITY;
  refused(100, 10, "unlike those of sample 4");
}
END_TEST

/** Answers that are no better than chance are best spread over all classes. */
START_TEST(the_largest_temperature_is_kept) {
  double temperature;
  dg_error err = {0};
  make_samples(100, 5, 10, 0, 10);
  ck_assert(dg_temperature_fit(model, logits, labels, 100, 10, &temperature, &err));
  ck_assert_double_eq_tol(temperature, DG_TEMPERATURE_MOST, 1e-3);
  ck_assert_double_le(temperature, DG_TEMPERATURE_MOST);
}
END_TEST

/* ---- calibration errors ------------------------------------------------- */

/** By hand: in bin 14, 0.95 against 1/2 of two; in bin 9, 0.625 against 2/3 of three; in bin 7, 0.5
    against 0 of one. */
START_TEST(errors_are_those_of_hand) {
  static const float p[6][2] = {{0.95F, 0.05F},   {0.05F, 0.95F},   {0.375F, 0.625F},
                                {0.625F, 0.375F}, {0.375F, 0.625F}, {0.5F, 0.5F}};
  static const uint8_t truth[6] = {0, 0, 1, 0, 0, 1};
  dg_calibration c;
  dg_calibration_measure(p[0], truth, 6, 2, &c, sizeof c);
  ck_assert_uint_eq(c.count, 6);
  for (int i = 0; i < DG_CALIBRATION_BINS; i++)
    ck_assert_uint_eq(c.bins[i].count, i == 14 ? 2 : i == 9 ? 3 : i == 7 ? 1 : 0);
  ck_assert_double_eq_tol(c.bins[14].confidence, 0.95, 1e-7);
  ck_assert_double_eq(c.bins[14].accuracy, 0.5);
  ck_assert_double_eq(c.bins[9].confidence, 0.625);
  ck_assert_double_eq_tol(c.bins[9].accuracy, 2.0 / 3, 1e-12);
  ck_assert_double_eq(c.bins[7].accuracy, 0);
  ck_assert_double_eq_tol(c.error, (2 * 0.45 + 3 * (2.0 / 3 - 0.625) + 0.5) / 6, 1e-7);
}
END_TEST

/** The ends of the range, no samples, and a struct of an older program. */
START_TEST(bins_have_ends) {
  static const float p[3] = {1, 0, 1e-30F};
  static const uint8_t truth[3] = {0};
  dg_calibration c;
  double error;
  dg_calibration_measure(p, truth, 3, 1, &c, sizeof c);
  ck_assert_uint_eq(c.bins[14].count, 1);
  ck_assert_uint_eq(c.bins[0].count, 2);
  ck_assert_double_eq_tol(c.error, 2.0 / 3, 1e-7);
  dg_calibration_measure(p, truth, 3, 1, (dg_calibration *)(void *)&error, sizeof error);
  ck_assert_double_eq(error, c.error);
  dg_calibration_measure(p, truth, 0, 1, &c, sizeof c);
  ck_assert_double_eq(c.error, 0);
}
END_TEST

/* ---- a trainer ---------------------------------------------------------- */

enum { TRAIN = 400, VALIDATION = 150 };

static const fixture_plan plan = {
    .layers = "{ type = \"flatten\"; }, { type = \"linear\"; name = \"fc\"; units = 10; }",
    .recipe = "loss = \"cross_entropy\"; data = { validation = 150; }; train = { epochs = 3; "
              "batch = 50; optimizer = { type = \"sgd\"; lr = 0.5; }; };",
    .train = TRAIN,
    .test = 50,
    .seed = 3};

/** The temperature of the saved network on the samples that it was not trained on. */
static double fit_again(fixture *f) {
  uint32_t order[TRAIN];
  bool learned[TRAIN] = {false};
  size_t count;
  dg_error err = {0};
  ck_assert(dg_trainer_order(f->trainer, 0, order, TRAIN, &count, &err));
  ck_assert_uint_eq(count, TRAIN - VALIDATION);
  for (size_t i = 0; i < count; i++) learned[order[i]] = true;
  dg_predictor *p = dg_predictor_new(
      f->model, f->device,
      &(dg_predictor_options){.size = sizeof(dg_predictor_options), .weights = path}, &err);
  ck_assert_msg(p != NULL, "%s", err.message);
  ck_assert_double_eq(dg_predictor_temperature(p), dg_trainer_temperature(f->trainer));
  dg_part_view part = dg_dataset_part(f->data, DG_PART_TRAIN);
  uint32_t held = 0;
  for (uint32_t i = 0; i < TRAIN; i++) {
    if (learned[i]) continue;
    ck_assert(dg_predictor_run(p, part.images + i * PIXELS, 1, logits + held * CLASSES, &err));
    labels[held++] = part.labels[i];
  }
  dg_predictor_free(p);
  double temperature;
  ck_assert_msg(dg_temperature_fit(model, logits, labels, held, CLASSES, &temperature, &err), "%s",
                err.message);
  return temperature;
}

START_TEST(training_fits_it_on_samples_it_held_out) {
  dg_error err = {0};
  fixture f = fixture_new(&plan);
  ck_assert(dg_trainer_temperature(f.trainer) == 0);
  fixture_train(&f);
  double temperature = dg_trainer_temperature(f.trainer);
  ck_assert_double_gt(temperature, 0);
  ck_assert_msg(dg_trainer_save(f.trainer, path, &err), "%s", err.message);
  ck_assert_double_eq_tol(fit_again(&f) / temperature, 1, 1e-4);
  ck_assert(dg_trainer_set_temperature(f.trainer, 0, &err));
  ck_assert_msg(dg_trainer_calibrate(f.trainer, &err), "%s", err.message);
  ck_assert_double_eq(dg_trainer_temperature(f.trainer), temperature);
  fixture_free(&f);
}
END_TEST

/** Parameters that change have no temperature. */
START_TEST(it_belongs_to_its_parameters) {
  dg_error err = {0};
  fixture f = fixture_new(&plan);
  dg_part_view part = dg_dataset_part(f.data, DG_PART_TRAIN);
  const dg_batch batch = {
      .size = sizeof(dg_batch), .count = 10, .images = part.images, .labels = part.labels};
  const float bias[CLASSES] = {0};
  ck_assert_msg(dg_trainer_load(f.trainer, path, &err), "%s", err.message);
  double temperature = dg_trainer_temperature(f.trainer);
  ck_assert_double_gt(temperature, 0);
  ck_assert(dg_trainer_set_parameter(f.trainer, "fc.bias", bias, &err));
  ck_assert(dg_trainer_temperature(f.trainer) == 0);
  ck_assert(dg_trainer_load(f.trainer, path, &err));
  ck_assert_double_eq(dg_trainer_temperature(f.trainer), temperature);
  ck_assert_msg(dg_trainer_step(f.trainer, &batch, NULL, &err), "%s", err.message);
  ck_assert(dg_trainer_temperature(f.trainer) == 0);
  ck_assert(dg_trainer_set_temperature(f.trainer, 0.5, &err));
  ck_assert(dg_trainer_temperature(f.trainer) == 0.5);
  static const double wrong[] = {-1, 1e-4, 1001, NAN, INFINITY};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    ck_assert(!dg_trainer_set_temperature(f.trainer, wrong[i], &err));
  ck_assert_str_eq(err.message, "a temperature is from 0.001 to 1000, or 0 for none; not inf");
  ck_assert(dg_trainer_temperature(f.trainer) == 0.5);
  fixture_free(&f);
}
END_TEST

START_TEST(without_validation_there_is_none) {
  dg_error err = {0};
  fixture_plan bare = plan;
  bare.recipe = "loss = \"cross_entropy\"; train = { epochs = 1; };";
  fixture f = fixture_new(&bare);
  fixture_train(&f);
  ck_assert(dg_trainer_temperature(f.trainer) == 0);
  ck_assert(!dg_trainer_calibrate(f.trainer, &err));
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  ck_assert_ptr_nonnull(strstr(err.message, "no validation samples are set aside"));
  fixture_free(&f);
  fixture_plan tests = plan;
  tests.test_only = true;
  f = fixture_new(&tests);
  ck_assert(!dg_trainer_calibrate(f.trainer, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "made to test only"));
  fixture_free(&f);
}
END_TEST

/* ---- files -------------------------------------------------------------- */

/** The text of the temperature in a file, and 0 where it is refused. */
static const struct {
  const char *text;
  double value;
} texts[] = {{"2", 2},       {"1.5e0", 1.5}, {"0.001", 0.001},   {"1000.0", 1000}, {"", 0},
             {"0", 0},       {"-1", 0},      {"nan", 0},         {"NaN", 0},       {"inf", 0},
             {"1e999", 0},   {"1000.1", 0},  {"0.0009", 0},      {"1,5", 0},       {"1.5 2", 0},
             {"\"1.5\"", 0}, {"[1.5]", 0},   {"{\"t\":1.5}", 0}, {"null", 0},      {"true", 0},
             {"0x2", 0},     {"1.5x", 0},    {"\x1b[2J", 0}};

START_TEST(files_are_checked) {
  dg_error err = {0};
  fixture f = fixture_new(&plan);
  dg_safetensors file;
  ck_assert_msg(dg_trainer_save(f.trainer, path, &err), "%s", err.message);
  ck_assert_msg(dg_safetensors_read(&file, path, &err), "%s", err.message);
  ck_assert_ptr_null(dg_safetensors_text(&file, "digits.temperature")); /* it has none */
  const dg_stored_text own[] = {{"digits.model", dg_model_text(f.model)},
                                {"digits.temperature", texts[_i].text}};
  ck_assert_msg(dg_safetensors_write(path, file.tensors, file.tensor_count, own, 2, &err), "%s",
                err.message);
  dg_safetensors_free(&file);
  ck_assert(dg_trainer_set_temperature(f.trainer, 7, &err));
  bool loaded = dg_trainer_load(f.trainer, path, &err);
  ck_assert_int_eq(loaded, texts[_i].value > 0);
  ck_assert_double_eq(dg_trainer_temperature(f.trainer), loaded ? texts[_i].value : 7);
  if (!loaded) {
    ck_assert_int_eq(err.kind, DG_ERR_INPUT);
    ck_assert(strncmp(err.message, path, strlen(path)) == 0);
    ck_assert_ptr_nonnull(strstr(err.message, "its digits.temperature is \""));
    ck_assert_ptr_null(strchr(err.message, '\x1b'));
  }
  fixture_free(&f);
}
END_TEST

int main(void) {
  suite_new_file(path);
  dg_error err = {0};
  model = dg_model_load(DIGITS_SOURCE_DIR "/models/vanilla.cfg", NULL, 0, &err);
  TCase *tests = tcase_create("calibration");
  tcase_add_loop_test(tests, known_temperatures_are_found, 0, sizeof known / sizeof *known);
  tcase_add_loop_test(tests, no_other_temperature_is_better, 0, 5);
  tcase_add_test(tests, squared_errors_have_log_odds);
  tcase_add_test(tests, samples_that_tell_none_are_refused);
  tcase_add_test(tests, the_largest_temperature_is_kept);
  tcase_add_test(tests, errors_are_those_of_hand);
  tcase_add_test(tests, bins_have_ends);
  tcase_add_test(tests, training_fits_it_on_samples_it_held_out);
  tcase_add_test(tests, it_belongs_to_its_parameters);
  tcase_add_test(tests, without_validation_there_is_none);
  tcase_add_loop_test(tests, files_are_checked, 0, sizeof texts / sizeof *texts);
  int status = suite_main("calibration", tests);
  dg_model_free(model);
  return status;
}
