/* Probabilities of logits, however large: those of exact arithmetic. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits/calibration.h"
#include "digits/predict.h"
#include "tests/common/fixture.h"
#include "tests/common/suite.h"

enum { CLASSES = 10, SAMPLES = 4 };

static const float logits[SAMPLES][CLASSES] = {
    {1000, 999, 998, 0, -1000, -1e30F, 997.5F, 1000, -3e38F, 3},
    {-1000, -1001, -1002, -3000, -1e30F, -1000.5F, -2000, -3e38F, -1003, -1004},
    {3e38F, -3e38F, 3e38F, 1, 2, 3, 4, 5, 6, 7},
    {0.5F, -0.25F, 0.125F, 1, 2, -1, -2, 0, 0, 0.75F},
};

enum { TEMPERATURES = 4 };
static const double temperatures[TEMPERATURES] = {0, 1, 0.001, 250};

static double softmax(const float *x, double temperature, int c) {
  double most = x[0], sum = 0;
  for (int i = 1; i < CLASSES; i++)
    if (x[i] > most) most = x[i];
  for (int i = 0; i < CLASSES; i++) sum += exp((x[i] - most) / temperature);
  return exp((x[c] - most) / temperature) / sum;
}

/** The positive part, scaled to a sum of 1; all alike where there is none. */
static double positive_part(const float *x, int c) {
  double sum = 0;
  for (int i = 0; i < CLASSES; i++) sum += fmax(x[i], 0);
  return sum > 0 ? fmax(x[c], 0) / sum : 1.0 / CLASSES;
}

/** Log odds, that go on with the slope 1 below 0.01 and above 0.99. */
static float log_odds(float x) {
  double estimate = fmin(fmax(x, 0.01), 0.99);
  return (float)(log(estimate / (1 - estimate)) + (x - estimate));
}

/** What the probability of class c is to be. */
static double expect(const char *loss, double temperature, const float *x, int c) {
  bool squared = strcmp(loss, "mse") == 0;
  float odds[CLASSES];
  if (temperature == 0) return squared ? positive_part(x, c) : softmax(x, 1, c);
  for (int i = 0; i < CLASSES; i++) odds[i] = log_odds(x[i]);
  return softmax(squared ? odds : x, temperature, c);
}

static void check_temperature(const fixture *f, const char *loss, double temperature) {
  float apart[SAMPLES][CLASSES];
  dg_probabilities(f->model, temperature, logits[0], SAMPLES, CLASSES, apart[0]);
  for (int s = 0; s < SAMPLES; s++)
    for (int c = 0; c < CLASSES; c++)
      ck_assert_msg(fabs(apart[s][c] - expect(loss, temperature, logits[s], c)) <= 1e-6,
                    "%s, temperature %g, sample %d, class %d: %.9g, expected %.9g", loss,
                    temperature, s, c, (double)apart[s][c],
                    expect(loss, temperature, logits[s], c));
}

static void check_probabilities(const char *loss) {
  char recipe[100];
  snprintf(recipe, sizeof recipe, "loss = \"%s\";", loss);
  const fixture_plan plan = {
      .layers = "{ type = \"flatten\"; }, { type = \"linear\"; units = 10; }", .recipe = recipe};
  fixture f = fixture_new(&plan);
  dg_error err = {0};
  dg_predictor *predictor = dg_predictor_new(
      f.model, f.device, &(dg_predictor_options){.size = sizeof(dg_predictor_options), .batch = 1},
      &err);
  ck_assert_msg(predictor != NULL, "%s", err.message);
  float apart[SAMPLES][CLASSES], in_place[SAMPLES][CLASSES];
  memcpy(in_place, logits, sizeof logits);
  dg_predictor_probabilities(predictor, logits[0], SAMPLES, apart[0]);
  dg_predictor_probabilities(predictor, in_place[0], SAMPLES, in_place[0]);
  ck_assert_mem_eq(apart, in_place, sizeof apart);
  ck_assert(dg_predictor_temperature(predictor) == 0);
  for (int s = 0; s < SAMPLES; s++)
    for (int c = 0; c < CLASSES; c++)
      ck_assert_double_eq_tol(apart[s][c], expect(loss, 0, logits[s], c), 1e-6);
  for (int i = 0; i < TEMPERATURES; i++) check_temperature(&f, loss, temperatures[i]);
  dg_predictor_free(predictor);
  fixture_free(&f);
}

START_TEST(probabilities_are_exact) {
  check_probabilities("cross_entropy");
  check_probabilities("mse");
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("probabilities");
  tcase_add_test(tests, probabilities_are_exact);
  return suite_main("probabilities", tests);
}
