#include "core/exchange/onnx/onnx_op.h"

const dg_array *dg_onnx_param(const dg_onnx_op *op, uint32_t i) {
  const dg_model_node *n = op->node;
  return &op->arrays->items[i < n->params ? n->first_param + i : n->first_running + i - n->params];
}

const char *dg_onnx_constant(const dg_onnx_op *op, uint32_t i) {
  const dg_array *array = dg_onnx_param(op, i);
  int64_t dim[DG_TENSOR_RANK];
  for (uint32_t d = 0; d < array->rank; d++) dim[d] = (int64_t)array->dim[d];
  return dg_onnx_floats(op->graph, array->name, array->rank, dim, array->data);
}

const char *dg_onnx_unary(const dg_onnx_op *op, const char *type, const char *x) {
  return dg_onnx_output(dg_onnx_node(op->graph, type, 1, &x, 1), 0);
}

const char *dg_onnx_binary(const dg_onnx_op *op, const char *type, const char *a, const char *b) {
  const char *inputs[] = {a, b};
  return dg_onnx_output(dg_onnx_node(op->graph, type, 2, inputs, 1), 0);
}

const char *dg_onnx_number(const dg_onnx_op *op, const char *what, double value) {
  float *copy = dg_onnx_memory(op->graph, 1, sizeof *copy);
  if (!copy) return op->in[0].name;
  *copy = (float)value;
  const char *name = dg_onnx_text(op->graph, "%s.%s", op->node->layer->name, what);
  return dg_onnx_floats(op->graph, name, 0, NULL, copy);
}
