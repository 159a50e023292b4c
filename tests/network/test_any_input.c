/* Predictors of samples of any shape: rows, series, colour; values in their own units. */
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

enum { TRAIN = 60, TEST = 21, MOST = 3 * 8 * 8, OUTPUTS = 16, FLOATS = 4096 };
#define WEIGHTS DIGITS_BINARY_DIR "/tests/any_input.safetensors"

/** A network, the shape of its samples and their type. */
typedef struct {
  const char *name, *text;
  uint32_t rank, dim[3];
  dg_numbers_type type;
  uint32_t targets; /**< 0: labels */
} network_case;

#define RECIPE "train = { epochs = 1; batch = 16; optimizer = { type = \"adam\"; lr = 0.01; }; };"
#define MEASURED "data = { mean = \"measure\"; std = \"measure\"; };"
static const network_case networks[] = {
    {"rows with targets",
     "name = \"a\"; input = [5]; loss = \"mse\"; data = { mean = \"measure\"; std = \"measure\"; "
     "targets = \"measure\"; }; layers = ({ type = \"linear\"; name = \"out\"; units = 2; "
     "});" RECIPE,
     1,
     {5},
     DG_NUMBERS_FLOATS,
     2},
    {"series",
     "name = \"b\"; input = [12, 3]; loss = \"cross_entropy\";" MEASURED
     "layers = ({ type = \"gru\"; name = \"g\"; units = 4; }, { type = \"flatten\"; }, { type = "
     "\"linear\"; name = \"out\"; units = 3; });" RECIPE,
     2,
     {12, 3},
     DG_NUMBERS_FLOATS,
     0},
    {"colour",
     "name = \"c\"; input = [3, 8, 8]; loss = \"cross_entropy\";" MEASURED
     "layers = ({ type = \"conv2d\"; name = \"c1\"; filters = 4; kernel = 3; }, { type = "
     "\"flatten\"; }, { type = \"linear\"; name = \"out\"; units = 3; });" RECIPE,
     3,
     {3, 8, 8},
     DG_NUMBERS_BYTES,
     0},
    {"the input itself",
     "name = \"d\"; input = [5]; loss = \"mse\"; target = \"input\";" MEASURED
     "layers = ({ type = \"linear\"; name = \"out\"; units = 5; });" RECIPE,
     1,
     {5},
     DG_NUMBERS_FLOATS,
     0},
};
enum { NETWORKS = sizeof networks / sizeof *networks };

static dg_model *model_of(const char *text, dg_error *err) {
  static const char path[] = DIGITS_BINARY_DIR "/tests/any_input.cfg";
  FILE *file = fopen(path, "w");
  ck_assert_ptr_nonnull(file);
  fputs(text, file);
  fclose(file);
  dg_model *model = dg_model_load(path, NULL, 0, err);
  remove(path);
  return model;
}

/** Samples of a case. */
typedef struct {
  uint8_t bytes[TRAIN * MOST], labels[TRAIN];
  float floats[TRAIN * MOST], targets[TRAIN * 2];
} numbers;

static void fill(numbers *n, uint32_t seed) {
  for (uint32_t i = 0; i < TRAIN * MOST; i++) {
    seed = seed * 1664525 + 1013904223;
    n->bytes[i] = (uint8_t)(seed >> 24);
    n->floats[i] = (float)(seed >> 16) / 4096 - 3 + (float)(i % 5);
  }
  for (uint32_t i = 0; i < TRAIN; i++) n->labels[i] = n->bytes[i] % 3;
  for (uint32_t i = 0; i < 2 * TRAIN; i++)
    n->targets[i] = 1000 + 50 * n->floats[i] * (float)(i % 2);
}

static dg_sample_arrays arrays_of(const network_case *c, const numbers *n, uint32_t count) {
  dg_sample_arrays arrays = {.size = sizeof arrays};
  arrays.inputs = (dg_ndarray){.rank = c->rank + 1,
                               .dim = {count, c->dim[0], c->dim[1], c->dim[2]},
                               .type = c->type,
                               .numbers = c->type == DG_NUMBERS_BYTES ? (const void *)n->bytes
                                                                      : (const void *)n->floats};
  if (c->targets)
    arrays.targets = (dg_ndarray){
        .rank = 2, .dim = {count, 2}, .type = DG_NUMBERS_FLOATS, .numbers = n->targets};
  else
    arrays.labels = n->labels;
  return arrays;
}

