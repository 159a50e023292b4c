#include "tools/serve/answer.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "digits/picture.h"
#include "tools/common/command.h"
#include "tools/common/json_ended.h"
#include "tools/common/likeliest.h"

enum {
  /* The pixels of a photograph of 256 KB, or of a screen; finding digits takes a fifth of a
     second. */
  MAX_PIXELS = 1 << 21,
  MAX_DIGITS = NETWORKS_BATCH,
  STATUS_OK = 200,
  STATUS_BAD = 400,
  STATUS_TOO_LARGE = 413,
  STATUS_UNREADABLE = 422,
  STATUS_FAILED = 500
};

answer answer_error(unsigned status, const char *message) {
  return (answer){status, json_pack("{ss}", "error", message)};
}

json_t *answer_device(const networks *n) {
  return json_pack("{ss ss si}", "backend", dg_device_backend(n->device), "name",
                   dg_device_name(n->device), "threads", (int)command_units(n->device));
}

/** The shape of a sample. */
static json_t *input_array(const network *one) {
  uint32_t dim[3];
  const uint32_t rank = dg_predictor_input(one->predictor, dim);
  json_t *array = json_array();
  bool ok = array != NULL;
  for (uint32_t i = 0; i < rank; i++) json_add(array, json_integer(dim[i]), &ok);
  return json_ended(array, ok);
}

static json_t *names_array(const dg_classes *names) {
  json_t *array = json_array();
  bool ok = array != NULL;
  for (uint32_t i = 0; i < names->count; i++) json_add(array, json_string(names->name[i]), &ok);
  return json_ended(array, ok);
}

answer answer_models(const networks *n) {
  static const char *const gives[] = {
      [DG_TASK_CLASS] = "class", [DG_TASK_LABELS] = "labels", [DG_TASK_VALUES] = "values"};
  json_t *models = json_array();
  bool ok = models != NULL;
  for (uint32_t i = 0; i < n->count; i++) {
    const network *one = &n->all[i];
    double temperature = dg_predictor_temperature(one->predictor);
    json_add(models,
             json_pack("{ss ss si si si so so ss sb so}", "name", one->name, "model",
                       dg_model_name(one->model), "height",
                       (int)dg_predictor_height(one->predictor), "width",
                       (int)dg_predictor_width(one->predictor), "classes",
                       (int)dg_predictor_outputs(one->predictor), "temperature",
                       temperature > 0 ? json_real(temperature) : json_null(), "input",
                       input_array(one), "gives", gives[dg_predictor_task(one->predictor)],
                       "pictures", (int)one->pictures, "names", names_array(&one->names)),
             &ok);
  }
  return (answer){STATUS_OK, json_pack("{so so}", "device", answer_device(n), "models",
                                       json_ended(models, ok))};
}

/* ---- the digits --------------------------------------------------------- */

/** A digit's box in the picture, and the image cut out of it. */
static json_t *seen_object(const dg_digits *digits, uint32_t digit) {
  const dg_box *box = &digits->boxes[digit];
  size_t size = (size_t)digits->height * digits->width;
  json_t *image = json_array();
  bool ok = image != NULL;
  for (size_t i = 0; i < size; i++)
    json_add(image, json_integer(digits->images[digit * size + i]), &ok);
  return json_pack("{s{si si si si} si si so}", "box", "left", (int)box->left, "top", (int)box->top,
                   "width", (int)box->width, "height", (int)box->height, "height",
                   (int)digits->height, "width", (int)digits->width, "image",
                   json_ended(image, ok));
}

static json_t *seen_array(const dg_digits *digits) {
  json_t *array = json_array();
  bool ok = array != NULL;
  for (uint32_t i = 0; i < digits->count; i++) json_add(array, seen_object(digits, i), &ok);
  return json_ended(array, ok);
}

/* ---- a network ---------------------------------------------------------- */

/** A network's answer for a digit. */
static json_t *read_object(const float *p, uint32_t classes, double least) {
  json_t *all = json_array();
  bool ok = all != NULL;
  for (uint32_t c = 0; c < classes; c++) json_add(all, json_real((double)p[c]), &ok);
  json_t *object = json_pack("{si so}", "label", (int)likeliest_class(p, classes, 0),
                             "probabilities", json_ended(all, ok));
  if (least > 0) likeliest_mark(object, p, classes, NULL, least, &ok);
  return json_ended(object, ok);
}

/** A network's answers for all digits, from p [count, classes]. */
static json_t *read_array(const network *one, const float *p, uint32_t count, double least,
                          dg_error *err) {
  uint32_t classes = dg_predictor_outputs(one->predictor);
  json_t *array = json_array();
  bool ok = array != NULL;
  for (uint32_t i = 0; i < count; i++)
    json_add(array, read_object(p + (size_t)i * classes, classes, least), &ok);
  if (!ok) dg_fail_memory(err, sizeof(json_t));
  return json_ended(array, ok);
}

