#include "core/exchange/onnx/onnx_norm.h"

/* ---- rms_norm ----------------------------------------------------------- */

dg_onnx_value dg_onnx_add_rms_norm(const dg_onnx_op *op) {
  const dg_layer_norm_desc *d = &op->node->op.layer_norm;
  dg_onnx_value value = dg_onnx_reshape(op->graph, op->in[0], 2, (uint32_t[]){d->rows, d->count});
  const char *square = dg_onnx_binary(op, "Mul", value.name, value.name);
  Dg__Onnx__Node *mean = dg_onnx_node(op->graph, "ReduceMean", 1, &square, 1);
  dg_onnx_set_ints(op->graph, mean, "axes", 1, (int64_t[]){-1});
  const char *sum =
      dg_onnx_binary(op, "Add", dg_onnx_output(mean, 0), dg_onnx_number(op, "eps", d->eps));
  const char *normal = dg_onnx_binary(op, "Div", value.name, dg_onnx_unary(op, "Sqrt", sum));
  value.name = dg_onnx_binary(op, "Mul", normal, dg_onnx_constant(op, 0));
  return value;
}

/* ---- group_norm --------------------------------------------------------- */

/** A constant of `count` equal numbers. */
static const char *equal(const dg_onnx_op *op, const char *what, uint32_t count, float number) {
  const int64_t dim = count;
  float *numbers = dg_onnx_memory(op->graph, count, sizeof *numbers);
  if (!numbers) return op->in[0].name;
  for (uint32_t i = 0; i < count; i++) numbers[i] = number;
  const char *name = dg_onnx_text(op->graph, "%s.%s", op->node->layer->name, what);
  return dg_onnx_floats(op->graph, name, 1, &dim, numbers);
}

/** Parameter `i` as [channels, 1]. */
static const char *column(const dg_onnx_op *op, uint32_t i) {
  const dg_array *array = dg_onnx_param(op, i);
  return dg_onnx_floats(op->graph, array->name, 2, (int64_t[]){op->node->op.group_norm.channels, 1},
                        array->data);
}

/** [channels, numbers], which is [groups, numbers] for InstanceNormalization. */
dg_onnx_value dg_onnx_add_group_norm(const dg_onnx_op *op) {
  const dg_group_norm_desc *d = &op->node->op.group_norm;
  static const int64_t swap[] = {0, 2, 1};
  const bool sequence = d->rows > 1;
  const uint32_t numbers = sequence ? d->rows : d->plane;
  const uint32_t read[] = {sequence ? d->rows : d->channels, sequence ? d->channels : d->plane};
  dg_onnx_value value = dg_onnx_reshape(op->graph, op->in[0], 2, read);
  if (sequence)
    value = (dg_onnx_value){
        dg_onnx_transpose(op->graph, value.name, 3, swap), 2, {d->channels, d->rows}};
  const uint32_t groups[] = {d->groups, d->channels / d->groups * numbers};
  value = dg_onnx_reshape(op->graph, value, 2, groups);
  const char *inputs[] = {value.name, equal(op, "ones", d->groups, 1),
                          equal(op, "zeros", d->groups, 0)};
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, "InstanceNormalization", 3, inputs, 1);
  dg_onnx_set_float(op->graph, node, "epsilon", d->eps);
  value.name = dg_onnx_output(node, 0);
  value = dg_onnx_reshape(op->graph, value, 2, (uint32_t[]){d->channels, numbers});
  if (d->affine) {
    value.name = dg_onnx_binary(op, "Mul", value.name, column(op, 0));
    value.name = dg_onnx_binary(op, "Add", value.name, column(op, 1));
  }
  if (!sequence) return value;
  return (dg_onnx_value){
      dg_onnx_transpose(op->graph, value.name, 3, swap), 2, {d->rows, d->channels}};
}

/* ---- lrn ---------------------------------------------------------------- */

/** Of an even number of channels, PyTorch and ONNX take one more on different sides: the mean of
    the squares, as a pooling along the channels. */
static const char *even_lrn(const dg_onnx_op *op, dg_onnx_value value) {
  const dg_lrn_desc *d = &op->node->op.lrn;
  dg_onnx_value squares = value;
  squares.name = dg_onnx_binary(op, "Mul", value.name, value.name);
  squares = dg_onnx_reshape(op->graph, squares, 3, (uint32_t[]){1, d->channels, d->plane});
  Dg__Onnx__Node *mean = dg_onnx_node(op->graph, "AveragePool", 1, &squares.name, 1);
  dg_onnx_set_ints(op->graph, mean, "kernel_shape", 2, (int64_t[]){d->size, 1});
  dg_onnx_set_ints(op->graph, mean, "pads", 4, (int64_t[]){d->size / 2, 0, (d->size - 1) / 2, 0});
  dg_onnx_set_int(op->graph, mean, "count_include_pad", 1);
  squares.name = dg_onnx_output(mean, 0);
  squares = dg_onnx_reshape(op->graph, squares, value.rank, value.dim);
  const char *base = dg_onnx_binary(op, "Mul", squares.name, dg_onnx_number(op, "alpha", d->alpha));
  base = dg_onnx_binary(op, "Add", base, dg_onnx_number(op, "k", d->k));
  return dg_onnx_binary(op, "Div", value.name,
                        dg_onnx_binary(op, "Pow", base, dg_onnx_number(op, "beta", d->beta)));
}

dg_onnx_value dg_onnx_add_lrn(const dg_onnx_op *op) {
  const dg_lrn_desc *d = &op->node->op.lrn;
  dg_onnx_value value =
      dg_onnx_reshape(op->graph, op->in[0], 3, (uint32_t[]){d->channels, 1, d->plane});
  if (d->size % 2 == 0) {
    value.name = even_lrn(op, value);
    return value;
  }
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, "LRN", 1, &value.name, 1);
  dg_onnx_set_int(op->graph, node, "size", d->size);
  dg_onnx_set_float(op->graph, node, "alpha", d->alpha);
  dg_onnx_set_float(op->graph, node, "beta", d->beta);
  dg_onnx_set_float(op->graph, node, "bias", d->k);
  value.name = dg_onnx_output(node, 0);
  return value;
}