/** Trains a case and saves it; returns what the trainer gives for the test samples. */
static void learn(const network_case *c, dg_device *device, const dg_sample_arrays *train,
                  const dg_sample_arrays *test, float *expected) {
  dg_error err = {0};
  const dg_trainer_options options = {.size = sizeof options, .seed = 3};
  dg_model *model = model_of(c->text, &err);
  dg_dataset *data = model ? dg_dataset_from_arrays(train, test, true, &err) : NULL;
  dg_trainer *t = data ? dg_trainer_new(model, device, data, &options, &err) : NULL;
  ck_assert_msg(t && dg_trainer_train(t, &err), "%s: %s", c->name, err.message);
  ck_assert_msg(dg_trainer_predict(t, NULL, expected, &err), "%s: %s", c->name, err.message);
  ck_assert_msg(dg_trainer_save(t, WEIGHTS, &err), "%s", err.message);
  dg_trainer_free(t);
  dg_dataset_close(data);
  if (c->rank == 1) { /* this recipe has no numbers yet */
    ck_assert_ptr_null(dg_predictor_new(model, device, NULL, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "data.mean is to be measured"));
  }
  dg_model_free(model);
}

static dg_predictor *open_predictor(const dg_model *model, dg_device *device, uint32_t batch) {
  dg_error err = {0};
  const dg_predictor_options options = {.size = sizeof options, .weights = WEIGHTS, .batch = batch};
  dg_predictor *p = dg_predictor_new(model, device, &options, &err);
  ck_assert_msg(p != NULL, "%s", err.message);
  return p;
}

static void check_outputs(const network_case *c, dg_predictor *p, const dg_ndarray *inputs,
                          const float *expected) {
  static float outputs[FLOATS];
  dg_error err = {0};
  const uint32_t count = inputs->dim[0] * dg_predictor_outputs(p);
  memset(outputs, 0, sizeof outputs);
  ck_assert_msg(dg_predictor_run_array(p, inputs, outputs, &err), "%s: %s", c->name, err.message);
  for (uint32_t i = 0; i < count; i++)
    ck_assert_msg(fabsf(outputs[i] - expected[i]) <= 2e-5f * (1 + fabsf(expected[i])),
                  "%s: %g at %u, not %g", c->name, (double)outputs[i], i, (double)expected[i]);
}

START_TEST(outputs_are_those_of_the_trainer) {
  static numbers train, test;
  static float expected[FLOATS];
  const network_case *c = &networks[_i % NETWORKS];
  const char *backend = _i < NETWORKS ? "cpu" : "opencl";
  if (!suite_has_backend(backend)) return;
  fill(&train, 1), fill(&test, 2);
  dg_error err = {0};
  dg_device *device = dg_open(backend, NULL, 0, &err);
  ck_assert_msg(device != NULL, "%s", err.message);
  const dg_sample_arrays learned = arrays_of(c, &train, TRAIN), tested = arrays_of(c, &test, TEST);
  learn(c, device, &learned, &tested, expected);
  dg_model *model = dg_model_from_weights(WEIGHTS, NULL, 0, &err);
  ck_assert_msg(model != NULL, "%s", err.message);
  for (uint32_t batch = 1; batch < 64; batch *= 8) {
    dg_predictor *p = open_predictor(model, device, batch);
    check_outputs(c, p, &tested.inputs, expected);
    dg_ndarray row = tested.inputs;
    row.rank = 2;
    row.dim[1] = c->rank == 1 ? c->dim[0] : c->rank == 2 ? 36 : 192;
    check_outputs(c, p, &row, expected);
    check_outputs(c, p, &tested.inputs, expected);
    dg_predictor_free(p);
  }
  if (c->targets) ck_assert(expected[0] > 500); /* their own units */
  dg_model_free(model);
  dg_close(device);
  remove(WEIGHTS);
}
END_TEST

