#include "core/exchange/keras/network.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/exchange/keras/op.h"

enum { DEEPEST = 12, PATH_SIZE = 600 };

/** What a network is built with. */
typedef struct {
  dg_keras_network *network;
  const char *file; /**< for messages */
  uint32_t depth;
  dg_error *err;
} building;

/* ---- layers ------------------------------------------------------------- */

static bool is_model(const json_t *json) {
  const char *class_name = dg_keras_word(json, "class_name");
  const json_t *config = json_object_get(json, "config");
  return json_is_array(json_object_get(config, "layers")) ||
         (strcmp(class_name, "Sequential") == 0 && json_is_array(config));
}

/** The layers of a model; in the first versions of Keras a sequential one's are its whole config.
 */
static const json_t *layers_of(const json_t *model) {
  const json_t *config = json_object_get(model, "config");
  return json_is_array(config) ? config : json_object_get(config, "layers");
}

/** Keras's name of a class in paths: "BatchNormalization" is "batch_normalization". */
static void snake_case(const char *class_name, char *out, size_t size) {
  char words[100] = "";
  size_t at = 0;
  for (const char *c = class_name; *c && at + 3 < sizeof words;) {
    words[at++] = *c++;
    if (!isupper((unsigned char)*c) || !islower((unsigned char)c[1])) continue;
    words[at++] = '_';
    words[at++] = *c++;
    while (islower((unsigned char)*c) && at + 3 < sizeof words) words[at++] = *c++;
  }
  size_t length = 0;
  for (size_t i = 0; i < at && length + 2 < size; i++) {
    if (i > 0 && islower((unsigned char)words[i - 1]) && isupper((unsigned char)words[i]))
      out[length++] = '_';
    out[length++] = (char)tolower((unsigned char)words[i]);
  }
  out[length] = '\0';
}

/** The path of layer `index`, which is the last one: a number tells layers of one class apart. */
static char *make_path(const dg_keras_network *network, uint32_t index) {
  const dg_keras_layer *l = &network->layers[index];
  const char *around = l->model == DG_KERAS_NONE ? NULL : network->layers[l->model].path;
  char word[100], path[PATH_SIZE];
  uint32_t before = 0;
  for (uint32_t i = 0; i < index; i++)
    before += network->layers[i].model == l->model &&
              strcmp(network->layers[i].class_name, l->class_name) == 0;
  snake_case(l->class_name, word, sizeof word);
  int length =
      snprintf(path, sizeof path, "%s%slayers/%s", around ? around : "", around ? "/" : "", word);
  if (before && length < PATH_SIZE)
    snprintf(path + length, sizeof path - (size_t)length, "_%u", before);
  return strdup(path);
}

static char *make_label(const dg_keras_network *network, const dg_keras_layer *l) {
  const char *around = l->model == DG_KERAS_NONE ? "" : network->layers[l->model].label;
  char label[PATH_SIZE];
  snprintf(label, sizeof label, "%s%s%s", around, *around ? "/" : "", l->name);
  return strdup(label);
}

/** Adds a layer without its ops; its index, or DG_KERAS_NONE. */
static uint32_t new_layer(const building *b, const json_t *json, uint32_t model) {
  dg_keras_network *n = b->network;
  const json_t *config = json_object_get(json, "config");
  if (n->layer_count == DG_KERAS_LAYERS) {
    dg_fail(b->err, DG_ERR_INPUT, "%s: its settings have more than %d layers", b->file,
            DG_KERAS_LAYERS);
    return DG_KERAS_NONE;
  }
  dg_keras_layer *l = &n->layers[n->layer_count];
  *l = (dg_keras_layer){.class_name = dg_keras_word(json, "class_name"),
                        .name = dg_keras_word(json, "name"),
                        .config = config,
                        .model = model,
                        .is_model = is_model(json)};
  if (!*l->name) l->name = dg_keras_word(config, "name");
  l->path = make_path(n, n->layer_count);
  l->label = make_label(n, l);
  n->layer_count++;
  if (l->path && l->label) return n->layer_count - 1;
  dg_fail_memory(b->err, PATH_SIZE);
  return DG_KERAS_NONE;
}

/* ---- models ------------------------------------------------------------- */

/** The layer of a model by its name. */
static uint32_t find_layer(const dg_keras_network *n, uint32_t begin, uint32_t model,
                           const char *name) {
  for (uint32_t i = begin; i < n->layer_count; i++)
    if (n->layers[i].model == model && strcmp(n->layers[i].name, name) == 0) return i;
  return DG_KERAS_NONE;
}

/** Connects an op with the layer that a reference names: ["dense", 0, 0]. The last number says
   which of its outputs; layers of ours have one. */
static void connect(dg_keras_network *n, uint32_t op, uint32_t begin, uint32_t model,
                    const json_t *reference) {
  dg_keras_op *to = &n->ops[op];
  const char *name = json_string_value(json_array_get(reference, 0));
  bool full = to->inputs == DG_KERAS_INPUTS;
  uint32_t from = name && !full ? find_layer(n, begin, model, name) : DG_KERAS_NONE;
  if (from == DG_KERAS_NONE)
    to->type = NULL;
  else
    to->in[to->inputs++] = n->layers[from].last;
  if (json_integer_value(json_array_get(reference, 2)) != 0)
    dg_keras_set_else(to, "input", reference);
}

/** Connects an op with all references in a value: lists as of Keras 2, tensors as of Keras 3. */
static void connect_all(dg_keras_network *n, uint32_t op, uint32_t begin, uint32_t model,
                        const json_t *value) {
  const json_t *history = json_object_get(json_object_get(value, "config"), "keras_history"), *item;
  size_t i;
  if (history) {
    connect(n, op, begin, model, history);
  } else if (json_is_object(value)) {
    connect_all(n, op, begin, model, json_object_get(value, "args"));
  } else if (json_is_string(json_array_get(value, 0)) && json_array_size(value) >= 3) {
    connect(n, op, begin, model, value);
  } else {
    json_array_foreach(value, i, item) connect_all(n, op, begin, model, item);
  }
}

