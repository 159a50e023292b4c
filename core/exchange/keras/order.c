/** Orders of images, channels last or first, through Keras's network; and its zero padding. */
#include <string.h>

#include "core/exchange/keras/op.h"

static bool is_window(const dg_keras_op *op) {
  return dg_keras_is(op, "conv2d") || dg_keras_is(op, "conv1d");
}

/* ---- zero padding ------------------------------------------------------- */

/** Rows and columns that an op adds at every edge; false: not the same at opposite ones. */
static bool edges_of(const dg_keras_op *op, const json_t *config, double edges[2]) {
  const json_t *padding = json_object_get(config, "padding");
  bool lines = strcmp(op->word, "ZeroPadding1D") == 0;
  for (size_t i = 0; i < 2; i++) {
    const json_t *side = lines || !json_is_array(padding) ? padding : json_array_get(padding, i);
    const json_t *before = json_is_array(side) ? json_array_get(side, 0) : side;
    const json_t *behind = json_is_array(side) ? json_array_get(side, 1) : side;
    edges[i] = dg_keras_number(before);
    if (!(edges[i] >= 0) || edges[i] != dg_keras_number(behind)) return false;
  }
  return true;
}

static void widen(dg_keras_op *op, const double edges[2], const json_t *json) {
  for (uint32_t i = 0; i < op->setting_count; i++) {
    dg_keras_setting *s = &op->settings[i];
    if (strcmp(s->theirs, "padding") != 0 || s->kind == DG_KERAS_ELSE) continue;
    for (int k = 0; k < 2; k++) s->value[k] += edges[k];
    if (s->kind == DG_KERAS_PAIR) s->json = json; /* not "valid" any more */
  }
}

/** Takes a zero padding into the convolutions that read it, if nothing else does. */
static void take_padding(dg_keras_network *n, uint32_t pad) {
  dg_keras_op *op = &n->ops[pad];
  const json_t *config = n->layers[op->layer].config;
  double edges[2];
  bool alone = n->output != pad;
  for (uint32_t i = 0; i < n->op_count; i++)
    for (uint32_t k = 0; k < n->ops[i].inputs; k++)
      alone &= n->ops[i].in[k] != pad || is_window(&n->ops[i]);
  if (!alone || !edges_of(op, config, edges)) return;
  op->type = "";
  for (uint32_t i = 0; i < n->op_count; i++)
    if (is_window(&n->ops[i]) && n->ops[i].inputs == 1 && n->ops[i].in[0] == pad)
      widen(&n->ops[i], edges, json_object_get(config, "padding"));
}

/* ---- orders ------------------------------------------------------------- */

static bool is_image(dg_keras_order order) {
  return order == DG_KERAS_LAST || order == DG_KERAS_FIRST;
}

/** The order of an op that says it: convolutions, pools and the like. */
static dg_keras_order told_order(const json_t *config) {
  return strcmp(dg_keras_word(config, "data_format"), "channels_first") == 0 ? DG_KERAS_FIRST
                                                                             : DG_KERAS_LAST;
}

/** The order that Flatten or Reshape gives. */
static dg_keras_order flat_order(const dg_keras_op *op, const json_t *config, dg_keras_order in) {
  if (strcmp(op->word, "Flatten") == 0)
    return in == DG_KERAS_FIRST && told_order(config) == DG_KERAS_LAST ? DG_KERAS_FLAT_FIRST
                                                                       : DG_KERAS_FLAT;
  if (json_array_size(json_object_get(config, "target_shape")) != 1) return DG_KERAS_ANY;
  return in == DG_KERAS_FIRST ? DG_KERAS_FLAT_FIRST : DG_KERAS_FLAT;
}

/** The order of an op's output, if that of its first input is `in`. */
static dg_keras_order order_of(const dg_keras_op *op, const json_t *config, dg_keras_order in) {
  bool told = json_object_get(config, "data_format") != NULL;
  if (strcmp(op->word, "Flatten") == 0 || strcmp(op->word, "Reshape") == 0)
    return flat_order(op, config, in);
  if (dg_keras_is(op, "global_avgpool") || dg_keras_is(op, "global_maxpool")) return DG_KERAS_FLAT;
  if (dg_keras_is(op, "linear")) return is_image(in) ? in : DG_KERAS_FLAT;
  if (dg_keras_is_recurrent(op) || dg_keras_is(op, "columns") || dg_keras_is(op, "embedding"))
    return DG_KERAS_LAST;
  return told ? told_order(config) : in;
}

