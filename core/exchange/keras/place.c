/** The layers of tensors, by the settings of their network. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/exchange/keras/keras.h"
#include "core/exchange/keras/op.h"

/** Returns what follows `part` and '/' in a name; NULL: it does not begin so. */
static const char *behind(const char *name, const char *part) {
  size_t length = strlen(part);
  return strncmp(name, part, length) == 0 && name[length] == '/' ? name + length + 1 : NULL;
}

/* ---- tensors with numbers for names ------------------------------------- */

/** The name of tensor `index` of a layer. */
static const char *role_of(const dg_keras_network *n, const dg_keras_layer *l, size_t index) {
  const dg_keras_op *op = &n->ops[l->first];
  const char *roles[4];
  size_t count = 0;
  if (!op->type) return NULL;
  if (dg_keras_is(op, "rms_norm")) {
    roles[count++] = "gamma";
  } else if (dg_keras_is(op, "embedding")) {
    roles[count++] = "embeddings";
  } else if (dg_keras_is(op, "batch_norm") || dg_keras_is(op, "layer_norm") ||
             dg_keras_is(op, "group_norm") || dg_keras_is(op, "instance_norm")) {
    if (!json_is_false(json_object_get(l->config, "scale"))) roles[count++] = "gamma";
    if (!json_is_false(json_object_get(l->config, "center"))) roles[count++] = "beta";
    if (dg_keras_is(op, "batch_norm")) {
      roles[count++] = "moving_mean";
      roles[count++] = "moving_variance";
    }
  } else {
    roles[count++] = "kernel";
    if (dg_keras_is_recurrent(op)) roles[count++] = "recurrent_kernel";
    roles[count++] = "bias";
  }
  return index < count ? roles[index] : NULL;
}

/**
 * Names a tensor after its layer and role: "layers/dense/vars/0" of the layer "fc1" becomes
 * "fc1/kernel". `rest` is what follows the layer's path. False: the layer should have no such one.
 */
static bool name_of(const dg_keras_network *n, const dg_keras_layer *l, const char *rest,
                    char *name, size_t size) {
  const char *side = "", *next;
  if ((next = behind(rest, "forward_layer")))
    side = "forward_layer/", rest = next;
  else if ((next = behind(rest, "backward_layer")))
    side = "backward_layer/", rest = next;
  if ((next = behind(rest, "cell"))) rest = next;
  if (!(rest = behind(rest, "vars"))) return false;
  char *end;
  unsigned long index = strtoul(rest, &end, 10);
  const char *role = end > rest && !*end ? role_of(n, l, index) : NULL;
  if (!role) return false;
  snprintf(name, size, "%s/%s%s", l->label, side, role);
  return true;
}

static bool rename_array(dg_array *array, const char *name, size_t layer, dg_error *err) {
  if (!dg_array_rename(array, strlen(array->name), name, err)) return false;
  array->layer = layer;
  return true;
}

/** Replaces the word for layers in the paths of Keras 2.13 by that of later versions. */
static bool renew_path(dg_array *array, dg_error *err) {
  static const char old[] = "_layer_checkpoint_dependencies/";
  char name[300] = "";
  if (!behind(array->name, "_layer_checkpoint_dependencies")) return true;
  for (const char *at = array->name; *at;) {
    bool is_old = strncmp(at, old, sizeof old - 1) == 0;
    dg_append(name, sizeof name, "%.*s", is_old ? 7 : 1, is_old ? "layers/" : at);
    at += is_old ? sizeof old - 1 : 1;
  }
  return rename_array(array, name, (size_t)(strrchr(name, '/') - name), err);
}

/** Places a tensor of a file whose paths are those of objects. */
static bool place_by_path(const dg_keras_network *n, dg_array *array, dg_error *err) {
  char name[1300];
  if (!renew_path(array, err)) return false;
  for (uint32_t i = 0; i < n->layer_count; i++) {
    const char *rest = n->layers[i].is_model ? NULL : behind(array->name, n->layers[i].path);
    if (!rest || strstr(rest, "seed_generator")) continue;
    array->origin = i + 1;
    array->layer = strlen(n->layers[i].path);
    if (!name_of(n, &n->layers[i], rest, name, sizeof name)) return true;
    return rename_array(array, name, strlen(n->layers[i].label), err);
  }
  return true;
}

/* ---- tensors with names ------------------------------------------------- */