static bool build_model(building *b, const json_t *json, uint32_t model, uint32_t in,
                        uint32_t *out);

/** Adds a layer and its ops, or those of the model that it is. `in` DG_KERAS_NONE: not known yet.
 */
static bool build_layer(building *b, const json_t *json, uint32_t model, uint32_t in) {
  dg_keras_network *n = b->network;
  uint32_t index = new_layer(b, json, model), out;
  if (index == DG_KERAS_NONE) return false;
  if (!n->layers[index].is_model) return dg_keras_add_layer_ops(n, index, in, b->err);
  dg_keras_op *entry = dg_keras_add_op(n, index, n->layers[index].class_name, in, b->err);
  if (!entry) return false;
  entry->type = "";
  n->layers[index].first = n->op_count - 1;
  if (!build_model(b, json, index, n->op_count - 1, &out)) return false;
  n->layers[index].last = out;
  return true;
}

/** Connects the layers of a functional model. */
static void connect_model(dg_keras_network *n, const json_t *layers, uint32_t begin, uint32_t model,
                          uint32_t in) {
  uint32_t at = begin;
  const json_t *layer;
  size_t i;
  json_array_foreach(layers, i, layer) {
    while (n->layers[at].model != model) at++; /* past the layers of inner models */
    const json_t *calls = json_object_get(layer, "inbound_nodes");
    dg_keras_op *op = &n->ops[n->layers[at].first];
    if (json_array_size(calls) > 0)
      connect_all(n, n->layers[at].first, begin, model, json_array_get(calls, 0));
    else
      op->in[op->inputs++] = in; /* it is an input */
    if (json_array_size(calls) > 1)
      dg_keras_set(op,
                   &(dg_keras_setting){.kind = DG_KERAS_ELSE, .theirs = "uses", .word = "several"});
    at++;
  }
}

/** The op that gives a model's output; false: it has not one. */
static bool find_output(const dg_keras_network *n, const json_t *model, uint32_t begin,
                        uint32_t index, uint32_t *out) {
  const json_t *outputs = json_object_get(json_object_get(model, "config"), "output_layers");
  const json_t *first = json_array_get(outputs, 0);
  if (json_is_string(first)) first = outputs;
  if (json_is_array(json_array_get(first, 0))) first = json_array_get(first, 0);
  const char *name = json_string_value(json_array_get(first, 0));
  uint32_t layer = name ? find_layer(n, begin, index, name) : DG_KERAS_NONE;
  if (layer == DG_KERAS_NONE) return false;
  *out = n->layers[layer].last;
  return true;
}

/** Adds all layers of a model, number `model` itself, that reads the op `in`. */
static bool build_model(building *b, const json_t *json, uint32_t model, uint32_t in,
                        uint32_t *out) {
  dg_keras_network *n = b->network;
  const json_t *layers = layers_of(json), *layer;
  uint32_t begin = n->layer_count;
  bool connected = json_object_get(json_object_get(json, "config"), "output_layers") != NULL;
  size_t i;
  *out = in;
  if (++b->depth > DEEPEST)
    return dg_fail(b->err, DG_ERR_INPUT, "%s: models within more than %d models", b->file, DEEPEST);
  json_array_foreach(layers, i, layer) {
    uint32_t index = n->layer_count;
    if (!build_layer(b, layer, model, connected ? DG_KERAS_NONE : *out)) return false;
    *out = n->layers[index].last;
  }
  b->depth--;
  if (!connected) return true;
  connect_model(n, layers, begin, model, in);
  return find_output(n, json, begin, model, out) ||
         dg_fail(b->err, DG_ERR_INPUT, "%s: its settings name no output of \"%s\"", b->file,
                 model == DG_KERAS_NONE ? "the model" : n->layers[model].name);
}

/* ---- the whole ---------------------------------------------------------- */

static bool build(dg_keras_network *network, const char *path, dg_error *err) {
  building b = {.network = network, .file = path, .err = err};
  network->layers = calloc(DG_KERAS_LAYERS, sizeof *network->layers);
  if (!network->layers) return dg_fail_memory(err, DG_KERAS_LAYERS * sizeof *network->layers);
  dg_keras_op *input = dg_keras_add_op(network, DG_KERAS_NONE, "input", DG_KERAS_NONE, err);
  if (!input) return false;
  input->type = "input";
  if (!build_model(&b, network->json, DG_KERAS_NONE, 0, &network->output)) return false;
  dg_keras_settle(network);
  return true;
}

bool dg_keras_network_read(dg_keras_network *network, const char *text, uint32_t version,
                           const char *path, dg_error *err) {
  json_error_t wrong;
  bool starved;
  *network = (dg_keras_network){.version = version};
  network->json = dg_json_read(text, strlen(text), 0, &wrong, &starved);
  if (!network->json)
    return starved ? dg_fail_memory(err, strlen(text))
                   : dg_fail(err, DG_ERR_INPUT,
                             "%s: the settings of its network are no sound JSON: line %d: %s", path,
                             wrong.line, wrong.text);
  return is_model(network->json) && build(network, path, err);
}

void dg_keras_network_free(dg_keras_network *network) {
  for (uint32_t i = 0; i < network->layer_count; i++) {
    free(network->layers[i].path);
    free(network->layers[i].label);
  }
  free(network->layers);
  free(network->ops);
  json_decref(network->json);
  *network = (dg_keras_network){0};
}
