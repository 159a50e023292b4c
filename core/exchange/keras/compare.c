/** Compares Keras's network with ours, side by side from the output to the input. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/exchange/keras/keras.h"
#include "core/exchange/keras/own.h"

enum { MAX_TOLD = 64 }; /**< differences that are reported */

/** A comparison. */
typedef struct {
  const dg_keras_network *theirs;
  const dg_model_graph *graph;
  const dg_model *model;
  const dg_arrays *arrays; /**< ours, mapped */
  const char *path;
  const dg_convert_options *options;
  uint32_t *seen;     /**< for each of our nodes: 1 + the op that it was compared with */
  bool *weighty;      /**< for each of their layers: a layer of ours has its weights */
  uint32_t *producer; /**< for each of our tensors: 1 + its node; 0: the input */
  uint32_t steps;     /**< ops looked at: a hostile file may go round in circles */
  bool rescaled;
  uint32_t count; /**< differences */
  dg_error *err;
} comparison;

/** Two places in the networks that should be the same. */
typedef struct {
  uint32_t op, tensor;
} position;

/* ---- telling ------------------------------------------------------------ */

/** Reports a difference; the first one is the error of a strict conversion. */
static void tell(comparison *c, const char *layer, const char *key, const char *theirs,
                 const char *message) {
  const dg_difference difference = {
      .size = sizeof difference, .layer = layer, .key = key, .theirs = theirs, .message = message};
  c->count++;
  if (c->options->differs && c->count <= MAX_TOLD)
    c->options->differs(c->options->user, &difference);
  if (!c->options->strict || c->count > 1) return;
  dg_fail(c->err, DG_ERR_INPUT, "%s: %s", c->path, message);
  if (key) dg_advise(c->err, DG_REMEDY_MODEL_KEY);
}

static const dg_keras_op *op_at(const comparison *c, uint32_t op) {
  return &c->theirs->ops[op];
}

/** The layer of an op, in words: `"norm1" (BatchNormalization)`. */
static char *layer_text(const comparison *c, const dg_keras_op *op, char *text, size_t size) {
  const dg_keras_layer *l = &c->theirs->layers[op->layer];
  const char *word = strcmp(op->word, l->class_name) == 0 ? "" : op->word;
  snprintf(text, size, "\"%.100s\" (%.60s%s%.60s)", l->label, l->class_name, *word ? ", " : "",
           word);
  return text;
}

