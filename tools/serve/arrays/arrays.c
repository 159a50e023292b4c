#include "tools/serve/arrays/arrays.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/json.h"

static const char *skip_spaces(const char *at, const char *end) {
  while (at < end && strchr(" \t\r\n", *at) && *at) at++;
  return at;
}

bool arrays_are_json(const void *bytes, size_t size) {
  if (size == 0) return false; /* bytes may be NULL */
  const char *end = (const char *)bytes + size, *at = skip_spaces(bytes, end);
  return at < end && (*at == '{' || *at == '[');
}

/** Checks that there is one object, in which arrays are as deep as samples. */
static bool check_depth(const char *text, size_t size, dg_error *err) {
  unsigned objects = 0, depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < size; i++) {
    if (text[i] == '\\' && quoted)
      i++;
    else if (text[i] == '"')
      quoted = !quoted;
    else if (!quoted && text[i] == '{')
      objects++;
    else if (!quoted && text[i] == '[')
      depth++;
    else if (!quoted && text[i] == ']' && depth)
      depth--;
    if (objects > 1 || depth > DG_NDARRAY_RANK)
      return dg_fail(err, DG_ERR_INPUT,
                     "a request is one object, and its inputs are arrays of at most %d dimensions",
                     DG_NDARRAY_RANK);
  }
  return true;
}

/* ---- numbers -------------------------------------------------------------- */

static bool fail_shape(dg_error *err) {
  return dg_fail(err, DG_ERR_INPUT,
                 "inputs must be numbers in arrays of one shape: [[number, …], …] for samples of "
                 "one dimension");
}

/** Takes the shape along the first element of each dimension. */
static bool find_shape(dg_ndarray *a, const json_t *inputs, dg_error *err) {
  for (const json_t *at = inputs; json_is_array(at); at = json_array_get(at, 0)) {
    if (a->rank == DG_NDARRAY_RANK || json_array_size(at) == 0) return fail_shape(err);
    a->dim[a->rank++] = (uint32_t)json_array_size(at);
  }
  if (a->rank < 2) return fail_shape(err);
  return a->dim[0] <= ARRAYS_MOST ||
         dg_fail(err, DG_ERR_INPUT, "%u samples are more than %d; send them in several requests",
                 a->dim[0], ARRAYS_MOST);
}

static bool take_number(const dg_ndarray *a, const json_t *value, void *to, dg_error *err) {
  const double number = json_number_value(value);
  if (!json_is_number(value)) return fail_shape(err);
  if (a->type == DG_NUMBERS_FLOATS) {
    const float taken = (float)number;
    memcpy(to, &taken, sizeof taken);
    return isfinite(taken) || dg_fail(err, DG_ERR_INPUT, "%.17g is too large for a float", number);
  }
  *(uint8_t *)to = (uint8_t)(number >= 0 && number <= UINT8_MAX ? number : 0);
  return *(uint8_t *)to == number ||
         dg_fail(err, DG_ERR_INPUT, "%.17g is no byte: a whole number from 0 to %d", number,
                 UINT8_MAX);
}

/** Takes the numbers of dimension `d` on; `*to` is then behind them. */
static bool take(const dg_ndarray *a, uint32_t d, const json_t *value, uint8_t **to,
                 dg_error *err) {
  const size_t count = json_array_size(value);
  if (d == a->rank) {
    const bool ok = take_number(a, value, *to, err);
    *to += a->type == DG_NUMBERS_FLOATS ? sizeof(float) : 1;
    return ok;
  }
  if (!json_is_array(value) || count != a->dim[d]) return fail_shape(err);
  for (size_t i = 0; i < count; i++)
    if (!take(a, d + 1, json_array_get(value, i), to, err)) return false;
  return true;
}

/** Takes the inputs out of a text of `size` bytes. */
static bool take_inputs(arrays_request *r, const json_t *inputs, size_t size, dg_error *err) {
  dg_ndarray *a = &r->inputs;
  uint64_t count = 1;
  if (!find_shape(a, inputs, err)) return false;
  /* Only the first of each dimension is known; all together are no more than bytes of the text. */
  for (uint32_t i = 0; i < a->rank && count <= size; i++) count *= a->dim[i];
  if (count > size) return fail_shape(err);
  r->numbers = malloc((size_t)count * sizeof(float));
  if (!r->numbers) return dg_fail_memory(err, count * sizeof(float));
  a->numbers = r->numbers;
  uint8_t *to = r->numbers;
  return take(a, 0, inputs, &to, err);
}

/* ---- a request ------------------------------------------------------------ */

static bool take_type(arrays_request *r, const json_t *type, dg_error *err) {
  const char *word = type ? json_string_value(type) : "floats";
  r->inputs.type = word && strcmp(word, "bytes") == 0 ? DG_NUMBERS_BYTES : DG_NUMBERS_FLOATS;
  return (word && (r->inputs.type == DG_NUMBERS_BYTES || strcmp(word, "floats") == 0)) ||
         dg_fail(err, DG_ERR_INPUT, "type must be \"floats\" or \"bytes\"");
}

static bool check_keys(const json_t *object, dg_error *err) {
  static const char *const keys[] = {"inputs", "model", "type"};
  size_t known = 0;
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    known += json_object_get(object, keys[i]) != NULL;
  return known == json_object_size(object) ||
         dg_fail(err, DG_ERR_INPUT, "a request has the keys inputs, model and type, and no others");
}

bool arrays_read(arrays_request *r, const void *bytes, size_t size, dg_error *err) {
  json_error_t wrong;
  bool starved = false;
  *r = (arrays_request){0};
  if (!check_depth(bytes, size, err)) return false;
  r->object = dg_json_read(bytes, size, JSON_REJECT_DUPLICATES, &wrong, &starved);
  if (starved) return dg_fail_memory(err, size);
  if (!r->object)
    return dg_fail(err, DG_ERR_INPUT, "the request is no JSON: line %d, column %d: %s", wrong.line,
                   wrong.column, wrong.text);
  if (!json_is_object(r->object))
    return dg_fail(err, DG_ERR_INPUT, "a request is an object: {\"inputs\": [...]}");
  const json_t *model = json_object_get(r->object, "model"),
               *inputs = json_object_get(r->object, "inputs");
  if (!check_keys(r->object, err) || !take_type(r, json_object_get(r->object, "type"), err))
    return false;
  r->model = json_string_value(model);
  if (model && !r->model) return dg_fail(err, DG_ERR_INPUT, "model must be a name");
  if (!inputs) return dg_fail(err, DG_ERR_INPUT, "a request needs the key inputs");
  return take_inputs(r, inputs, size, err);
}

void arrays_free(arrays_request *r) {
  json_decref(r->object);
  free(r->numbers);
  *r = (arrays_request){0};
}
