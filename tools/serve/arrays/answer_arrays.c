#include "tools/serve/arrays/answer_arrays.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/numbers.h"
#include "core/base/text.h"
#include "tools/common/given.h"
#include "tools/common/json_ended.h"
#include "tools/common/likeliest.h"
#include "tools/serve/arrays/arrays.h"

enum {
  MAX_OUTPUTS = 1 << 18, /* numbers of an answer */
  STATUS_OK = 200,
  STATUS_BAD = 400,
  STATUS_TOO_LARGE = 413,
  STATUS_UNREADABLE = 422,
  STATUS_FAILED = 500
};

/* ---- which networks ------------------------------------------------------- */

/** Does a network take samples of this shape? */
static bool takes(const network *one, const dg_ndarray *a) {
  uint32_t dim[3];
  const uint32_t rank = dg_predictor_input(one->predictor, dim), *given = a->dim + 1;
  uint64_t numbers = 1;
  for (uint32_t i = 0; i < rank; i++) numbers *= dim[i];
  if (a->rank == 2 && given[0] == numbers) return true;
  if (a->rank == 3 && rank == 3 && dim[0] == 1) return given[0] == dim[1] && given[1] == dim[2];
  bool same = a->rank == rank + 1;
  for (uint32_t i = 0; same && i < rank; i++) same = given[i] == dim[i];
  return same;
}

static bool is_asked(const network *one, const arrays_request *r) {
  return (!r->model || strcmp(r->model, one->name) == 0) && takes(one, &r->inputs);
}

/** Tells the shapes that the networks take. */
static answer refuse_shape(const networks *n, const arrays_request *r) {
  char text[600] = "";
  bool named = false;
  for (uint32_t i = 0; i < n->count && strlen(text) < sizeof text / 2; i++) {
    uint32_t dim[3];
    const network *one = &n->all[i];
    if (r->model && strcmp(r->model, one->name) != 0) continue;
    const uint32_t rank = dg_predictor_input(one->predictor, dim);
    dg_append(text, sizeof text, "%s%.100s takes [N",
              named ? "; " : "no network takes such inputs: ", one->name);
    for (uint32_t d = 0; d < rank; d++) dg_append(text, sizeof text, ", %u", dim[d]);
    dg_append(text, sizeof text, "]");
    named = true;
  }
  if (!named) dg_append(text, sizeof text, "there is no network \"%.100s\"; see /models", r->model);
  return answer_error(STATUS_UNREADABLE, text);
}

/* ---- a network ------------------------------------------------------------ */

static json_t *numbers_of(const float *numbers, uint32_t count) {
  json_t *array = json_array();
  bool ok = array != NULL;
  for (uint32_t i = 0; i < count; i++) json_add(array, json_real((double)numbers[i]), &ok);
  return json_ended(array, ok);
}

/** The answer for a sample; `p` NULL: its outputs are no logits. */
static json_t *sample_object(const network *one, const float *outputs, const float *p,
                             double least) {
  const uint32_t count = dg_predictor_outputs(one->predictor);
  json_t *object = json_object();
  bool ok = object != NULL;
  json_put(object, p ? "logits" : "values", numbers_of(outputs, count), &ok);
  if (p) json_put(object, "probabilities", numbers_of(p, count), &ok);
  if (dg_predictor_task(one->predictor) != DG_TASK_CLASS) return json_ended(object, ok);
  const uint32_t label = dg_argmax(outputs, count);
  json_put(object, "label", json_integer(label), &ok);
  if (label < one->names.count && *one->names.name[label])
    json_put(object, "name", json_string(one->names.name[label]), &ok);
  if (p && least > 0) likeliest_mark(object, p, count, &one->names, least, &ok);
  return json_ended(object, ok);
}

/** The answers for samples of outputs [samples, outputs]; there is as much room behind them. */
static json_t *samples_array(const network *one, float *outputs, uint32_t samples, double least) {
  const uint32_t count = dg_predictor_outputs(one->predictor);
  const bool logits = given_logits(one->model, one->predictor);
  float *p = outputs + (size_t)samples * count;
  json_t *array = json_array();
  bool ok = array != NULL;
  if (logits) given_probabilities(one->predictor, outputs, samples, p);
  for (uint32_t i = 0; i < samples; i++)
    json_add(array,
             sample_object(one, outputs + (size_t)i * count, logits ? p + (size_t)i * count : NULL,
                           least),
             &ok);
  return json_ended(array, ok);
}

static json_t *run(const network *one, const dg_ndarray *inputs, double least, dg_error *err) {
  const size_t numbers = 2 * (size_t)inputs->dim[0] * dg_predictor_outputs(one->predictor);
  float *outputs = malloc(numbers * sizeof *outputs);
  if (!outputs) return dg_fail_memory(err, numbers * sizeof *outputs), NULL;
  const double begin = dg_seconds();
  const bool ok = (dg_predictor_run_array(one->predictor, inputs, outputs, err) &&
                   (dg_first_nonfinite(outputs, numbers / 2) == numbers / 2 ||
                    dg_fail(err, DG_ERR_INPUT, "what it gives for these inputs is not finite"))) ||
                  dg_fail_prefix(err, "%s", one->name);
  const double milliseconds = 1000 * (dg_seconds() - begin);
  json_t *samples = ok ? samples_array(one, outputs, inputs->dim[0], least) : NULL;
  free(outputs);
  if (ok && !samples) dg_fail_memory(err, numbers * sizeof(json_t));
  return samples ? json_pack("{ss ss sf so}", "name", one->name, "model", dg_model_name(one->model),
                             "milliseconds", milliseconds, "samples", samples)
                 : NULL;
}

/* ---- a request ------------------------------------------------------------ */

static answer answer_request(networks *n, const arrays_request *r, double begin) {
  uint64_t outputs = 0;
  dg_error err = {0};
  for (uint32_t i = 0; i < n->count; i++)
    if (is_asked(&n->all[i], r))
      outputs += (uint64_t)r->inputs.dim[0] * dg_predictor_outputs(n->all[i].predictor);
  if (!outputs) return refuse_shape(n, r);
  if (outputs > MAX_OUTPUTS)
    return answer_error(STATUS_TOO_LARGE,
                        "the answer would have more than 262 144 numbers; send fewer samples");
  json_t *models = json_array();
  bool ok = models != NULL;
  for (uint32_t i = 0; ok && i < n->count; i++)
    if (is_asked(&n->all[i], r))
      json_add(models, run(&n->all[i], &r->inputs, n->min_probability, &err), &ok);
  if (ok)
    return (answer){STATUS_OK, json_pack("{so sf so}", "device", answer_device(n), "milliseconds",
                                         1000 * (dg_seconds() - begin), "models", models)};
  json_decref(models);
  return answer_error(err.kind == DG_ERR_INPUT ? STATUS_UNREADABLE : STATUS_FAILED,
                      err.kind ? err.message : "there is too little memory");
}

answer answer_arrays(networks *n, const void *bytes, size_t size) {
  const double begin = dg_seconds();
  arrays_request r;
  dg_error err = {0};
  pthread_mutex_lock(&n->lock);
  const answer a =
      arrays_read(&r, bytes, size, &err)
          ? answer_request(n, &r, begin)
          : answer_error(err.kind == DG_ERR_INPUT ? STATUS_BAD : STATUS_FAILED, err.message);
  arrays_free(&r);
  pthread_mutex_unlock(&n->lock);
  return a;
}