/** The value of a setting as the file writes it. */
static char *json_text(const dg_keras_setting *s, char *text, size_t size) {
  char *dump =
      s->json ? json_dumps(s->json, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
  if (dump && strlen(dump) < size)
    snprintf(text, size, "%s", dump);
  else if (s->json)
    snprintf(text, size, "another value");
  else if (s->kind == DG_KERAS_NUMBER)
    snprintf(text, size, "%g by default", s->value[0]);
  else
    snprintf(text, size, "%s", s->word ? s->word : "no value");
  free(dump);
  return text;
}

static void tell_extra(comparison *c, const dg_keras_op *op) {
  char message[600], layer[300];
  snprintf(message, sizeof message,
           "the file's network has the layer %s; the model has nothing for "
           "it there",
           layer_text(c, op, layer, sizeof layer));
  tell(c, NULL, NULL, NULL, message);
}

/** A layer that only passes on what it reads, but not as ours do. */
static void tell_odd(comparison *c, const dg_keras_op *op) {
  char message[600], layer[300], has[100];
  const dg_keras_setting *s = &op->settings[0];
  snprintf(message, sizeof message,
           "the file's layer %s has %s = %s, which no layer of the model can have",
           layer_text(c, op, layer, sizeof layer), s->theirs, json_text(s, has, sizeof has));
  tell(c, NULL, NULL, NULL, message);
}

static void tell_missing(comparison *c, const dg_model_node *node) {
  char message[600];
  snprintf(message, sizeof message,
           "the model has the layer \"%s\" (%s); the file's network has nothing for it there",
           node->layer->name, node->layer->kind->type);
  tell(c, node->layer->name, NULL, NULL, message);
}

static void tell_other(comparison *c, const dg_keras_op *op, const dg_model_node *node) {
  char message[600], layer[300];
  snprintf(message, sizeof message,
           "the file's network has the layer %s where the model has \"%s\" (%s)",
           layer_text(c, op, layer, sizeof layer), node->layer->name, node->layer->kind->type);
  tell(c, node->layer->name, NULL, NULL, message);
}

/* ---- settings ----------------------------------------------------------- */

static void tell_setting(comparison *c, const dg_keras_op *op, const dg_model_node *node,
                         const dg_keras_setting *s, const dg_own_value *theirs) {
  char message[900], layer[300], has[100], wants[60] = "", ours[60] = "";
  dg_own_value own;
  bool known = s->key && dg_own_read(node, s->key, &own);
  if (known) dg_own_text(&own, ours, sizeof ours);
  if (theirs) dg_own_text(theirs, wants, sizeof wants);
  snprintf(message, sizeof message, "the file's layer %s has %s = %s",
           layer_text(c, op, layer, sizeof layer), s->theirs, json_text(s, has, sizeof has));
  if (s->kind == DG_KERAS_SAME && !theirs)
    dg_append(message, sizeof message,
              ", which adds other zeros here than any padding of the model's layer \"%s\" (%s)",
              node->layer->name, node->layer->kind->type);
  else if (known && theirs)
    dg_append(message, sizeof message, "; the model's layer \"%s\" has %s = %s and needs %s",
              node->layer->name, s->key, ours, wants);
  else
    dg_append(message, sizeof message, ", which the model's layer \"%s\" (%s) can't have",
              node->layer->name, node->layer->kind->type);
  tell(c, node->layer->name, known && theirs ? s->key : NULL, theirs ? wants : NULL, message);
}

/** Compares one setting. */
static void compare_setting(comparison *c, const dg_keras_op *op, const dg_model_node *node,
                            const dg_keras_setting *s) {
  dg_own_value theirs, ours;
  bool can = dg_own_expect(node, s, &theirs);
  if (!can || !dg_own_read(node, s->key, &ours))
    tell_setting(c, op, node, s, NULL);
  else if (!dg_own_same(&theirs, &ours))
    tell_setting(c, op, node, s, &theirs);
}

/** Checks that the tensors of our node are those of the op's layer, unless the caller said so. */
static bool check_origin(comparison *c, const dg_keras_op *op, const dg_model_node *node) {
  for (uint32_t i = 0; i < node->params; i++) {
    const dg_array *array = &c->arrays->items[node->first_param + i];
    if (array->told || array->origin == 0 || array->origin == op->layer + 1) continue;
    return dg_fail(
               c->err, DG_ERR_INPUT,
               "%s: \"%s\" was taken for the network's layer \"%s\", but stands elsewhere in the "
               "file's network, where \"%s\" is: it has to be said which is which",
               c->path, c->theirs->layers[array->origin - 1].label, node->layer->name,
               c->theirs->layers[op->layer].label) ||
           dg_advise(c->err, DG_REMEDY_NAMES);
  }
  return true;
}

/** Does a layer work along the dimension that Keras's does: the channels of an image, the features
    of a sequence? */
static bool lies_alike(const dg_model_node *node) {
  const bool image = node->shape.rank == 3;
  switch (node->op.kind) {
  case DG_OP_LINEAR:
    return !image;
  case DG_OP_SOFTMAX:
    return image ? node->op.softmax.outer == 1 && node->op.softmax.count == node->shape.dim[0]
                 : node->op.softmax.inner == 1;
  case DG_OP_GLU:
    return image ? node->op.glu.rows == 1
                 : node->op.glu.count == node->shape.dim[node->shape.rank - 1];
  default:
    return true;
  }
}

static bool compare_node(comparison *c, const dg_keras_op *op, const dg_model_node *node) {
  if (!lies_alike(node)) tell_other(c, op, node);
  for (uint32_t i = 0; i < op->setting_count; i++) compare_setting(c, op, node, &op->settings[i]);
  return check_origin(c, op, node);
}

/* ---- the input ---------------------------------------------------------- */

/** Compares what the file's network does with pixels: bytes, or bytes / 255. */
static void compare_rescaling(comparison *c, const dg_keras_op *op) {
  bool numbers = op->setting_count == 2 && op->settings[0].kind == DG_KERAS_NUMBER &&
                 op->settings[1].kind == DG_KERAS_NUMBER; /* not one for each channel */
  double scale = op->settings[0].value[0], offset = op->settings[1].value[0];
  char message[600], layer[300], mean_text[40], std_text[40];
  if (!numbers || c->rescaled || !(scale > 0)) {
    tell_extra(c, op);
    return;
  }
  c->rescaled = true;
  double std = scale < 0.1 ? 1 / (255 * scale) : 1 / scale, mean = -offset * std;
  const dg_data_recipe *data = &c->model->data;
  const double our_mean = dg_number_of(&data->mean, 0, 0), our_std = dg_number_of(&data->std, 0, 1);
  bool same_std = fabs(std - our_std) <= 1e-5 * std && data->std.count <= 1;
  if (same_std && fabs(mean - our_mean) <= 1e-5 && data->mean.count <= 1) return;
  snprintf(mean_text, sizeof mean_text, "%.7g", mean);
  snprintf(std_text, sizeof std_text, "%.7g", std);
  snprintf(message, sizeof message,
           "the file's layer %s makes mean = %s and std = %s of the data; the model has %g and %g",
           layer_text(c, op, layer, sizeof layer), mean_text, std_text, our_mean, our_std);
  tell(c, "data", same_std ? "mean" : "std", same_std ? mean_text : std_text, message);
}

/* ---- walking ------------------------------------------------------------ */

static const dg_model_node *node_at(const comparison *c, uint32_t tensor) {
  return c->producer[tensor] ? &c->graph->nodes[c->producer[tensor] - 1] : NULL;
}

static bool is_activation(const char *type) {
  static const char *const types[] = {"relu", "leaky_relu", "sigmoid", "tanh", "softmax"};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (type && strcmp(type, types[i]) == 0) return true;
  return false;
}

/** Goes on from ops that pass on what they read. */
static bool skip_theirs(comparison *c, position *at) {
  const uint32_t most = 2 * DG_KERAS_INPUTS * (c->theirs->op_count + 1);
  const dg_keras_op *op = op_at(c, at->op);
  for (; op->type && !*op->type && op->inputs == 1 && c->steps <= most; c->steps++) {
    if (op->setting_count > 0) tell_odd(c, op);
    at->op = op->in[0];
    op = op_at(c, at->op);
  }
  return ++c->steps <= most ||
         dg_fail(c->err, DG_ERR_INPUT, "%s: its settings lead round in a circle", c->path);
}

static void skip_ours(const comparison *c, position *at) {
  const dg_model_node *node;
  while ((node = node_at(c, at->tensor)) &&
         (node->op.kind == DG_OP_DROPOUT ||
          (node->op.kind == DG_OP_CHW_TO_HWC && strcmp(node->layer->kind->type, "columns") != 0)))
    at->tensor = node->in[0];
}

/** The layer whose weights come first on the way from here to the input: 1 + its number; 0: none.
 */
static uint32_t their_layer(const comparison *c, uint32_t op) {
  for (uint32_t steps = 0; steps < c->theirs->op_count; steps++) {
    const dg_keras_op *at = op_at(c, op);
    if (at->layer != DG_KERAS_NONE && c->weighty[at->layer]) return at->layer + 1;
    if (at->inputs != 1) return 0;
    op = at->in[0];
  }
  return 0;
}

static uint32_t our_layer(const comparison *c, uint32_t tensor) {
  const dg_model_node *node;
  while ((node = node_at(c, tensor)) && node->inputs == 1) {
    if (node->params) return c->arrays->items[node->first_param].origin;
    tensor = node->in[0];
  }
  return 0;
}

static bool walk(comparison *c, position at);

/** Follows the inputs of a layer that joins several; those of a sum or product may stand in any
    order. */
static bool walk_inputs(comparison *c, const dg_keras_op *op, const dg_model_node *node) {
  const char *type = node->layer->kind->type;
  bool taken[DG_KERAS_INPUTS] = {false};
  bool any_order = strcmp(type, "add") == 0 || strcmp(type, "multiply") == 0;
  if (op->inputs != node->inputs) return tell_other(c, op, node), true;
  for (uint32_t i = 0; i < op->inputs; i++) {
    uint32_t choice = i, layer = their_layer(c, op->in[i]);
    for (uint32_t k = 0; any_order && k < node->inputs; k++)
      if (!taken[k] && layer == our_layer(c, node->in[k])) choice = k;
    while (taken[choice]) choice = (choice + 1) % node->inputs;
    taken[choice] = true;
    if (!walk(c, (position){op->in[i], node->in[choice]})) return false;
  }
  return true;
}

/** Where one network has what the other lacks: goes on in one or both. False: nowhere to go on. */
static bool step_over(comparison *c, const dg_keras_op *op, const dg_model_node *node,
                      position *at) {
  bool behind = c->theirs->layers[op->layer].first != at->op; /* a layer's activation */
  bool their_act = behind || is_activation(op->type),
       our_act = is_activation(node->layer->kind->type);
  bool their_weights = c->weighty[op->layer] && c->theirs->layers[op->layer].first == at->op;
  bool our_weights = node->params > 0;
  bool theirs = op->inputs == 1 && !their_weights, ours = node->inputs == 1 && !our_weights;
  if (theirs && ours && their_act == our_act)
    tell_other(c, op, node);
  else if (theirs && (their_act || !ours))
    tell_extra(c, op), ours = false;
  else if (ours)
    tell_missing(c, node), theirs = false;
  else
    return tell_other(c, op, node), false;
  if (theirs) at->op = op->in[0];
  if (ours) at->tensor = node->in[0];
  return true;
}

/** Compares a node that was compared with `before` with another op: their network has two where
   ours has one. */
static bool compare_again(comparison *c, const dg_keras_op *op, const dg_keras_op *before,
                          const dg_model_node *node) {
  if (op == before) return true;
  if (op->inputs != before->inputs || memcmp(op->in, before->in, op->inputs * sizeof *op->in) != 0)
    tell_other(c, op, node);
  return compare_node(c, op, node);
}

/** Are they layers of the same type? Keras's Permute of a sequence may be either of ours. */
static bool are_alike(const dg_keras_op *op, const dg_model_node *node) {
  const char *type = node->layer->kind->type;
  if (strcmp(type, "transpose") == 0 && node->shape.rank == 2) type = "columns";
  return op->type && strcmp(op->type, type) == 0;
}

/** Follows both networks to the input from two places that should be the same. */
static bool walk(comparison *c, position at) {
  for (;;) {
    if (!skip_theirs(c, &at)) return false;
    skip_ours(c, &at);
    const dg_keras_op *op = op_at(c, at.op);
    const dg_model_node *node = node_at(c, at.tensor);
    bool rescale = op->type && strcmp(op->type, "rescale") == 0 && op->inputs == 1;
    if (at.op == 0 && !node) return true;
    if (rescale && !node) {
      compare_rescaling(c, op);
      at.op = op->in[0];
    } else if (!node && op->inputs == 1) {
      tell_extra(c, op);
      at.op = op->in[0];
    } else if (!node) {
      return tell_extra(c, op), true;
    } else if (at.op == 0) {
      tell_missing(c, node);
      if (node->inputs != 1) return true;
      at.tensor = node->in[0];
    } else if (!are_alike(op, node)) {
      if (!step_over(c, op, node, &at)) return true;
    } else {
      uint32_t *seen = &c->seen[c->producer[at.tensor] - 1];
      if (*seen) return compare_again(c, op, op_at(c, *seen - 1), node);
      *seen = at.op + 1;
      if (!compare_node(c, op, node)) return false;
      if (op->inputs != 1 || node->inputs != 1) return walk_inputs(c, op, node);
      at = (position){op->in[0], node->in[0]};
    }
  }
}

/** Leaves out a softmax at the end, which a model with this loss implies. */
static uint32_t output_of(const comparison *c) {
  uint32_t op = c->theirs->output;
  while (op_at(c, op)->type && !*op_at(c, op)->type && op_at(c, op)->inputs == 1 &&
         op_at(c, op)->setting_count == 0 && op_at(c, op)->in[0] < op)
    op = op_at(c, op)->in[0];
  const dg_keras_op *last = op_at(c, op);
  bool implied = c->model->loss == DG_LOSS_CROSS_ENTROPY && last->type && last->inputs == 1;
  return implied && strcmp(last->type, "softmax") == 0 ? last->in[0] : op;
}

/** A reshape keeps the order of an image's numbers, in which Keras has channels last. Graphs don't
    have it, for it is no op. */
static void doubt_reshapes(comparison *c) {
  char message[300];
  for (uint32_t i = 0; i < c->model->layer_count && c->model->input.rank == 3; i++) {
    const dg_model_layer *layer = &c->model->layers[i];
    if (strcmp(layer->kind->type, "reshape") != 0) continue;
    snprintf(
        message, sizeof message,
        "whether the model's layer \"%s\" (reshape) orders numbers as the file's network does, "
        "which has channels last, can't be told",
        layer->name);
    tell(c, layer->name, NULL, NULL, message);
  }
}

bool dg_keras_compare(const dg_keras_network *network, const dg_model_graph *graph,
                      const dg_model *model, const dg_arrays *ours, const char *path,
                      const dg_convert_options *options, dg_error *err) {
  comparison c = {.theirs = network,
                  .graph = graph,
                  .model = model,
                  .arrays = ours,
                  .path = path,
                  .options = options,
                  .err = err};
  c.seen = calloc(graph->node_count + 1, sizeof *c.seen);
  c.producer = calloc((size_t)graph->tensor_count + 1, sizeof *c.producer);
  c.weighty = calloc(network->layer_count + 1, sizeof *c.weighty);
  bool ok = c.seen && c.producer && c.weighty;
  if (!ok) dg_fail_memory(err, (graph->tensor_count + 1) * sizeof *c.producer);
  for (size_t i = 0; ok && i < ours->count; i++)
    if (ours->items[i].origin) c.weighty[ours->items[i].origin - 1] = true;
  for (uint32_t i = 0; ok && i < graph->node_count; i++) c.producer[graph->nodes[i].out] = i + 1;
  ok = ok && walk(&c, (position){output_of(&c), graph->output});
  if (ok) doubt_reshapes(&c);
  free(c.weighty);
  free(c.seen);
  free(c.producer);
  return ok && (!options->strict || c.count == 0);
}

/** A norm whose eps is not Keras's default. */
static void doubt_eps(const dg_model_node *node, const dg_convert_options *options) {
  char message[300];
  const double standard = 1e-3;
  dg_own_value eps;
  if (!dg_own_read(node, "eps", &eps) || fabs(eps.value[0] - standard) < 1e-7) return;
  snprintf(
      message, sizeof message,
      "if \"%s\" has Keras's own epsilon, eps = 0.001 is right, and not %g as the model has it",
      node->layer->name, eps.value[0]);
  options->differs(options->user, &(dg_difference){.size = sizeof(dg_difference),
                                                   .layer = node->layer->name,
                                                   .key = "eps",
                                                   .theirs = "0.001",
                                                   .message = message});
}

void dg_keras_doubt(const dg_model_graph *graph, const dg_convert_options *options) {
  static const char message[] =
      "the file holds weights without settings: epsilon, activations, padding and the order of "
      "layers are the model's, and images have their channels last; a whole "
      "sequential or functional model says them";
  if (!options->differs) return;
  options->differs(options->user,
                   &(dg_difference){.size = sizeof(dg_difference), .message = message});
  for (uint32_t i = 0; i < graph->node_count; i++) doubt_eps(&graph->nodes[i], options);
}
