/* What a recipe says of augmentation is what training sees: against the oracle, key by key. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/model/model.h"
#include "oracle/oracle.h"
#include "tests/common/fixture.h"
#include "tests/common/suite.h"

enum { TRAIN = 6, CHOSEN = 3, PIXELS = 784, SEED = 9, FIRST_STEP = 4, STEPS = 2 };

static const uint32_t chosen[CHOSEN] = {5, 0, 2};

/** As a recipe has them. Its last changes leave pixels between 0 and 1. */
static const dg_augment_recipe recipes[] = {
    {.rotate = 30},
    {.shift = 0.2},
    {.scale = 0.3},
    {.shear = 25},
    {.rotate = 0},
    {.rotate = 20, .shift = 0.1, .scale = 0.15, .shear = 12},
    {.rotate = 180},
    {.flip = 0.5},
    {.crop = 4},
    {.brightness = 0.4},
    {.contrast = 0.9},
    {.cutout = 9},
    {.rotate = 9, .flip = 0.5, .crop = 2, .brightness = 0.2, .contrast = 0.3, .cutout = 5}};
enum { RECIPES = sizeof recipes / sizeof *recipes };

static fixture make(const char *backend, int i) {
  const dg_augment_recipe *r = &recipes[i];
  char text[500];
  snprintf(text, sizeof text,
           "data = { mean = 0.3; std = 0.7; augment = { rotate = %g; shift = %g; scale = %g;"
           " shear = %g; flip = %g; crop = %u; brightness = %g; contrast = %g; cutout = %u; }; };",
           r->rotate, r->shift, r->scale, r->shear, r->flip, r->crop, r->brightness, r->contrast,
           r->cutout);
  const fixture_plan plan = {.backend = backend,
                             .layers =
                                 "{ type = \"flatten\"; }, { type = \"linear\"; units = 10; }",
                             .recipe = text,
                             .train = TRAIN};
  return fixture_new(&plan);
}

/** Images of a step as the oracle has them, from 0 to 1. */
static void expect(const dg_part_view *part, int i, uint32_t step, double *x) {
  const double degree = acos(-1) / 180;
  const dg_augment_recipe *r = &recipes[i];
  const dg_gather_desc desc = {.channels = 1,
                               .height = 28,
                               .width = 28,
                               .std = 1,
                               .augment = {.rotate = (float)(r->rotate * degree),
                                           .shift = (float)r->shift,
                                           .scale = (float)r->scale,
                                           .shear = (float)(r->shear * degree),
                                           .flip = (float)r->flip,
                                           .crop = r->crop,
                                           .brightness = (float)r->brightness,
                                           .contrast = (float)r->contrast,
                                           .cutout = r->cutout}};
  const dg_step what = {.n = CHOSEN, .train = true, .seed = SEED, .step = step};
  const oracle_gather_inputs in = {.set = part->images, .targets = part->labels, .order = chosen};
  oracle_gather(&desc, &in, &what, x, NULL, NULL);
}

START_TEST(images_are_bent_as_the_recipe_says) {
  const char *backend = fixture_backend(_i / RECIPES);
  if (!suite_has_backend(backend)) return;
  dg_error err = {0};
  fixture f = make(backend, _i % RECIPES);
  const dg_part_view part = dg_dataset_part(f.data, DG_PART_TRAIN);
  uint8_t got[STEPS][CHOSEN * PIXELS];
  double x[CHOSEN * PIXELS];
  ck_assert_msg(dg_dataset_augment(f.data, f.model, f.device, chosen, CHOSEN, SEED, FIRST_STEP,
                                   STEPS, got[0], &err),
                "%s", err.message);
  for (uint32_t s = 0; s < STEPS; s++) {
    expect(&part, _i % RECIPES, FIRST_STEP + s, x);
    for (int k = 0; k < CHOSEN * PIXELS; k++)
      if (fabs(got[s][k] - 255 * x[k]) > 0.6)
        ck_abort_msg("recipe %d, step %u, number %d: %d, expected %.2f", _i % RECIPES, s, k,
                     got[s][k], 255 * x[k]);
  }
  fixture_free(&f);
}
END_TEST

