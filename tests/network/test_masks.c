/*
 * Dropout layers of a network draw masks of their own, anew in every step: seen from outside. A
 * step of plain SGD on one sample changes a row of a linear layer's weights by the layer's input
 * times one number, so what was dropped before it stays as it was.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/fixture.h"
#include "tests/common/suite.h"

enum { PIXELS = 784, CLASSES = 10, MAX_STEPS = 4 };

static const char recipe[] = "data = { mean = -1.0; };\n" /* no input is 0 */
                             "train = { epochs = 1; batch = 1; steps = 1;"
                             " optimizer = { type = \"sgd\"; lr = 1e-3; }; };";

/** The inputs of a linear layer that took part in a step: its weights changed. `live` [inputs]. */
static void inputs_of(const double *before, const double *after, size_t outputs, size_t inputs,
                      bool *live) {
  for (size_t i = 0; i < inputs; i++) {
    live[i] = false;
    for (size_t o = 0; o < outputs; o++) live[i] |= before[o * inputs + i] != after[o * inputs + i];
  }
}

static double share(const bool *of, size_t count) {
  size_t set = 0;
  for (size_t i = 0; i < count; i++) set += of[i];
  return (double)set / (double)count;
}

/** Numbers that two masks treat alike, as a share. */
static double alike(const bool *a, const bool *b, size_t count) {
  size_t same = 0;
  for (size_t i = 0; i < count; i++) same += a[i] == b[i];
  return (double)same / (double)count;
}

/** The inputs of "out", the last layer, in a run of one step. */
static void mask_of(const char *backend, const char *layers, const char *how, uint32_t seed,
                    bool *live) {
  const fixture_plan plan = {
      .backend = backend, .layers = layers, .recipe = how, .train = 1, .seed = seed};
  fixture f = fixture_new(&plan);
  double *before = fixture_read(&f, "out.weight", NULL);
  fixture_train(&f);
  double *after = fixture_read(&f, "out.weight", NULL);
  inputs_of(before, after, CLASSES, PIXELS, live);
  free(before), free(after);
  fixture_free(&f);
}

#define OUT "{ type = \"linear\"; name = \"out\"; units = 10; }"
#define DROP "{ type = \"dropout\"; rate = 0.5; }, "
enum { TOLERANCE = 10 }; /**< percent: five deviations of the share of 784 */

static void share_is(const bool *of, double expected) {
  ck_assert_double_eq_tol(share(of, PIXELS), expected, TOLERANCE / 100.0);
}

/** Layers that drop a half each leave a half of a half of a half. */
START_TEST(layers_in_a_row_multiply) {
  const char *backend = fixture_backend(_i);
  bool live[PIXELS];
  if (!suite_has_backend(backend)) return;
  mask_of(backend, "{ type = \"flatten\"; }, " OUT, recipe, 1, live);
  ck_assert_double_eq(share(live, PIXELS), 1);
  mask_of(backend, "{ type = \"flatten\"; }, " DROP OUT, recipe, 1, live);
  share_is(live, 0.5);
  mask_of(backend, "{ type = \"flatten\"; }, " DROP DROP OUT, recipe, 1, live);
  share_is(live, 0.25);
  mask_of(backend, "{ type = \"flatten\"; }, " DROP DROP DROP OUT, recipe, 1, live);
  share_is(live, 0.125);
}
END_TEST

/** A seed has its own masks, and the same ones again. */
START_TEST(seeds_have_masks_of_their_own) {
  const char *backend = fixture_backend(_i), *layers = "{ type = \"flatten\"; }, " DROP OUT;
  bool one[PIXELS], again[PIXELS], other[PIXELS];
  if (!suite_has_backend(backend)) return;
  mask_of(backend, layers, recipe, 1, one);
  mask_of(backend, layers, recipe, 1, again);
  mask_of(backend, layers, recipe, 2, other);
  ck_assert_double_eq(alike(one, again, PIXELS), 1);
  ck_assert_double_eq_tol(alike(one, other, PIXELS), 0.5, TOLERANCE / 100.0);
}
END_TEST

