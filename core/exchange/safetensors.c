/** Reads safetensors of digits and others as arrays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/exchange/files.h"
#include "core/weights/temperature.h"
#include "core/weights/weights.h"

/** Copies a text of the file's metadata if it has it. */
static bool take_text(const dg_safetensors *file, const char *key, char **out, dg_error *err) {
  const char *text = dg_safetensors_text(file, key);
  if (text) *out = strdup(text);
  return !text || *out || dg_fail_memory(err, strlen(text) + 1);
}

static bool add(dg_arrays *arrays, const dg_stored_tensor *t, dg_error *err) {
  char why[100];
  if (t->other) {
    snprintf(why, sizeof why, "has the type %.20s, which is not read: save it as float32",
             t->other);
    return dg_arrays_add_unread(arrays, t->name, t->rank, t->dim, why, err);
  }
  dg_array *array =
      dg_arrays_add(arrays, t->name, t->rank, t->dim, dg_element_is_integer(t->element), err);
  if (array) dg_array_fill(array, t->element, t->data);
  return array != NULL;
}

bool dg_read_safetensors(dg_arrays *arrays, dg_error *err) {
  dg_safetensors file;
  if (!dg_safetensors_read(&file, arrays->path, err)) return false;
  bool ok = !dg_safetensors_text(&file, DG_CHECKPOINT_KEY) ||
            dg_fail(err, DG_ERR_INPUT, "%s is the checkpoint of a run that stopped, not weights",
                    arrays->path) ||
            dg_advise(err, DG_REMEDY_RESUME);
  ok = ok && take_text(&file, DG_MODEL_KEY, &arrays->model, err) &&
       take_text(&file, DG_CLASSES_KEY, &arrays->classes, err) &&
       take_text(&file, DG_COLUMNS_KEY, &arrays->columns, err) &&
       dg_temperature_read(&file, arrays->path, &arrays->temperature, err);
  for (size_t i = 0; ok && i < file.tensor_count; i++) ok = add(arrays, &file.tensors[i], err);
  dg_safetensors_free(&file);
  return ok;
}

/** Writes the tensors with some texts. */
static bool write_arrays(const char *path, const dg_arrays *arrays, const dg_stored_text *texts,
                         size_t count, dg_error *err) {
  dg_stored_tensor *tensors = calloc(arrays->count, sizeof *tensors);
  if (!tensors) return dg_fail_memory(err, arrays->count * sizeof *tensors);
  for (size_t i = 0; i < arrays->count; i++) {
    const dg_array *a = &arrays->items[i];
    tensors[i] = (dg_stored_tensor){.name = a->name, .rank = a->rank, .data = a->data};
    memcpy(tensors[i].dim, a->dim, sizeof a->dim);
  }
  bool ok = dg_safetensors_write(path, tensors, arrays->count, texts, count, err);
  free(tensors);
  return ok;
}

bool dg_write_safetensors(const char *path, const dg_model *model, const dg_model_graph *graph,
                          const dg_arrays *arrays, dg_error *err) {
  (void)graph;
  dg_weights_texts texts;
  const dg_weights_about about = {model, arrays->classes, arrays->columns, arrays->temperature};
  bool ok = dg_weights_describe(&texts, &about, err) &&
            write_arrays(path, arrays, texts.items, texts.count, err);
  free(texts.temperature);
  return ok;
}
