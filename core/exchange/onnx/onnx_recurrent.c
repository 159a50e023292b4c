/** Recurrent layers in ONNX: [steps, N, features], with gates in another order. */
#include "core/exchange/onnx/onnx_recurrent.h"

#include <string.h>

/** The index in our order of each of ONNX's gates: rnn; GRU z r h; LSTM i o f c. */
static const uint8_t gate_order[][DG_MAX_GATES] = {
    [DG_CELL_RNN] = {0}, [DG_CELL_GRU] = {1, 0, 2}, [DG_CELL_LSTM] = {0, 3, 1, 2}};

/** Copies a parameter whose rows are gates, `columns` numbers each, into ONNX's order. */
static void copy_gates(const dg_recurrent_desc *d, const float *from, uint32_t columns, float *to) {
  size_t gate = (size_t)d->hidden * columns;
  for (uint32_t g = 0; g < dg_cell_gates(d->cell); g++)
    memcpy(to + g * gate, from + gate_order[d->cell][g] * gate, gate * sizeof *from);
}

/** W or R: [directions, gates hidden, columns] of parameter `which` of each direction. */
static const char *weights(const dg_onnx_op *op, uint32_t which, uint32_t columns) {
  const dg_recurrent_desc *d = &op->node->op.recurrent;
  uint32_t directions = d->bidirectional ? 2 : 1, rows = dg_cell_gates(d->cell) * d->hidden;
  size_t count = (size_t)rows * columns;
  float *numbers = dg_onnx_memory(op->graph, directions * count, sizeof *numbers);
  for (uint32_t k = 0; numbers && k < directions; k++)
    copy_gates(d, dg_onnx_param(op, which + k * (2 + d->biases))->data, columns,
               numbers + k * count);
  return dg_onnx_floats(op->graph, dg_onnx_param(op, which)->name, 3,
                        (int64_t[]){directions, rows, columns}, numbers);
}

/** B: [directions, 2 gates hidden], the input's biases and the state's; missing ones are 0. */
static const char *biases(const dg_onnx_op *op) {
  const dg_recurrent_desc *d = &op->node->op.recurrent;
  uint32_t directions = d->bidirectional ? 2 : 1, rows = dg_cell_gates(d->cell) * d->hidden;
  if (d->biases == 0) return "";
  float *numbers = dg_onnx_memory(op->graph, (size_t)directions * 2 * rows, sizeof *numbers);
  for (uint32_t k = 0; numbers && k < directions; k++)
    for (uint32_t b = 0; b < d->biases; b++)
      copy_gates(d, dg_onnx_param(op, 2 + b + k * (2 + d->biases))->data, 1,
                 numbers + (size_t)(2 * k + b) * rows);
  return dg_onnx_floats(op->graph, dg_onnx_param(op, 2)->name, 2,
                        (int64_t[]){directions, 2 * (int64_t)rows}, numbers);
}

/** The activations of the gates; ONNX's HardSigmoid is clip(0.2 x + 0.5, 0, 1) by default. */
static void set_functions(const dg_onnx_op *op, Dg__Onnx__Node *node) {
  const dg_recurrent_desc *d = &op->node->op.recurrent;
  const char *gate = d->hard_sigmoid ? "HardSigmoid" : "Sigmoid";
  const char *const of_cell[][3] = {[DG_CELL_RNN] = {"Tanh"},
                                    [DG_CELL_GRU] = {gate, "Tanh"},
                                    [DG_CELL_LSTM] = {gate, "Tanh", "Tanh"}};
  uint32_t count = d->cell == DG_CELL_RNN ? 1 : d->cell == DG_CELL_GRU ? 2 : 3;
  const char *names[6];
  for (uint32_t i = 0; i < 2 * count; i++) names[i] = of_cell[d->cell][i % count];
  dg_onnx_set_texts(op->graph, node, "activations", d->bidirectional ? 2 * count : count, names);
}

dg_onnx_value dg_onnx_add_recurrent(const dg_onnx_op *op) {
  static const char *const types[] = {
      [DG_CELL_RNN] = "RNN", [DG_CELL_GRU] = "GRU", [DG_CELL_LSTM] = "LSTM"};
  static const int64_t steps_first[] = {1, 0, 2}, samples_first[] = {2, 0, 1, 3};
  const dg_recurrent_desc *d = &op->node->op.recurrent;
  dg_onnx_graph *g = op->graph;
  dg_onnx_value in = dg_onnx_reshape(g, op->in[0], 2, (uint32_t[]){d->steps, d->in});
  const char *inputs[] = {dg_onnx_transpose(g, in.name, 3, steps_first), weights(op, 0, d->in),
                          weights(op, 1, d->hidden), biases(op)};
  Dg__Onnx__Node *node = dg_onnx_node(g, types[d->cell], d->biases ? 4 : 3, inputs, 2);
  dg_onnx_set_int(g, node, "hidden_size", d->hidden);
  if (d->bidirectional) dg_onnx_set_text(g, node, "direction", "bidirectional");
  if (d->cell == DG_CELL_GRU) dg_onnx_set_int(g, node, "linear_before_reset", !d->reset_before);
  set_functions(op, node);
  /* output 0: [steps, directions, N, hidden]; output 1, the last states: [directions, N, hidden] */
  uint32_t directions = d->bidirectional ? 2 : 1;
  if (d->sequence)
    return (dg_onnx_value){dg_onnx_transpose(g, dg_onnx_output(node, 0), 4, samples_first),
                           3,
                           {d->steps, directions, d->hidden}};
  return (dg_onnx_value){
      dg_onnx_transpose(g, dg_onnx_output(node, 1), 3, steps_first), 2, {directions, d->hidden}};
}
