#include "core/graph/lower_steps.h"

/* ---- lengths ------------------------------------------------------------ */

dg_lengths *dg_lower_lengths(dg_lowering *l) {
  const uint32_t tensor = dg_lower_tensor(l, 1, DG_NO_NODE);
  l->graph->lengths = tensor;
  l->graph->least_length = 1;
  l->lengths[0] = (dg_lengths){0, 1, tensor};
  l->lengths_count = 1;
  return l->lengths;
}

/** A node beside a layer's own one. */
static dg_node beside(const dg_node *own, dg_op_desc op, dg_shape out) {
  op.exact = own->plan.op.exact;
  return (dg_node){.layer = own->layer, .beside = true, .plan = {.op = op, .out = out}};
}

/** The lengths after a layer's windows. */
static dg_lengths *window(dg_lowering *l, const dg_node *own, dg_lengths *in, dg_error *err) {
  const dg_steps_rule *rule = &own->plan.steps;
  const int64_t offset =
      2 * (int64_t)rule->padding + rule->more_after - rule->kernel + rule->stride;
  dg_lengths after = {.offset = in->offset + in->stride * offset,
                      .stride = in->stride * rule->stride};
  if (after.stride > DG_LENGTH_MOST || after.offset > DG_LENGTH_MOST ||
      after.offset < -DG_LENGTH_MOST)
    return dg_fail(err, DG_ERR_INPUT,
                   "its windows and those before it span more than %d steps, which sequences of "
                   "unequal length can't have",
                   DG_LENGTH_MOST),
           NULL;
  if (after.stride - after.offset > l->graph->least_length) {
    l->graph->least_length = (uint32_t)(after.stride - after.offset);
    l->graph->least_layer = own->layer;
  }
  for (uint32_t i = 0; i < l->lengths_count; i++)
    if (l->lengths[i].offset == after.offset && l->lengths[i].stride == after.stride)
      return &l->lengths[i];
  l->lengths[l->lengths_count] = after;
  return &l->lengths[l->lengths_count++];
}

/** The tensor of lengths that a node beside a layer's own reads. */
static uint32_t tensor_of(dg_lowering *l, const dg_node *own, dg_lengths *lengths) {
  const dg_window_lengths_desc d = {(int32_t)lengths->offset, (uint32_t)lengths->stride};
  if (lengths->tensor) return lengths->tensor;
  dg_node node = beside(own, (dg_op_desc){.kind = DG_OP_WINDOW_LENGTHS, .window_lengths = d},
                        (dg_shape){1, {1}});
  node.inputs = 1;
  node.in[0] = l->lengths[0].tensor;
  return lengths->tensor = dg_lower_node(l, &node);
}

/* ---- nodes beside a layer's own ------------------------------------------ */

/** Adds an op that reads sequences of that shape and their lengths. */
static uint32_t add_with_lengths(dg_lowering *l, const dg_node *own, dg_op_desc op,
                                 const dg_shape *out, uint32_t tensor, dg_lengths *lengths) {
  dg_node node = beside(own, op, *out);
  node.inputs = 2;
  node.in[0] = tensor;
  node.in[1] = tensor_of(l, own, lengths);
  return dg_lower_node(l, &node);
}

static uint32_t add_mask(dg_lowering *l, const dg_node *own, dg_mask_steps_desc d, uint32_t tensor,
                         dg_lengths *lengths) {
  const dg_shape shape = {2, {d.steps, d.features}};
  return add_with_lengths(l, own, (dg_op_desc){.kind = DG_OP_MASK_STEPS, .mask_steps = d}, &shape,
                          tensor, lengths);
}

static uint32_t add_reduction(dg_lowering *l, const dg_node *own, dg_steps_kind kind,
                              const dg_shape *in, uint32_t tensor, dg_lengths *lengths) {
  const dg_shape out = {1, {in->dim[1]}};
  const dg_reduce_steps_desc d = {kind, in->dim[0], in->dim[1]};
  return add_with_lengths(l, own, (dg_op_desc){.kind = DG_OP_REDUCE_STEPS, .reduce_steps = d}, &out,
                          tensor, lengths);
}

static dg_mask_steps_desc mask_of(const dg_shape *shape) {
  return (dg_mask_steps_desc){.steps = shape->dim[0], .features = shape->dim[1]};
}

/** The tensor of sequences with zeros beyond their lengths. */
static uint32_t cleared(dg_lowering *l, const dg_node *own, const dg_layer_output *in) {
  return in->zeros ? in->tensor : add_mask(l, own, mask_of(&in->shape), in->tensor, in->lengths);
}

/* ---- kinds of layers ----------------------------------------------------- */

/** A layer for which each step counts alone. */
static bool lower_apart(dg_lowering *l, dg_node *node, const dg_layer_output *const *in,
                        dg_layer_output *out, dg_error *err) {
  out->zeros = node->plan.steps.keeps_zeros;
  for (uint32_t k = 0; k < node->inputs; k++) {
    if (in[k]->lengths != in[0]->lengths)
      return dg_fail(err, DG_ERR_INPUT,
                     "the sequences of its inputs have other lengths (lengths = true): what fits "
                     "are the same strides, and windows that take as many steps from the end");
    out->zeros &= in[k]->zeros;
  }
  out->lengths = in[0]->lengths;
  out->tensor = dg_lower_node(l, node);
  return true;
}