/** The end of `word` as a whole part of a path; 0: it has no such part. */
static size_t part_end(const char *path, const char *word) {
  size_t length = strlen(word), end = 0;
  for (const char *at = path; length && *at; at += strcspn(at, "/"), at += *at == '/')
    if (strcspn(at, "/") == length && memcmp(at, word, length) == 0)
      end = (size_t)(at - path) + length;
  return end;
}

/** How many of the models around a layer, up to `top`, are named in a path; -1: it is not in `top`.
 */
static int models_in(const dg_keras_network *n, uint32_t layer, uint32_t top, const char *path) {
  int count = 0;
  for (uint32_t i = n->layers[layer].model; i != top; i = n->layers[i].model) {
    if (i == DG_KERAS_NONE) return -1;
    count += part_end(path, n->layers[i].name) > 0;
  }
  return count;
}

/** Finds the layer of a tensor within the model `top` by the names in its path. */
static bool place_within(const dg_keras_network *n, uint32_t top, dg_array *array, const char *file,
                         dg_error *err) {
  const char *path = behind(array->name, n->layers[top].name);
  int best = -1;
  bool several = false;
  uint32_t found = DG_KERAS_NONE;
  for (uint32_t i = top + 1; i < n->layer_count; i++) {
    int count = n->layers[i].is_model || !part_end(path, n->layers[i].name)
                    ? -1
                    : models_in(n, i, top, path);
    if (count < 0 || count < best) continue;
    several = count == best;
    best = count;
    found = i;
  }
  if (several)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: \"%s\" may belong to several layers \"%s\" of the model \"%s\": give them "
                   "names of their own, and save the model again",
                   file, array->name, n->layers[found].name, n->layers[top].name);
  if (found == DG_KERAS_NONE) return true;
  array->origin = found + 1;
  array->layer = (size_t)(path - array->name) + part_end(path, n->layers[found].name);
  return true;
}

/** Places a tensor of a file that lists each layer's weights by name. */
static bool place_by_name(const dg_keras_network *n, dg_array *array, const char *file,
                          dg_error *err) {
  for (uint32_t i = 0; i < n->layer_count; i++) {
    const dg_keras_layer *l = &n->layers[i];
    if (l->model != DG_KERAS_NONE || !behind(array->name, l->name)) continue;
    if (l->is_model) return place_within(n, i, array, file, err);
    array->layer = strlen(l->name);
    array->origin = i + 1;
    return true;
  }
  return true;
}

/* ---- all ---------------------------------------------------------------- */

/** Has a layer neither scale nor center, and so no tensors at all? */
static bool is_empty_norm(const dg_keras_network *n, const dg_keras_layer *l) {
  return !l->is_model && dg_keras_is(&n->ops[l->first], "layer_norm") &&
         json_is_false(json_object_get(l->config, "scale")) &&
         json_is_false(json_object_get(l->config, "center"));
}

/** Sorts by layer; tensors of unknown layers are last. The order in a layer is kept. */
static void sort(dg_arrays *arrays) {
  for (size_t i = 1; i < arrays->count; i++) {
    dg_array moved = arrays->items[i];
    size_t at = i;
    for (; at > 0 && arrays->items[at - 1].origin - 1 > moved.origin - 1; at--)
      arrays->items[at] = arrays->items[at - 1];
    arrays->items[at] = moved;
  }
}

bool dg_keras_place(const dg_keras_network *network, dg_arrays *arrays, dg_error *err) {
  for (size_t i = 0; i < arrays->count; i++) {
    dg_array *array = &arrays->items[i];
    bool numbered = strstr(array->name, "/vars/") != NULL;
    if (numbered ? !place_by_path(network, array, err)
                 : !place_by_name(network, array, arrays->path, err))
      return false;
    if (array->origin == 0) continue;
    const dg_keras_op *op = &network->ops[network->layers[array->origin - 1].first];
    dg_keras_order in = op->inputs ? network->ops[op->in[0]].order : DG_KERAS_ANY;
    array->channels_first = in == DG_KERAS_FLAT_FIRST || in == DG_KERAS_FIRST;
  }
  for (uint32_t i = 0; i < network->layer_count; i++)
    arrays->empty_norms += is_empty_norm(network, &network->layers[i]);
  sort(arrays);
  arrays->ordered = true;
  return true;
}
