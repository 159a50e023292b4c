#include "core/weights/weights.h"

#include <stdlib.h>
#include <string.h>

#include "core/model/source.h"
#include "core/support/text.h"
#include "core/weights/safetensors.h"

static const char model_key[] = "digits.model", version_key[] = "digits.version";

/* ---- saving ------------------------------------------------------------- */

static dg_stored_tensor stored(const dg_param *param, const float *values) {
  dg_stored_tensor t = {
      .name = param->name, .rank = param->spec.rank, .data = values + param->offset};
  for (uint32_t i = 0; i < t.rank; i++) t.dim[i] = param->spec.dim[i];
  return t;
}

bool dg_weights_save(dg_network *network, const dg_model *model, const char *path, dg_error *err) {
  const dg_stored_text texts[] = {{model_key, model->text}, {version_key, dg_version()}};
  const dg_param *params;
  uint32_t count = dg_network_param_list(network, &params);
  size_t bytes = dg_network_floats(network) * sizeof(float);
  float *values = malloc(bytes);
  dg_stored_tensor *tensors = malloc(count * sizeof *tensors);
  bool right = (values && tensors) || dg_fail_memory(err, bytes);
  right = right && dg_network_read(network, values, err);
  for (uint32_t i = 0; right && i < count; i++) tensors[i] = stored(&params[i], values);
  right = right && dg_safetensors_write(path, tensors, count, texts, 2, err);
  free(tensors);
  free(values);
  return right;
}

/* ---- loading ------------------------------------------------------------ */

static char *shape_text(const dg_stored_tensor *t, char *text, size_t room) {
  text[0] = '\0';
  for (uint32_t i = 0; i < t->rank; i++)
    dg_append(text, room, "%s%llu", i ? ", " : "[", (unsigned long long)t->dim[i]);
  dg_append(text, room, t->rank ? "]" : "[]");
  return text;
}

static bool same_shape(const dg_stored_tensor *a, const dg_stored_tensor *b) {
  return a->rank == b->rank && memcmp(a->dim, b->dim, a->rank * sizeof *a->dim) == 0;
}

static bool take(const dg_safetensors *file, const char *path, const dg_param *param, float *values,
                 dg_error *err) {
  const dg_stored_tensor *found = dg_safetensors_find(file, param->name);
  if (!found)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: the network's \"%s\" is missing; these are the weights "
                   "of another network",
                   path, param->name);
  if (found->whole)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: \"%s\" has the type I64; only F32 is read: save it as float32", path,
                   param->name);
  dg_stored_tensor wanted = stored(param, values);
  char has[100], wants[100];
  if (!same_shape(found, &wanted))
    return dg_fail(err, DG_ERR_INPUT, "%s: \"%s\" has the shape %s, but the network's is %s", path,
                   param->name, shape_text(found, has, sizeof has),
                   shape_text(&wanted, wants, sizeof wants));
  memcpy(values + param->offset, found->data, param->count * sizeof(float));
  return true;
}

/** Is it a number that PyTorch keeps with a batch norm and nothing here needs? */
static bool counts_batches(const dg_stored_tensor *t) {
  static const char suffix[] = ".num_batches_tracked";
  size_t length = strlen(t->name), end = sizeof suffix - 1;
  return t->whole && length > end && strcmp(t->name + length - end, suffix) == 0;
}

/** Every tensor of the file must be one of the network's. */
static bool none_left_over(const dg_safetensors *file, const char *path, const dg_param *params,
                           uint32_t count, dg_error *err) {
  for (size_t t = 0; t < file->tensor_count; t++) {
    uint32_t i = 0;
    if (counts_batches(&file->tensors[t])) continue;
    while (i < count && strcmp(params[i].name, file->tensors[t].name) != 0) i++;
    if (i == count)
      return dg_fail(err, DG_ERR_INPUT,
                     "%s: the network has no \"%.80s\"; these are the weights of "
                     "another network",
                     path, file->tensors[t].name);
  }
  return true;
}

bool dg_weights_load(dg_network *network, const char *path, dg_error *err) {
  const dg_param *params;
  uint32_t count = dg_network_param_list(network, &params);
  size_t bytes = dg_network_floats(network) * sizeof(float);
  dg_safetensors file;
  if (!dg_safetensors_read(&file, path, err)) return false;
  float *values = calloc(1, bytes);
  bool right =
      values ? none_left_over(&file, path, params, count, err) : dg_fail_memory(err, bytes);
  for (uint32_t i = 0; right && i < count; i++) right = take(&file, path, &params[i], values, err);
  right = right && dg_network_write(network, values, err);
  free(values);
  dg_safetensors_free(&file);
  return right;
}

dg_model *dg_model_of_weights(const char *path, const dg_override *overrides, size_t count,
                              dg_error *err) {
  dg_safetensors file;
  if (!dg_safetensors_read(&file, path, err)) return NULL;
  const char *text = dg_safetensors_text(&file, model_key);
  dg_model *model = NULL;
  if (!text)
    dg_fail(err, DG_ERR_INPUT, "%s: the file carries no model; name a model file too", path);
  else
    model = dg_model_parse(text, path, overrides, count, err);
  dg_safetensors_free(&file);
  return model;
}