/** Windows of steps. Where they reach into the padding, they do so at each sequence's own end. A
    maximum of nothing but that is cleared, too, for it is no number. */
static bool lower_windows(dg_lowering *l, dg_node *node, const dg_layer_output *in,
                          dg_layer_output *out, dg_error *err) {
  const dg_steps_rule rule = node->plan.steps;
  dg_lengths *lengths = window(l, node, in->lengths, err);
  if (!lengths) return false;
  dg_mask_steps_desc mask = mask_of(&in->shape);
  mask.lowest = rule.lowest;
  if (rule.padding && rule.lowest)
    node->in[0] = add_mask(l, node, mask, in->tensor, in->lengths);
  else if ((int64_t)rule.padding + rule.more_after > 0)
    node->in[0] = cleared(l, node, in);
  out->lengths = lengths;
  out->tensor = dg_lower_node(l, node);
  if (rule.padding && rule.lowest) {
    out->tensor = add_mask(l, node, mask_of(&out->shape), out->tensor, lengths);
    out->zeros = true;
  }
  return true;
}

/** One direction of a recurrent layer, over all steps. */
static uint32_t add_direction(dg_lowering *l, const dg_node *own, uint32_t tensor, bool reverse) {
  dg_node node = *own;
  dg_recurrent_desc *d = &node.plan.op.recurrent;
  const uint32_t params = d->bidirectional ? own->plan.params / 2 : own->plan.params;
  d->bidirectional = false;
  d->sequence = true;
  node.in[0] = tensor;
  node.plan.out = (dg_shape){2, {d->steps, d->hidden}};
  node.plan.params = params;
  for (uint32_t i = 0; reverse && i < params; i++) node.plan.param[i] = own->plan.param[params + i];
  return dg_lower_node(l, &node);
}

/** Joins the features of two tensors of `rows` rows a sample. */
static uint32_t add_join(dg_lowering *l, const dg_node *own, uint32_t a, uint32_t b, uint32_t rows,
                         uint32_t features) {
  const dg_concat_desc d = {rows, 2, {features, features}};
  dg_node node = beside(own, (dg_op_desc){.kind = DG_OP_CONCAT, .concat = d}, own->plan.out);
  node.inputs = 2;
  node.in[0] = a;
  node.in[1] = b;
  return dg_lower_node(l, &node);
}

/**
 * A recurrence depends on the steps before alone, so what is beyond the end doesn't matter: the
 * last state is that of the last step that is there. The second direction gets the steps in their
 * opposite order.
 */
static void lower_recurrent(dg_lowering *l, dg_node *node, const dg_layer_output *in,
                            dg_layer_output *out) {
  const dg_recurrent_desc d = node->plan.op.recurrent;
  const dg_shape states = {2, {d.steps, d.hidden}};
  dg_mask_steps_desc turn = mask_of(&in->shape);
  turn.reverse = true;
  uint32_t ahead = add_direction(l, node, in->tensor, false), back = 0;
  if (d.bidirectional)
    back = add_direction(l, node, add_mask(l, node, turn, in->tensor, in->lengths), true);
  if (!d.sequence) {
    ahead = add_reduction(l, node, DG_STEPS_LAST, &states, ahead, in->lengths);
    if (d.bidirectional) back = add_reduction(l, node, DG_STEPS_LAST, &states, back, in->lengths);
  } else if (d.bidirectional) {
    turn.features = d.hidden;
    back = add_mask(l, node, turn, back, in->lengths);
  }
  out->tensor =
      d.bidirectional ? add_join(l, node, ahead, back, d.sequence ? d.steps : 1, d.hidden) : ahead;
  out->lengths = d.sequence ? in->lengths : NULL;
}

bool dg_lower_sequence(dg_lowering *l, dg_node *node, const dg_layer_output *const *in,
                       dg_layer_output *out, dg_error *err) {
  switch (node->plan.steps.use) {
  case DG_STEPS_APART:
    return lower_apart(l, node, in, out, err);
  case DG_STEPS_WINDOWS:
    return lower_windows(l, node, in[0], out, err);
  case DG_STEPS_IN_TURN:
    lower_recurrent(l, node, in[0], out);
    return true;
  case DG_STEPS_AVERAGED:
    out->tensor =
        add_reduction(l, node, DG_STEPS_MEAN, &in[0]->shape, in[0]->tensor, in[0]->lengths);
    return true;
  case DG_STEPS_JOINED:
    out->tensor = node->in[0] = cleared(l, node, in[0]);
    if (!node->plan.view) out->tensor = dg_lower_node(l, node);
    return true;
  default:
    return dg_fail(err, DG_ERR_INPUT,
                   "it can't take sequences of unequal length (lengths = true): what it would make "
                   "of the steps that aren't there is not defined");
  }
}