/** Bytes and floats, with and without the channel's dimension, in turns. */
START_TEST(pictures_are_arrays_too) {
  enum { COUNT = 37, PIXELS = 28 * 28 };
  static uint8_t images[COUNT * PIXELS];
  static float floats[COUNT * PIXELS], expected[COUNT * 10], outputs[COUNT * 10];
  dg_error err = {0};
  dg_device *device = dg_open("cpu", NULL, 1, &err);
  dg_model *model = dg_model_load(DIGITS_SOURCE_DIR "/models/cnn.cfg", NULL, 0, &err);
  ck_assert_msg(device && model, "%s", err.message);
  const dg_predictor_options options = {.size = sizeof options, .batch = 16};
  dg_predictor *p = dg_predictor_new(model, device, &options, &err);
  ck_assert_msg(p != NULL, "%s", err.message);
  for (uint32_t i = 0; i < COUNT * PIXELS; i++) {
    images[i] = (uint8_t)(i * 31 % 251);
    floats[i] = (float)images[i] / 255;
  }
  ck_assert(dg_predictor_run(p, images, COUNT, expected, &err));
  const dg_ndarray shapes[] = {{4, {COUNT, 1, 28, 28}, DG_NUMBERS_BYTES, images},
                               {3, {COUNT, 28, 28}, DG_NUMBERS_BYTES, images},
                               {2, {COUNT, PIXELS}, DG_NUMBERS_BYTES, images},
                               {3, {COUNT, 28, 28}, DG_NUMBERS_FLOATS, floats},
                               {4, {COUNT, 1, 28, 28}, DG_NUMBERS_BYTES, images}};
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    ck_assert_msg(dg_predictor_run_array(p, &shapes[s], outputs, &err), "%s", err.message);
    const float most = shapes[s].type == DG_NUMBERS_BYTES ? 0 : 1e-5f;
    for (uint32_t i = 0; i < COUNT * 10; i++)
      ck_assert_float_le(fabsf(outputs[i] - expected[i]), most);
  }
  uint32_t dim[3];
  ck_assert_uint_eq(dg_predictor_input(p, dim), 3);
  ck_assert(dim[0] == 1 && dim[1] == 28 && dim[2] == 28);
  ck_assert_int_eq(dg_predictor_task(p), DG_TASK_CLASS);
  dg_predictor_free(p);
  dg_model_free(model);
  dg_close(device);
}
END_TEST

static void refuse(dg_predictor *p, const dg_ndarray *inputs, const char *says) {
  float outputs[64];
  dg_error err = {0};
  ck_assert(!dg_predictor_run_array(p, inputs, outputs, &err));
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
}

START_TEST(what_does_not_fit_is_refused) {
  static const char text[] = "name = \"a\"; input = [2, 3]; loss = \"mse\"; layers = ({ type = "
                             "\"flatten\"; }, { type = \"linear\"; name = \"out\"; units = 2; });";
  static float floats[24];
  static const uint8_t bytes[24];
  dg_error err = {0};
  dg_device *device = dg_open("cpu", NULL, 1, &err);
  dg_model *model = model_of(text, &err);
  ck_assert_msg(device && model, "%s", err.message);
  dg_predictor *p = dg_predictor_new(model, device, NULL, &err);
  ck_assert_msg(p != NULL, "%s", err.message);
  refuse(p, &(dg_ndarray){3, {4, 3, 2}, DG_NUMBERS_FLOATS, floats},
         "takes N samples as [N, 2, 3], not as [N, 3, 2]");
  refuse(p, &(dg_ndarray){1, {24}, DG_NUMBERS_FLOATS, floats}, "not as [N]");
  refuse(p, &(dg_ndarray){5, {4}, DG_NUMBERS_FLOATS, floats}, "takes N samples");
  floats[2 * 6 + 4] = INFINITY;
  refuse(p, &(dg_ndarray){3, {4, 2, 3}, DG_NUMBERS_FLOATS, floats},
         "sample 2 (the first is 0) has inf at [1, 1]");
  ck_assert(!dg_predictor_run(p, bytes, 1, floats, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "the input is [2, 3]; images need [1, HEIGHT, WIDTH]"));
  ck_assert(dg_predictor_height(p) == 0 && dg_predictor_width(p) == 0);
  ck_assert(dg_predictor_run_array(p, &(dg_ndarray){3, {0, 2, 3}, DG_NUMBERS_BYTES, bytes}, floats,
                                   &err));
  dg_predictor_free(p);
  dg_model_free(model);
  dg_close(device);
}
END_TEST