static const json_t *config_of(const dg_keras_network *n, const dg_keras_op *op) {
  return op->layer == DG_KERAS_NONE ? NULL : n->layers[op->layer].config;
}

static dg_keras_order order_in(const dg_keras_network *n, const dg_keras_op *op) {
  return op->inputs ? n->ops[op->in[0]].order : DG_KERAS_ANY;
}

/** Finds the orders of all ops, from the input on. Ops mostly come after what they read. */
static void find_orders(dg_keras_network *n) {
  enum { ROUNDS = 64 };
  bool changed = true;
  for (int round = 0; changed && round < ROUNDS; round++) {
    changed = false;
    for (uint32_t i = 1; i < n->op_count; i++) {
      dg_keras_op *op = &n->ops[i];
      bool own = op->layer != DG_KERAS_NONE && n->layers[op->layer].first == i;
      dg_keras_order in = order_in(n, op);
      dg_keras_order order = own ? order_of(op, config_of(n, op), in) : in;
      changed |= order != op->order;
      op->order = order;
    }
  }
}

/* ---- what does not go together ------------------------------------------ */

/** Is `axis` the one of the channels? */
static bool is_channel_axis(const json_t *axis, dg_keras_order order) {
  if (json_array_size(axis) == 1) axis = json_array_get(axis, 0);
  double number = dg_keras_number(axis);
  if (!axis || number == -1) return order != DG_KERAS_FIRST;
  if (order == DG_KERAS_FIRST) return number == 1;
  return number == 3 || number == (order == DG_KERAS_LAST ? 2 : 1) ||
         (number == 1 && order != DG_KERAS_LAST);
}

/** A layer norm may also cover the whole image. */
static bool is_whole_axis(const json_t *axis) {
  return json_array_size(axis) == 3;
}

/** Notes what an op does with the order of what it reads, where no layer of ours does. */
static void check_order(dg_keras_network *n, dg_keras_op *op) {
  const json_t *config = config_of(n, op), *axis = json_object_get(config, "axis");
  const json_t *format = json_object_get(config, "data_format");
  dg_keras_order in = order_in(n, op);
  bool flatten = strcmp(op->word, "Flatten") == 0, reshape = strcmp(op->word, "Reshape") == 0;
  bool recurrent = dg_keras_is_recurrent(op);
  if (is_image(in) && format && in != told_order(config) && !(flatten && in == DG_KERAS_FIRST))
    dg_keras_set_else(op, "data_format", format);
  bool by_channel = dg_keras_is(op, "batch_norm") || dg_keras_is(op, "group_norm") ||
                    dg_keras_is(op, "instance_norm") || dg_keras_is(op, "rms_norm");
  if (by_channel && !is_channel_axis(axis, in)) dg_keras_set_else(op, "axis", axis);
  if (dg_keras_is(op, "layer_norm") && !is_channel_axis(axis, in) && !is_whole_axis(axis))
    dg_keras_set_else(op, "axis", axis);
  bool channels = dg_keras_is(op, "concat") || dg_keras_is(op, "softmax");
  if (channels && !is_channel_axis(axis, in)) dg_keras_set_else(op, "axis", axis);
  size_t rank = json_array_size(json_object_get(config, "target_shape"));
  if (in == DG_KERAS_FIRST && (recurrent || (reshape && rank == 2)))
    dg_keras_set_else(op, "data_format", NULL);
}

void dg_keras_settle(dg_keras_network *n) {
  for (uint32_t i = 0; i < n->op_count; i++)
    if (dg_keras_is(&n->ops[i], "zero_pad")) take_padding(n, i);
  find_orders(n);
  for (uint32_t i = 1; i < n->op_count; i++)
    if (n->layers[n->ops[i].layer].first == i) check_order(n, &n->ops[i]);
}
