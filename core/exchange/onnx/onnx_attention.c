#include "core/exchange/onnx/onnx_attention.h"

#include <math.h>

/** Minus infinity where a key comes after the query, else 0. */
static const char *later(const dg_onnx_op *op) {
  const int64_t steps = op->node->op.attention.steps, one = 1;
  const char *shape = dg_onnx_integers(op->graph, 2, (int64_t[]){steps, steps});
  const char *inputs[] = {
      dg_onnx_binary(op, "Expand", dg_onnx_number(op, "lowest", -INFINITY), shape),
      dg_onnx_integers(op->graph, 1, &one)};
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, "Trilu", 2, inputs, 1);
  dg_onnx_set_int(op->graph, node, "upper", 1);
  return dg_onnx_output(node, 0);
}

/** [N, 1, heads, steps, steps] of weights. */
static const char *weights(const dg_onnx_op *op, const char *query, const char *key) {
  static const int64_t turn[] = {0, 1, 2, 4, 3};
  const dg_attention_desc *d = &op->node->op.attention;
  const char *product =
      dg_onnx_binary(op, "MatMul", query, dg_onnx_transpose(op->graph, key, 5, turn));
  const char *scores =
      dg_onnx_binary(op, "Mul", product, dg_onnx_number(op, "scale", 1 / sqrt((double)d->width)));
  if (d->causal) scores = dg_onnx_binary(op, "Add", scores, later(op));
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, "Softmax", 1, &scores, 1);
  dg_onnx_set_int(op->graph, node, "axis", -1);
  return dg_onnx_output(node, 0);
}

dg_onnx_value dg_onnx_add_attention(const dg_onnx_op *op) {
  static const int64_t by_head[] = {0, 2, 3, 1, 4}, by_step[] = {0, 3, 1, 2, 4};
  const dg_attention_desc *d = &op->node->op.attention;
  const uint32_t split[] = {d->steps, 3, d->heads, d->width};
  const char *all = dg_onnx_reshape(op->graph, op->in[0], 4, split).name;
  const char *turned = dg_onnx_transpose(op->graph, all, 5, by_head);
  Dg__Onnx__Node *parts = dg_onnx_node(op->graph, "Split", 1, &turned, 3);
  dg_onnx_set_int(op->graph, parts, "axis", 1);
  const char *mean =
      dg_onnx_binary(op, "MatMul", weights(op, dg_onnx_output(parts, 0), dg_onnx_output(parts, 1)),
                     dg_onnx_output(parts, 2));
  const dg_onnx_value joined = {.name = dg_onnx_transpose(op->graph, mean, 5, by_step),
                                .rank = 4,
                                .dim = {d->steps, 1, d->heads, d->width}};
  return dg_onnx_reshape(op->graph, joined, 2, (uint32_t[]){d->steps, d->heads * d->width});
}

dg_onnx_value dg_onnx_add_embedding(const dg_onnx_op *op) {
  enum { INT64 = 7 };
  const dg_embedding_desc *d = &op->node->op.embedding;
  const char *numbers = dg_onnx_reshape(op->graph, op->in[0], 1, &d->steps).name;
  Dg__Onnx__Node *whole = dg_onnx_node(op->graph, "Cast", 1, &numbers, 1);
  dg_onnx_set_int(op->graph, whole, "to", INT64);
  const char *rows =
      dg_onnx_binary(op, "Gather", dg_onnx_constant(op, 0), dg_onnx_output(whole, 0));
  return (dg_onnx_value){.name = rows, .rank = 2, .dim = {d->steps, d->width}};
}

/** The table of waves as a constant. */
static const char *waves(const dg_onnx_op *op) {
  const dg_positions_desc *d = &op->node->op.positions;
  float *table = dg_onnx_memory(op->graph, (size_t)d->steps * d->width, sizeof *table);
  if (!table) return op->in[0].name;
  for (uint32_t step = 0; step < d->steps; step++)
    for (uint32_t f = 0; f < d->width; f++)
      table[(size_t)step * d->width + f] = (float)dg_position_of(d, step, f);
  return dg_onnx_floats(op->graph, dg_onnx_text(op->graph, "%s.table", op->node->layer->name), 2,
                        (int64_t[]){d->steps, d->width}, table);
}

dg_onnx_value dg_onnx_add_positions(const dg_onnx_op *op) {
  const dg_positions_desc *d = &op->node->op.positions;
  const uint32_t shape[] = {d->steps, d->width};
  const char *table = d->sinusoidal ? waves(op) : dg_onnx_constant(op, 0);
  const char *sum =
      dg_onnx_binary(op, "Add", dg_onnx_reshape(op->graph, op->in[0], 2, shape).name, table);
  return (dg_onnx_value){.name = sum, .rank = 2, .dim = {d->steps, d->width}};
}