/** Runs a network on digits of its input size. */
static json_t *run(const network *one, const dg_digits *digits, double least, dg_error *err) {
  size_t numbers = (size_t)digits->count * dg_predictor_outputs(one->predictor);
  float *p = malloc(numbers * sizeof *p);
  if (!p) {
    dg_fail_memory(err, numbers * sizeof *p);
    return NULL;
  }
  double begin = dg_seconds();
  bool ok =
      dg_predictor_read(one->predictor, digits, p, err) || dg_fail_prefix(err, "%s", one->name);
  double milliseconds = 1000 * (dg_seconds() - begin);
  json_t *read = ok ? read_array(one, p, digits->count, least, err) : NULL;
  free(p);
  return read ? json_pack("{ss ss sf so}", "name", one->name, "model", dg_model_name(one->model),
                          "milliseconds", milliseconds, "digits", read)
              : NULL;
}

/* ---- a picture ---------------------------------------------------------- */

static bool find(const dg_picture *picture, const network *one, dg_digits *digits, dg_error *err) {
  return dg_predictor_find(one->predictor, picture, "the picture", digits, err);
}

/** Runs a network on the digits of a picture; cuts them out again if its input size differs. */
static json_t *ask(const network *one, const dg_picture *picture, const dg_digits *digits,
                   double least, dg_error *err) {
  if (digits->height == dg_predictor_height(one->predictor) &&
      digits->width == dg_predictor_width(one->predictor))
    return run(one, digits, least, err);
  dg_digits own;
  if (!find(picture, one, &own, err)) return NULL;
  json_t *object = run(one, &own, least, err);
  dg_digits_free(&own);
  return object;
}

static json_t *ask_all(networks *n, const dg_picture *picture, const dg_digits *digits,
                       dg_error *err) {
  json_t *models = json_array();
  bool ok = true;
  for (uint32_t i = 0; ok && i < n->count; i++)
    if (n->all[i].pictures)
      ok = json_array_append_new(models,
                                 ask(&n->all[i], picture, digits, n->min_probability, err)) == 0;
  if (ok) return models;
  json_decref(models);
  return NULL;
}

/** The first network that takes pictures; NULL: there is none. */
static const network *reader_of(const networks *n) {
  for (uint32_t i = 0; i < n->count; i++)
    if (n->all[i].pictures) return &n->all[i];
  return NULL;
}

/** The answer for a decoded picture. */
static answer answer_picture(networks *n, const dg_picture *picture, double begin) {
  dg_error err = {0};
  dg_digits digits;
  if (!find(picture, reader_of(n), &digits, &err))
    return answer_error(err.kind == DG_ERR_INPUT ? STATUS_UNREADABLE : STATUS_FAILED, err.message);
  if (digits.count > MAX_DIGITS) {
    dg_digits_free(&digits);
    return answer_error(STATUS_UNREADABLE,
                        "the picture holds more than 16 digits; send fewer at once");
  }
  json_t *models = ask_all(n, picture, &digits, &err);
  json_t *seen = models ? seen_array(&digits) : NULL;
  dg_digits_free(&digits);
  if (!models) return answer_error(STATUS_FAILED, err.message);
  json_t *object = json_pack("{so sf so so}", "device", answer_device(n), "milliseconds",
                             1000 * (dg_seconds() - begin), "digits", seen, "models", models);
  return (answer){STATUS_OK, object};
}

/** The answer for a file, which is decoded only if it is small enough. */
static answer answer_file(networks *n, const void *bytes, size_t size, double begin) {
  uint32_t height, width;
  dg_error err = {0};
  dg_picture picture = {0};
  bool ok = dg_picture_measure(bytes, size, "the picture", &height, &width, &err);
  if (ok && (uint64_t)height * width > MAX_PIXELS)
    return answer_error(STATUS_TOO_LARGE,
                        "the picture is larger than 2 097 152 pixels; send a smaller one");
  if (!ok || !dg_picture_decode(&picture, bytes, size, "the picture", &err))
    return answer_error(err.kind == DG_ERR_INPUT ? STATUS_BAD : STATUS_FAILED, err.message);
  answer a = answer_picture(n, &picture, begin);
  dg_picture_free(&picture);
  return a;
}

answer answer_predict(networks *n, const void *bytes, size_t size) {
  double begin = dg_seconds();
  if (!reader_of(n))
    return answer_error(STATUS_UNREADABLE,
                        "no network here takes pictures of digits; send arrays in JSON, as "
                        "digits-serve --help tells");
  pthread_mutex_lock(&n->lock);
  answer a = answer_file(n, bytes, size, begin);
  pthread_mutex_unlock(&n->lock);
  return a;
}