START_TEST(images_that_there_are_not_are_refused) {
  uint8_t images[PIXELS];
  const uint32_t last = TRAIN - 1, none = TRAIN;
  dg_error err = {0};
  fixture f = make(NULL, 0);
  ck_assert(dg_dataset_augment(f.data, f.model, f.device, &last, 1, 1, 0, 1, images, &err));
  ck_assert(!dg_dataset_augment(f.data, f.model, f.device, &none, 1, 1, 0, 1, images, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "there is no training image 6; "));
  ck_assert(!dg_dataset_augment(f.data, f.model, f.device, &last, 0, 1, 0, 1, images, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "no image was chosen"));
  fixture_free(&f);
}
END_TEST

START_TEST(channels_may_have_their_own_means) {
  static const uint8_t pixels[2][3 * 4 * 4] = {{10, 200}, {255, 3, 77}}, labels[2] = {0, 1};
  const uint32_t second = 1;
  uint8_t images[3 * 4 * 4];
  dg_error err = {0};
  if (!suite_has_backend(fixture_backend(_i))) return;
  const dg_sample_arrays arrays = {.size = sizeof arrays,
                                   .inputs = {4, {2, 3, 4, 4}, DG_NUMBERS_BYTES, pixels},
                                   .labels = labels};
  fixture f = {.data = dg_dataset_from_arrays(&arrays, &arrays, false, &err),
               .device = dg_open(fixture_backend(_i), NULL, 0, &err),
               .model = dg_model_parse("name = \"c\"; input = [3, 4, 4]; "
                                       "data = { mean = [0.5, 0.4, 0.3]; std = [0.2, 0.3, 0.4]; }; "
                                       "layers = ({ type = \"flatten\"; }, "
                                       "{ type = \"linear\"; units = 2; });",
                                       "c.cfg", NULL, 0, &err)};
  ck_assert_msg(f.data && f.device && f.model, "%s", err.message);
  ck_assert_msg(dg_dataset_augment(f.data, f.model, f.device, &second, 1, 1, 0, 1, images, &err),
                "%s", err.message);
  ck_assert_mem_eq(images, pixels[1], sizeof images);
  fixture_free(&f);
}
END_TEST

/** Paper that is darker than none, and ink that is more than white. */
START_TEST(noise_stays_in_a_byte) {
  uint8_t images[PIXELS];
  uint32_t ends = 0, wrapped = 0;
  dg_error err = {0};
  const fixture_plan plan = {.backend = fixture_backend(_i),
                             .layers =
                                 "{ type = \"flatten\"; }, { type = \"linear\"; units = 10; }",
                             .recipe = "data = { augment = { noise = 0.05; }; };",
                             .train = TRAIN};
  if (!suite_has_backend(plan.backend)) return;
  fixture f = fixture_new(&plan);
  const dg_part_view part = dg_dataset_part(f.data, DG_PART_TRAIN);
  ck_assert_msg(dg_dataset_augment(f.data, f.model, f.device, chosen, 1, 1, 0, 1, images, &err),
                "%s", err.message);
  for (int k = 0; k < PIXELS; k++) {
    const int before = part.images[chosen[0] * PIXELS + k];
    ends += before == 0 || before == 255;
    wrapped += abs(images[k] - before) > 100;
  }
  ck_assert_uint_gt(ends, 100);
  ck_assert_uint_eq(wrapped, 0);
  fixture_free(&f);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("augment");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, noise_stays_in_a_byte, 0, 2);
  tcase_add_loop_test(tests, channels_may_have_their_own_means, 0, 2);
  tcase_add_loop_test(tests, images_are_bent_as_the_recipe_says, 0, 2 * RECIPES);
  tcase_add_test(tests, images_that_there_are_not_are_refused);
  return suite_main("augment", tests);
}