/** What is untouched after so many steps is what all of them dropped. */
START_TEST(steps_and_epochs_have_masks_of_their_own) {
  static const struct { uint32_t epochs, steps; } runs[] = {{1, 2}, {2, 1}, {1, 3}};
  const char *backend = fixture_backend(_i);
  if (!suite_has_backend(backend)) return;
  for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
    bool live[PIXELS];
    char how[300];
    snprintf(how, sizeof how,
             "data = { mean = -1.0; };\ntrain = { epochs = %u; batch = 1; steps = %u;"
             " optimizer = { type = \"sgd\"; lr = 1e-3; }; };",
             runs[i].epochs, runs[i].steps);
    mask_of(backend, "{ type = \"flatten\"; }, " DROP OUT, how, 1, live);
    share_is(live, 1 - pow(0.5, runs[i].epochs * runs[i].steps));
  }
}
END_TEST

/* ---- behind a product ---------------------------------------------------- */

enum { UNITS = 300 };

/** relu(weights x + biases) of units whose `x` was scaled up by dropout, or not. */
static void units_of(const double *weights, const double *biases, const double *x, size_t inputs,
                     double *out) {
  for (size_t o = 0; o < UNITS; o++) {
    out[o] = biases[o];
    for (size_t i = 0; i < inputs; i++) out[o] += weights[o * inputs + i] * x[i];
    out[o] = fmax(out[o], 0);
  }
}

static const char stacked[] =
    "{ type = \"flatten\"; },"
    "{ type = \"linear\"; name = \"a\"; units = 300; }, { type = \"relu\"; }," DROP
    "{ type = \"linear\"; name = \"b\"; units = 300; }, { type = \"relu\"; }," DROP OUT;

/** Where two layers of one size could keep a number, they agree by chance alone. */
START_TEST(layers_behind_products_have_masks_of_their_own) {
  const char *backend = fixture_backend(_i);
  if (!suite_has_backend(backend)) return;
  const fixture_plan plan = {
      .backend = backend, .layers = stacked, .recipe = recipe, .train = 1, .seed = 6};
  fixture f = fixture_new(&plan);
  double *a = fixture_read(&f, "a.weight", NULL), *b = fixture_read(&f, "b.weight", NULL);
  double *a_bias = fixture_read(&f, "a.bias", NULL), *b_bias = fixture_read(&f, "b.bias", NULL);
  double *out = fixture_read(&f, "out.weight", NULL);
  double x[PIXELS], first[UNITS], second[UNITS];
  for (int i = 0; i < PIXELS; i++)
    x[i] = dg_dataset_part(f.data, DG_PART_TRAIN).images[i] / 255.0 + 1;
  fixture_train(&f);
  double *b_now = fixture_read(&f, "b.weight", NULL),
         *out_now = fixture_read(&f, "out.weight", NULL);
  bool kept_first[UNITS], kept_second[UNITS], live_first[UNITS], live_second[UNITS];
  inputs_of(b, b_now, UNITS, UNITS, kept_first);
  inputs_of(out, out_now, CLASSES, UNITS, kept_second);
  units_of(a, a_bias, x, PIXELS, first);
  for (int i = 0; i < UNITS; i++) live_first[i] = first[i] > 1e-3;
  for (int i = 0; i < UNITS; i++) first[i] *= kept_first[i] ? 2 : 0;
  units_of(b, b_bias, first, UNITS, second);
  size_t both = 0, same = 0;
  for (int i = 0; i < UNITS; i++) {
    live_second[i] = second[i] > 1e-3;
    both += live_first[i] && live_second[i];
    same += live_first[i] && live_second[i] && kept_first[i] == kept_second[i];
  }
  ck_assert_uint_gt(both, UNITS / 8);
  double limit = 4 * sqrt(0.25 / (double)both);
  ck_assert_double_eq_tol((double)same / (double)both, 0.5, limit);
  free(a), free(b), free(a_bias), free(b_bias), free(out), free(b_now), free(out_now);
  fixture_free(&f);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("masks");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, layers_in_a_row_multiply, 0, 2);
  tcase_add_loop_test(tests, seeds_have_masks_of_their_own, 0, 2);
  tcase_add_loop_test(tests, steps_and_epochs_have_masks_of_their_own, 0, 2);
  tcase_add_loop_test(tests, layers_behind_products_have_masks_of_their_own, 0, 2);
  return suite_main("masks", tests);
}
