/*
 * Predictors over the weights of another one: the same answers, from two threads at once, for
 * little memory; and the activations of every layer of the zoo.
 */
#include <check.h>
#include <glob.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits/data.h"
#include "digits/predict.h"
#include "tests/common/suite.h"

enum { IMAGES = 12, BATCH = 5, MAX_LAYERS = 256, ROUNDS = 20, THREADS = 2 };

typedef struct {
  dg_model *model;
  dg_device *device;
  dg_dataset *data;
  const uint8_t *images;
} setting;

static setting set_up(const char *model, const char *backend) {
  dg_error err = {0};
  setting s = {.model = dg_model_load(model, NULL, 0, &err),
               .device = dg_open(backend, NULL, 0, &err),
               .data = dg_dataset_draw(1, IMAGES, 3, 0, &err)};
  ck_assert_msg(s.model && s.device && s.data, "%s", err.message);
  s.images = dg_dataset_part(s.data, DG_PART_TEST).images;
  return s;
}

static void tear_down(setting *s) {
  dg_dataset_close(s->data);
  dg_close(s->device);
  dg_model_free(s->model);
}

static dg_predictor *make(const setting *s, const dg_predictor *share, const char *layer) {
  const dg_predictor_options options = {
      .size = sizeof options, .batch = BATCH, .share = share, .layer = layer};
  dg_error err = {0};
  dg_predictor *p = dg_predictor_new(s->model, s->device, &options, &err);
  ck_assert_msg(p != NULL, "%s: %s", layer ? layer : "", err.message);
  return p;
}

/** What a predictor gives for the images: [IMAGES, outputs]; the caller frees it. */
static float *run(const setting *s, dg_predictor *p) {
  float *outputs = calloc((size_t)IMAGES * dg_predictor_outputs(p), sizeof *outputs);
  dg_error err = {0};
  ck_assert_msg(outputs && dg_predictor_run(p, s->images, IMAGES, outputs, &err), "%s",
                err.message);
  return outputs;
}

/* ---- layers ------------------------------------------------------------- */

static void check_close(const float *a, const float *b, size_t count, const char *what) {
  for (size_t i = 0; i < count; i++)
    ck_assert_msg(fabsf(a[i] - b[i]) <= 1e-4f * fmaxf(1, fabsf(b[i])), "%s: %zu: %g, not %g", what,
                  i, (double)a[i], (double)b[i]);
}

/** Does a relu give the positive part of what lies before it? */
static void check_relu(const setting *s, dg_predictor *whole, const dg_layer_info *layers,
                       size_t at) {
  const dg_layer_info *before = &layers[layers[at].in[0]];
  dg_predictor *in = make(s, whole, before->name), *out = make(s, whole, layers[at].name);
  float *x = run(s, in), *y = run(s, out);
  size_t count = (size_t)IMAGES * dg_predictor_outputs(in);
  for (size_t i = 0; i < count; i++) x[i] = fmaxf(x[i], 0);
  check_close(y, x, count, layers[at].name);
  free(x), free(y);
  dg_predictor_free(in);
  dg_predictor_free(out);
}

static void check_layers(const char *path, const char *backend) {
  dg_layer_info layers[MAX_LAYERS];
  size_t count;
  setting s = set_up(path, backend);
  ck_assert(dg_model_layers(s.model, layers, sizeof *layers, MAX_LAYERS, &count, NULL));
  ck_assert_uint_le(count, MAX_LAYERS);
  dg_predictor *whole = make(&s, NULL, NULL);
  for (size_t i = 1; i < count; i++) {
    dg_predictor *one = make(&s, whole, layers[i].name);
    size_t outputs = layers[i].dim[0];
    for (uint32_t k = 1; k < layers[i].rank; k++) outputs *= layers[i].dim[k];
    ck_assert_uint_eq(dg_predictor_outputs(one), outputs);
    free(run(&s, one));
    dg_predictor_free(one);
    if (strcmp(layers[i].type, "relu") == 0 && layers[i].in[0] > 0)
      check_relu(&s, whole, layers, i);
  }
  dg_predictor *last = make(&s, whole, layers[count - 1].name);
  float *a = run(&s, whole), *b = run(&s, last);
  check_close(a, b, (size_t)IMAGES * dg_predictor_outputs(whole), path);
  free(a), free(b);
  dg_predictor_free(last);
  dg_predictor_free(whole);
  tear_down(&s);
}