/** Lists of numbers that are not as long as what they are for. */
START_TEST(scales_of_another_length_are_refused) {
  static const struct {
    const char *data, *says;
  } cases[] = {
      {"data = { target_mean = [1.0, 2.0, 3.0]; };", "data.target_mean has 3 numbers, but the "
                                                     "network has 2 outputs"},
      {"data = { target_std = [1.0, 2.0, 3.0]; };", "data.target_std has 3 numbers"},
  };
  dg_error err = {0};
  char text[512];
  dg_device *device = dg_open("cpu", NULL, 1, &err);
  snprintf(text, sizeof text,
           "name = \"a\"; input = [3]; loss = \"mse\"; %s layers = ({ type = \"linear\"; name = "
           "\"out\"; units = 2; });",
           cases[_i].data);
  dg_model *model = model_of(text, &err);
  ck_assert_msg(device && model, "%s", err.message);
  ck_assert_ptr_null(dg_predictor_new(model, device, NULL, &err));
  ck_assert_msg(strstr(err.message, cases[_i].says) != NULL, "%s", err.message);
  const float inputs[20 * 3] = {0}, targets[20 * 2] = {0};
  const dg_sample_arrays arrays = {.size = sizeof arrays,
                                   .inputs = {2, {20, 3}, DG_NUMBERS_FLOATS, inputs},
                                   .targets = {2, {20, 2}, DG_NUMBERS_FLOATS, targets}};
  dg_dataset *data = dg_dataset_from_arrays(&arrays, NULL, true, &err);
  const dg_trainer_options options = {.size = sizeof options};
  ck_assert_ptr_nonnull(data);
  ck_assert_ptr_null(dg_trainer_new(model, device, data, &options, &err));
  ck_assert_msg(strstr(err.message, cases[_i].says) != NULL, "%s", err.message);
  dg_dataset_close(data);
  dg_model_free(model);
  dg_close(device);
}
END_TEST

/** An input of 64 columns with a mean for each does not take pictures, which have one channel. */
START_TEST(norms_of_columns_are_not_those_of_a_channel) {
  static const uint8_t images[2 * 4];
  float outputs[4];
  dg_error err = {0};
  dg_device *device = dg_open("cpu", NULL, 1, &err);
  dg_model *model =
      model_of("name = \"a\"; input = [4]; data = { mean = [1.0, 2.0, 3.0, 4.0]; }; layers = ({ "
               "type = \"linear\"; name = \"out\"; units = 2; });",
               &err);
  dg_predictor *p = device && model ? dg_predictor_new(model, device, NULL, &err) : NULL;
  ck_assert_msg(p != NULL, "%s", err.message);
  refuse(p, &(dg_ndarray){4, {2, 1, 2, 2}, DG_NUMBERS_BYTES, images},
         "data.mean has 4 numbers, but samples of this shape have 1 channels");
  ck_assert(
      dg_predictor_run_array(p, &(dg_ndarray){2, {2, 4}, DG_NUMBERS_BYTES, images}, outputs, &err));
  dg_predictor_free(p);
  dg_model_free(model);
  dg_close(device);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("any input");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, outputs_are_those_of_the_trainer, 0, 2 * NETWORKS);
  tcase_add_test(tests, pictures_are_arrays_too);
  tcase_add_test(tests, what_does_not_fit_is_refused);
  tcase_add_loop_test(tests, scales_of_another_length_are_refused, 0, 2);
  tcase_add_test(tests, norms_of_columns_are_not_those_of_a_channel);
  return suite_main("any input", tests);
}
