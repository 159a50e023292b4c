/* Numbers that grow beyond float32 in a test: the first image that they come from is named. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bench.h"
#include "tests/common/fixture.h"
#include "tests/common/suite.h"

enum { TEST = 11, PIXELS = 784, CLASSES = 10, BATCH = 4 };

/** Ink, added eight times, overflows; blank paper doesn't. */
static const char overflowing[] =
    "{ type = \"flatten\"; name = \"f\"; },"
    "{ type = \"add\"; inputs = [\"f\", \"f\", \"f\", \"f\", \"f\", \"f\", \"f\", \"f\"]; },"
    "{ type = \"linear\"; units = 10; }";
static const char overflowing_recipe[] = "data = { std = 2e-38; }; train = { batch = 4; };";

/** Makes all test images blank but one and those behind it. */
static void blank_before(const fixture *f, uint32_t first) {
  uint8_t *images = (uint8_t *)dg_data_part(f->data, DG_PART_TEST).images; /* it is this test's */
  memset(images, 0, (size_t)first * PIXELS);
  memset(images + (size_t)first * PIXELS, 255, (size_t)(TEST - first) * PIXELS);
}

static void names(const dg_error *err, uint32_t image) {
  char says[100];
  snprintf(says, sizeof says, "image %u (the first is 0) gives numbers that are not finite", image);
  ck_assert_msg(strstr(err->message, says) != NULL, "expected \"%s\" in: %s", says, err->message);
  ck_assert_int_eq(err->kind, DG_ERR_RUNTIME);
}

START_TEST(the_first_image_is_named) {
  for (uint32_t first = 0; first <= TEST; first++) {
    const fixture_plan plan = {
        .layers = overflowing, .recipe = overflowing_recipe, .test = TEST, .test_only = true};
    float logits[TEST * CLASSES];
    dg_score score;
    fixture f = fixture_new(&plan);
    blank_before(&f, first);
    dg_error tested = {0}, predicted = {0}, looped = {0}, answered = {0}, err = {0};
    bool right = first == TEST;
    ck_assert_int_eq(dg_test(f.trainer, NULL, &score, &tested), right);
    ck_assert_int_eq(dg_predict(f.trainer, NULL, logits, &predicted), right);
    dg_tester *tester = dg_tester_new(f.trainer, &err);
    dg_predictor *predictor = dg_predictor_new(f.model, NULL, f.device, BATCH, &err);
    ck_assert_msg(tester && predictor, "%s", err.message);
    ck_assert_int_eq(dg_tester_run(tester, TEST, &looped), right);
    const uint8_t *images = dg_data_part(f.data, DG_PART_TEST).images;
    ck_assert_int_eq(dg_predictor_run(predictor, images, TEST, logits, &answered), right);
    if (!right) {
      names(&tested, first), names(&predicted, first);
      names(&looped, first), names(&answered, first);
    }
    dg_predictor_free(predictor);
    dg_tester_free(tester);
    fixture_free(&f);
  }
}
END_TEST

/** Logits of 1e24 are finite, but their squares are not. */
START_TEST(a_loss_alone_may_overflow) {
  const fixture_plan plan = {
      .layers = "{ type = \"flatten\"; }, { type = \"linear\"; units = 10; }",
      .recipe = "loss = \"mse\"; data = { std = 1e-24; }; train = { batch = 4; };",
      .test = TEST,
      .test_only = true};
  float logits[TEST * CLASSES];
  dg_score score;
  dg_error err = {0};
  fixture f = fixture_new(&plan);
  ck_assert(!dg_test(f.trainer, NULL, &score, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "the loss is not finite: the network's numbers"));
  ck_assert_int_eq(err.kind, DG_ERR_RUNTIME);
  ck_assert(!dg_predict(f.trainer, NULL, logits, &err));
  fixture_free(&f);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("overflow");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, the_first_image_is_named);
  tcase_add_test(tests, a_loss_alone_may_overflow);
  return suite_main("overflow", tests);
}
