#include "core/weights/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/data/classes.h"
#include "core/data/columns.h"
#include "core/data/dataset.h"
#include "core/model/source.h"
#include "core/weights/safetensors.h"
#include "core/weights/temperature.h"
#include "digits/version.h"

/* ---- saving ------------------------------------------------------------- */

enum { STORED_NAME_SIZE = sizeof((dg_param *)0)->name + 16 };

/** A tensor to write, with its name. */
typedef struct {
  char name[STORED_NAME_SIZE];
} stored_name;

static dg_stored_tensor stored(const dg_param *param, const dg_weights_array *array,
                               stored_name *name) {
  snprintf(name->name, sizeof name->name, "%s%s", array->prefix, param->name);
  dg_stored_tensor t = {
      .name = name->name, .rank = param->spec.rank, .data = array->values + param->offset};
  for (uint32_t i = 0; i < t.rank; i++) t.dim[i] = param->spec.dim[i];
  return t;
}

/** How many of the network's tensors an array has: all, or only the learned ones, which are
    first. */
static uint32_t tensors_of(const dg_network *network, const dg_weights_array *array) {
  const dg_param *params;
  uint32_t count = dg_network_param_list(network, &params);
  while (array->learned && count > 0 && params[count - 1].offset >= dg_network_learned(network))
    count--;
  return count;
}

bool dg_weights_write(const dg_network *network, const char *path, const dg_weights_array *arrays,
                      uint32_t array_count, const dg_stored_text *texts, size_t text_count,
                      dg_error *err) {
  const dg_param *params;
  uint32_t count = dg_network_param_list(network, &params), written = 0;
  size_t most = (size_t)count * array_count;
  dg_stored_tensor *tensors = malloc(most * sizeof *tensors);
  stored_name *names = malloc(most * sizeof *names);
  bool ok = (tensors && names) || dg_fail_memory(err, most * sizeof *tensors);
  for (uint32_t a = 0; ok && a < array_count; a++)
    for (uint32_t i = 0; ok && i < tensors_of(network, &arrays[a]); i++, written++) {
      tensors[written] = stored(&params[i], &arrays[a], &names[written]);
      ok = dg_param_check(&params[i], names[written].name, tensors[written].data, err) ||
           dg_fail_prefix(err, "%s is not written", path);
    }
  ok = ok && dg_safetensors_write(path, tensors, written, texts, text_count, err);
  free(names);
  free(tensors);
  return ok;
}

bool dg_weights_describe(dg_weights_texts *texts, const dg_weights_about *about, dg_error *err) {
  *texts = (dg_weights_texts){
      .count = 2, .items = {{DG_MODEL_KEY, about->model->text}, {DG_VERSION_KEY, dg_version()}}};
  if (about->classes)
    texts->items[texts->count++] = (dg_stored_text){DG_CLASSES_KEY, about->classes};
  if (about->columns)
    texts->items[texts->count++] = (dg_stored_text){DG_COLUMNS_KEY, about->columns};
  if (about->temperature == 0) return true;
  texts->temperature = dg_temperature_text(about->temperature, err);
  texts->items[texts->count++] = (dg_stored_text){DG_TEMPERATURE_KEY, texts->temperature};
  return texts->temperature != NULL;
}

/** Writes all parameters with some texts. */
static bool save(dg_network *network, const char *path, const dg_stored_text *texts, size_t count,
                 dg_error *err) {
  size_t bytes = dg_network_floats(network) * sizeof(float);
  float *values = malloc(bytes);
  bool ok = values ? dg_network_read(network, values, err) : dg_fail_memory(err, bytes);
  ok = ok && dg_weights_write(network, path, &(dg_weights_array){"", values, false}, 1, texts,
                              count, err);
  free(values);
  return ok;
}

bool dg_weights_save(dg_network *network, const dg_weights_about *about, const char *path,
                     dg_error *err) {
  dg_weights_texts texts;
  bool ok =
      dg_weights_describe(&texts, about, err) && save(network, path, texts.items, texts.count, err);
  free(texts.temperature);
  return ok;
}

/* ---- loading ------------------------------------------------------------ */

static char *shape_text(const dg_stored_tensor *t, char *text, size_t capacity) {
  text[0] = '\0';
  for (uint32_t i = 0; i < t->rank; i++)
    dg_append(text, capacity, "%s%llu", i ? ", " : "[", (unsigned long long)t->dim[i]);
  dg_append(text, capacity, t->rank ? "]" : "[]");
  return text;
}

static bool same_shape(const dg_stored_tensor *a, const dg_stored_tensor *b) {
  return a->rank == b->rank && memcmp(a->dim, b->dim, a->rank * sizeof *a->dim) == 0;
}

static bool take(const dg_safetensors *file, const char *path, const dg_param *param,
                 const dg_weights_array *array, dg_error *err) {
  stored_name name;
  dg_stored_tensor wanted = stored(param, array, &name);
  const dg_stored_tensor *found = dg_safetensors_find(file, wanted.name);
  if (!found)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: the network's \"%s\" is missing; these are the weights "
                   "of another network",
                   path, wanted.name);
  if (found->other || found->element != DG_ELEMENT_F32)
    return dg_fail(
        err, DG_ERR_INPUT,
        "%s: \"%s\" has the type %s; only F32 is loaded: digits-convert makes such a file", path,
        wanted.name, dg_safetensors_type(found));
  char has[100], wants[100];
  if (!same_shape(found, &wanted))
    return dg_fail(err, DG_ERR_INPUT, "%s: \"%s\" has the shape %s, but the network's is %s", path,
                   wanted.name, shape_text(found, has, sizeof has),
                   shape_text(&wanted, wants, sizeof wants));
  memcpy(array->values + param->offset, found->data, param->count * sizeof(float));
  return dg_param_check(param, name.name, array->values + param->offset, err) ||
         dg_fail_prefix(err, "%s", path);
}

