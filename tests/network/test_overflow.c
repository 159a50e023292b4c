/*
 * Numbers that are not finite, grown in a test or in a file of weights: the first image that they
 * come from is named, or their place.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/dataset.h"
#include "core/weights/safetensors.h"
#include "digits/bench.h"
#include "digits/data.h"
#include "digits/model.h"
#include "digits/predict.h"
#include "digits/train.h"
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
  uint8_t *images =
      (uint8_t *)dg_dataset_part(f->data, DG_PART_TEST).images; /* it is this test's */
  memset(images, 0, (size_t)first * PIXELS);
  memset(images + (size_t)first * PIXELS, 255, (size_t)(TEST - first) * PIXELS);
}

static void names(const dg_error *err, uint32_t image) {
  char says[100];
  snprintf(says, sizeof says, "sample %u (the first is 0) gives numbers that are not finite",
           image);
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
    bool ok = first == TEST;
    ck_assert_int_eq(dg_trainer_test(f.trainer, NULL, &score, &tested), ok);
    ck_assert_int_eq(dg_trainer_predict(f.trainer, NULL, logits, &predicted), ok);
    dg_tester *tester = dg_tester_new(f.trainer, &err);
    dg_predictor *predictor = dg_predictor_new(
        f.model, f.device,
        &(dg_predictor_options){.size = sizeof(dg_predictor_options), .batch = BATCH}, &err);
    ck_assert_msg(tester && predictor, "%s", err.message);
    ck_assert_int_eq(dg_tester_run(tester, TEST, &looped), ok);
    const uint8_t *images = dg_dataset_part(f.data, DG_PART_TEST).images;
    ck_assert_int_eq(dg_predictor_run(predictor, images, TEST, logits, &answered), ok);
    if (!ok) {
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
  ck_assert(!dg_trainer_test(f.trainer, NULL, &score, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "the loss is not finite: the network's numbers"));
  ck_assert_int_eq(err.kind, DG_ERR_RUNTIME);
  ck_assert(!dg_trainer_predict(f.trainer, NULL, logits, &err));
  fixture_free(&f);
}
END_TEST

/** The first step leaves finite numbers, of which the second makes others. */
START_TEST(a_gradient_names_step_and_epoch) {
  static const struct {
    unsigned steps;
    const char *says;
  } runs[] = {{1, "the gradient of \"out.weight\" is not finite at step 1 (of epoch 2)"},
              {2, "the gradient of \"out.weight\" is not finite at step 1 (of epoch 1)"}};
  for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
    char recipe[200];
    snprintf(recipe, sizeof recipe,
             "train = { epochs = 3; steps = %u; batch = 4; optimizer = { type = \"sgd\";"
             " lr = 1e38; }; };",
             runs[i].steps);
    const fixture_plan plan = {
        .layers = "{ type = \"flatten\"; }, { type = \"linear\"; name = \"out\"; units = 10; }",
        .recipe = recipe,
        .train = TEST};
    dg_error err = {0};
    fixture f = fixture_new(&plan);
    ck_assert(!dg_trainer_train(f.trainer, &err));
    ck_assert_msg(strstr(err.message, runs[i].says) != NULL, "expected \"%s\" in: %s", runs[i].says,
                  err.message);
    ck_assert_int_eq(err.kind, DG_ERR_RUNTIME);
    fixture_free(&f);
  }
}
END_TEST

/** More classes than outputs: the layer that is to have more is named. */
START_TEST(a_layer_that_is_too_narrow_is_named) {
  const fixture_plan plan = {.layers = "{ type = \"flatten\"; },"
                                       "{ type = \"linear\"; name = \"hidden\"; units = 9; },"
                                       "{ type = \"linear\"; name = \"last\"; units = 10; },"
                                       "{ type = \"relu\"; }",
                             .test = TEST};
  fixture f = fixture_new(&plan);
  const dg_override narrow = {"", "last.units", "3"};
  const dg_trainer_options options = {.size = sizeof(dg_trainer_options), .seed = 1};
  char path[] = "/tmp/digits-overflow-XXXXXX";
  dg_error err = {0};
  suite_new_file(path);
  ck_assert_msg(dg_trainer_save(f.trainer, path, &err), "%s", err.message);
  dg_model *model = dg_model_from_weights(path, &narrow, 1, &err);
  ck_assert_msg(model != NULL, "%s", err.message);
  ck_assert_ptr_null(dg_trainer_new(model, f.device, f.data, &options, &err));
  ck_assert_msg(strstr(err.message, "the last layer has 3 outputs, but the labels go to ") &&
                    strstr(err.message, ": last.units="),
                "%s", err.message);
  dg_model_free(model);
  fixture_free(&f);
}
END_TEST