/** Is it a network for digits? */
static bool takes_digits(const char *path) {
  uint32_t dim[3];
  dg_model *model = dg_model_load(path, NULL, 0, NULL);
  ck_assert_ptr_nonnull(model);
  const uint32_t rank = dg_model_input(model, dim);
  dg_model_free(model);
  return rank == 3 && dim[1] == 28;
}

START_TEST(every_layer_is_seen) {
  glob_t models;
  ck_assert_int_eq(glob(DIGITS_SOURCE_DIR "/models/*.cfg", 0, NULL, &models), 0);
  for (size_t i = 0; i < models.gl_pathc; i++)
    if (takes_digits(models.gl_pathv[i])) check_layers(models.gl_pathv[i], "cpu");
  globfree(&models);
  if (!suite_has_backend("opencl")) return;
  check_layers(DIGITS_SOURCE_DIR "/models/cnn.cfg", "opencl");
  check_layers(DIGITS_SOURCE_DIR "/models/residual.cfg", "opencl");
}
END_TEST

/* ---- threads ------------------------------------------------------------ */

typedef struct {
  const setting *s;
  dg_predictor *predictor;
  const float *expected;
  bool same;
} reader;

static void *read_again(void *of) {
  reader *r = of;
  size_t count = (size_t)IMAGES * dg_predictor_outputs(r->predictor);
  float *outputs = calloc(count, sizeof *outputs);
  r->same = outputs != NULL;
  for (int i = 0; r->same && i < ROUNDS; i++)
    r->same = dg_predictor_run(r->predictor, r->s->images, IMAGES, outputs, NULL) &&
              memcmp(outputs, r->expected, count * sizeof *outputs) == 0;
  free(outputs);
  return NULL;
}

START_TEST(threads_take_turns) {
  static const char *const models[] = {"cnn", "m3", "gru"};
  const char *backend = _i % 2 ? "opencl" : "cpu";
  char path[256];
  if (!suite_has_backend(backend)) return;
  snprintf(path, sizeof path, "%s/models/%s.cfg", DIGITS_SOURCE_DIR, models[_i / 2]);
  setting s = set_up(path, backend);
  dg_predictor *first = make(&s, NULL, NULL);
  float *expected = run(&s, first);
  reader readers[THREADS] = {{&s, first, expected, false},
                             {&s, make(&s, first, NULL), expected, false}};
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, read_again, &readers[i]), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  ck_assert(readers[0].same && readers[1].same);
  free(expected);
  dg_predictor_free(readers[1].predictor);
  dg_predictor_free(first);
  tear_down(&s);
}
END_TEST

/* ---- errors ------------------------------------------------------------- */

START_TEST(what_does_not_fit_is_refused) {
  setting s = set_up(DIGITS_SOURCE_DIR "/models/cnn.cfg", "cpu");
  setting other = set_up(DIGITS_SOURCE_DIR "/models/cnn.cfg", "cpu");
  dg_predictor *p = make(&s, NULL, NULL);
  dg_error err = {0};
  dg_predictor_options options = {.size = sizeof options, .share = p};
  ck_assert_ptr_null(dg_predictor_new(other.model, s.device, &options, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "of the same model and device only"));
  ck_assert_ptr_null(dg_predictor_new(s.model, other.device, &options, &err));
  options.weights = DIGITS_SOURCE_DIR "/weights/cnn.safetensors";
  ck_assert_ptr_null(dg_predictor_new(s.model, s.device, &options, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "not both"));
  options = (dg_predictor_options){.size = sizeof options, .layer = "conv3"};
  ck_assert_ptr_null(dg_predictor_new(s.model, s.device, &options, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "there is no layer \"conv3\"; did you mean \"conv"));
  dg_predictor_free(p);
  tear_down(&other);
  tear_down(&s);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("sharing");
  tcase_set_timeout(tests, 300);
  tcase_add_test(tests, every_layer_is_seen);
  tcase_add_loop_test(tests, threads_take_turns, 0, 6);
  tcase_add_test(tests, what_does_not_fit_is_refused);
  return suite_main("sharing", tests);
}
