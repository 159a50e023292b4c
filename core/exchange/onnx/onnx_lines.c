#include "core/exchange/onnx/onnx_lines.h"

/** The dimension in the middle of [samples, outer, count, inner]. */
enum { MIDDLE = 2 };

/** Input 0 as [outer, count, inner]. */
static const char *lines(const dg_onnx_op *op, uint32_t outer, uint32_t count, uint32_t inner) {
  return dg_onnx_reshape(op->graph, op->in[0], 3, (uint32_t[]){outer, count, inner}).name;
}

static dg_onnx_value value_of(const char *name, uint32_t outer, uint32_t count, uint32_t inner) {
  return (dg_onnx_value){.name = name, .rank = 3, .dim = {outer, count, inner}};
}

dg_onnx_value dg_onnx_add_permute(const dg_onnx_op *op) {
  const dg_permute_desc *d = &op->node->op.permute;
  const char *read = dg_onnx_reshape(op->graph, op->in[0], d->rank, d->dim).name;
  int64_t order[1 + DG_PERMUTE_RANK] = {0};
  dg_onnx_value out = {.rank = d->rank};
  for (uint32_t k = 0; k < d->rank; k++) {
    order[1 + k] = 1 + (int64_t)d->order[k];
    out.dim[k] = d->dim[d->order[k]];
  }
  out.name = dg_onnx_transpose(op->graph, read, 1 + d->rank, order);
  return out;
}

dg_onnx_value dg_onnx_add_slice(const dg_onnx_op *op) {
  const dg_slice_desc *d = &op->node->op.slice;
  const int64_t numbers[] = {d->first, (int64_t)d->first + d->length, MIDDLE};
  const char *inputs[4] = {lines(op, d->outer, d->count, d->inner)};
  for (uint32_t k = 0; k < 3; k++) inputs[1 + k] = dg_onnx_integers(op->graph, 1, numbers + k);
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, "Slice", 4, inputs, 1);
  return value_of(dg_onnx_output(node, 0), d->outer, d->length, d->inner);
}

dg_onnx_value dg_onnx_add_softmax(const dg_onnx_op *op) {
  const dg_softmax_desc *d = &op->node->op.softmax;
  const char *x = lines(op, d->outer, d->count, d->inner);
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, d->log ? "LogSoftmax" : "Softmax", 1, &x, 1);
  dg_onnx_set_int(op->graph, node, "axis", MIDDLE);
  return value_of(dg_onnx_output(node, 0), d->outer, d->count, d->inner);
}

dg_onnx_value dg_onnx_add_reduce(const dg_onnx_op *op) {
  static const char *const names[] = {"ReduceSum", "ReduceMean", "ReduceMax"};
  static const int64_t axis = MIDDLE;
  const dg_reduce_desc *d = &op->node->op.reduce;
  const bool sum = d->kind == DG_REDUCE_SUM; /* whose axes are an input in this opset */
  const char *inputs[2] = {lines(op, d->outer, d->count, d->inner)};
  if (sum) inputs[1] = dg_onnx_integers(op->graph, 1, &axis);
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, names[d->kind], sum ? 2 : 1, inputs, 1);
  if (!sum) dg_onnx_set_ints(op->graph, node, "axes", 1, &axis);
  return value_of(dg_onnx_output(node, 0), d->outer, 1, d->inner);
}

dg_onnx_value dg_onnx_add_prelu(const dg_onnx_op *op) {
  const dg_prelu_desc *d = &op->node->op.prelu;
  const dg_array *weight = dg_onnx_param(op, 0);
  const int64_t shape[] = {d->channels, 1};
  const char *inputs[] = {lines(op, d->rows, d->channels, d->plane),
                          dg_onnx_floats(op->graph, weight->name, 2, shape, weight->data)};
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, "PRelu", 2, inputs, 1);
  return value_of(dg_onnx_output(node, 0), d->rows, d->channels, d->plane);
}

dg_onnx_value dg_onnx_add_glu(const dg_onnx_op *op) {
  const dg_glu_desc *d = &op->node->op.glu;
  const char *x = lines(op, d->rows, 2, d->count);
  Dg__Onnx__Node *halves = dg_onnx_node(op->graph, "Split", 1, &x, 2);
  dg_onnx_set_int(op->graph, halves, "axis", MIDDLE);
  const char *gate = dg_onnx_unary(op, "Sigmoid", dg_onnx_output(halves, 1));
  return value_of(dg_onnx_binary(op, "Mul", dg_onnx_output(halves, 0), gate), d->rows, 1, d->count);
}