/** Is it a number that PyTorch stores with a batch norm and that is not needed here? */
static bool counts_batches(const dg_stored_tensor *t) {
  static const char suffix[] = ".num_batches_tracked";
  size_t length = strlen(t->name), end = sizeof suffix - 1;
  return length > end && strcmp(t->name + length - end, suffix) == 0;
}

/** Does the network, or one of the arrays, have a tensor of that name? */
static bool is_known(const dg_network *network, const char *name, const dg_weights_array *arrays,
                     uint32_t array_count) {
  const dg_param *params;
  dg_network_param_list(network, &params);
  for (uint32_t a = 0; a < array_count; a++) {
    size_t length = strlen(arrays[a].prefix);
    if (strncmp(name, arrays[a].prefix, length) != 0) continue;
    for (uint32_t i = 0; i < tensors_of(network, &arrays[a]); i++)
      if (strcmp(params[i].name, name + length) == 0) return true;
  }
  return false;
}

bool dg_weights_take(const dg_network *network, const dg_safetensors *file, const char *path,
                     const dg_weights_array *arrays, uint32_t array_count, dg_error *err) {
  const dg_param *params;
  dg_network_param_list(network, &params);
  for (size_t t = 0; t < file->tensor_count; t++)
    if (!counts_batches(&file->tensors[t]) &&
        !is_known(network, file->tensors[t].name, arrays, array_count))
      return dg_fail(err, DG_ERR_INPUT,
                     "%s: the network has no \"%.80s\"; these are the weights of "
                     "another network",
                     path, file->tensors[t].name);
  for (uint32_t a = 0; a < array_count; a++)
    for (uint32_t i = 0; i < tensors_of(network, &arrays[a]); i++)
      if (!take(file, path, &params[i], &arrays[a], err)) return false;
  return true;
}

bool dg_weights_load(dg_network *network, const char *path, double *temperature, dg_error *err) {
  size_t bytes = dg_network_floats(network) * sizeof(float);
  dg_safetensors file;
  if (!dg_safetensors_read(&file, path, err)) return false;
  if (dg_safetensors_text(&file, DG_CHECKPOINT_KEY)) {
    dg_safetensors_free(&file);
    return dg_fail(err, DG_ERR_INPUT, "%s is the checkpoint of a run that stopped, not weights",
                   path) ||
           dg_advise(err, DG_REMEDY_RESUME);
  }
  dg_weights_array array = {"", calloc(1, bytes), false};
  bool ok = array.values ? dg_weights_take(network, &file, path, &array, 1, err)
                         : dg_fail_memory(err, bytes);
  ok = ok && dg_temperature_read(&file, path, temperature, err) &&
       dg_network_write(network, array.values, err);
  free(array.values);
  dg_safetensors_free(&file);
  return ok;
}

dg_model *dg_model_from_weights(const char *path, const dg_override *overrides, size_t count,
                                dg_error *err) {
  dg_safetensors file;
  if (!dg_safetensors_read(&file, path, err)) return NULL;
  const char *text = dg_safetensors_text(&file, DG_MODEL_KEY);
  dg_model *model = NULL;
  char where[300];
  snprintf(where, sizeof where, "%s (its model)", path);
  if (!text)
    dg_fail(err, DG_ERR_INPUT, "%s: the file carries no model; name a model file too", path);
  else
    model = dg_model_parse(text, where, overrides, count, err);
  dg_safetensors_free(&file);
  return model;
}

bool dg_classes_from_weights(dg_classes *classes, const char *path, dg_error *err) {
  dg_safetensors file;
  char where[300];
  *classes = (dg_classes){0};
  if (!dg_safetensors_read(&file, path, err)) return false;
  const char *names = dg_safetensors_text(&file, DG_CLASSES_KEY);
  snprintf(where, sizeof where, "%s (its classes)", path);
  bool ok = !names || dg_classes_parse(classes, names, where, err);
  dg_safetensors_free(&file);
  return ok;
}

bool dg_columns_from_weights(dg_columns **columns, const char *path, dg_error *err) {
  dg_safetensors file;
  char where[300];
  *columns = NULL;
  if (!dg_safetensors_read(&file, path, err)) return false;
  const char *text = dg_safetensors_text(&file, DG_COLUMNS_KEY);
  snprintf(where, sizeof where, "%s (its columns)", path);
  if (text) *columns = dg_columns_parse(text, where, err);
  const bool ok = !text || *columns;
  dg_safetensors_free(&file);
  return ok;
}

bool dg_dataset_fits_weights(const dg_dataset *data, const char *path, dg_error *err) {
  dg_columns *learned;
  char where[300];
  if (!data->columns) return true;
  if (!dg_columns_from_weights(&learned, path, err)) return false;
  snprintf(where, sizeof where, "%s (its columns)", path);
  const bool ok = !learned || dg_columns_same(learned, data->columns, where, data->source, err);
  dg_columns_free(learned);
  return ok;
}