START_TEST(a_test_needs_images) {
  const fixture_plan plan = {.layers =
                                 "{ type = \"flatten\"; }, { type = \"linear\"; units = 10; }",
                             .test = TEST,
                             .test_only = true};
  dg_error err = {0};
  dg_score score;
  float logits[TEST * CLASSES];
  fixture f = fixture_new(&plan);
  ck_assert(dg_trainer_can_test(f.trainer, NULL, &err) &&
            dg_trainer_test(f.trainer, NULL, &score, &err));
  f.data->test.count = 0;
  ck_assert(!dg_trainer_can_test(f.trainer, NULL, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "there is no sample to test on"));
  ck_assert(!dg_trainer_test(f.trainer, NULL, &score, &err));
  ck_assert(!dg_trainer_predict(f.trainer, NULL, logits, &err));
  fixture_free(&f);
}
END_TEST

/* ---- in a file ----------------------------------------------------------- */

enum { FILTERS = 3, WEIGHTS = FILTERS * 5 * 5 };

/** Parameters of a convolution with a norm, of which one number is put for another. */
static const struct {
  const char *name;
  size_t at;
  float value;
  const char *says, *location; /**< NULL: it may be so */
} put[] = {
    {"c.weight", 2 * 25 + 3 * 5 + 4, NAN, "is not finite: it is", "[2, 0, 3, 4]"},
    {"c.weight", WEIGHTS - 1, INFINITY, "is not finite: it is inf at", "[2, 0, 4, 4]"},
    {"c.bias", 1, -INFINITY, "is not finite: it is -inf at", "[1]"},
    {"n.running_var", 2, -1, "is a variance and can't be negative: it is -1 at", "[2]"},
    {"n.running_var", 0, 0, NULL, NULL},
    {"n.running_var", 0, -2e-5F, "is a variance and can't be negative", "[0]"},
    {"n.running_mean", 0, -1, NULL, NULL},
};

/** Writes a file with all parameters at 1 but that number. */
static void write_weights(const char *path, size_t which) {
  static const struct {
    const char *name;
    uint32_t rank;
    uint64_t dim[4];
  } all[] = {{"c.weight", 4, {FILTERS, 1, 5, 5}}, {"c.bias", 1, {FILTERS}},
             {"n.weight", 1, {FILTERS}},          {"n.bias", 1, {FILTERS}},
             {"out.weight", 2, {10, FILTERS}},    {"out.bias", 1, {10}},
             {"n.running_mean", 1, {FILTERS}},    {"n.running_var", 1, {FILTERS}}};
  enum { ALL = sizeof all / sizeof *all };
  float ones[WEIGHTS], other[WEIGHTS];
  dg_stored_tensor tensors[ALL];
  dg_error err = {0};
  for (int i = 0; i < WEIGHTS; i++) ones[i] = other[i] = 1;
  other[put[which].at] = put[which].value;
  for (int i = 0; i < ALL; i++) {
    bool here = strcmp(all[i].name, put[which].name) == 0;
    tensors[i] =
        (dg_stored_tensor){.name = all[i].name, .rank = all[i].rank, .data = here ? other : ones};
    memcpy(tensors[i].dim, all[i].dim, sizeof all[i].dim);
  }
  ck_assert_msg(dg_safetensors_write(path, tensors, ALL, NULL, 0, &err), "%s", err.message);
}

START_TEST(numbers_of_a_file_are_named) {
  char path[] = "/tmp/digits-overflow-XXXXXX";
  suite_new_file(path);
  const fixture_plan plan = {
      .layers = "{ type = \"conv2d\"; name = \"c\"; filters = 3; kernel = 5; stride = 28; },"
                "{ type = \"batch_norm\"; name = \"n\"; }, { type = \"flatten\"; },"
                "{ type = \"linear\"; name = \"out\"; units = 10; }",
      .test_only = true};
  for (size_t i = 0; i < sizeof put / sizeof *put; i++) {
    dg_error err = {0};
    fixture f = fixture_new(&plan);
    write_weights(path, i);
    bool ok = dg_trainer_load(f.trainer, path, &err);
    ck_assert_msg(ok == !put[i].says, "%s: %s", put[i].name, ok ? "taken" : err.message);
    if (!ok) {
      ck_assert_int_eq(err.kind, DG_ERR_RUNTIME);
      ck_assert_msg(strstr(err.message, put[i].says) && strstr(err.message, put[i].name) &&
                        strstr(err.message, path) && strstr(err.message, put[i].location),
                    "expected \"%s\" and %s in: %s", put[i].says, put[i].location, err.message);
    }
    fixture_free(&f);
  }
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("overflow");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, the_first_image_is_named);
  tcase_add_test(tests, a_loss_alone_may_overflow);
  tcase_add_test(tests, a_gradient_names_step_and_epoch);
  tcase_add_test(tests, a_layer_that_is_too_narrow_is_named);
  tcase_add_test(tests, a_test_needs_images);
  tcase_add_test(tests, numbers_of_a_file_are_named);
  return suite_main("overflow", tests);
}
