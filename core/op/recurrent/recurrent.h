/** Recurrent layers: plain, GRU and LSTM. */
#ifndef DG_OP_RECURRENT_H
#define DG_OP_RECURRENT_H

#include "core/op/traits.h"

typedef enum {
  DG_CELL_RNN,  /**< h' = tanh(W x + b + U h + c): 1 gate */
  DG_CELL_GRU,  /**< gates r, z, n: see dg_recurrent_desc */
  DG_CELL_LSTM, /**< gates i, f, g, o: c' = f c + i g, h' = o tanh(c'); g by tanh */
} dg_cell_kind;

enum { DG_MAX_GATES = 4 };
/** The number of gates of a cell. */
static inline uint32_t dg_cell_gates(dg_cell_kind cell) {
  static const uint32_t gates[] = {1, 3, 4};
  return gates[cell];
}

/**
 * A recurrent layer over all steps; the initial state is zero. in [n, steps, in], param, where G is
 * the number of gates: {W: weight_ih [G hidden, in], U: weight_hh [G hidden, hidden],
 * b: bias_ih [G hidden] if biases >= 1, c: bias_hh [G hidden] if biases == 2}, and, if
 * bidirectional, the same again for a second pass from the last step to the first.
 *
 * out [n, steps, D hidden] if `sequence` (at each step the second direction's state follows the
 * first's), else [n, D hidden], the state after each direction's last step; D is 2 if
 * bidirectional, else 1.
 *
 * With s the sigmoid, or clip(0.2 x + 0.5, 0, 1) if hard_sigmoid, the GRU is
 *   r = s(W_r x + b_r + U_r h + c_r), z = s(W_z x + b_z + U_z h + c_z), h' = (1 - z) n + z h,
 *   n = tanh(W_n x + b_n + r (U_n h + c_n)), or, if reset_before (Cho et al., arXiv:1406.1078),
 *   n = tanh(W_n x + b_n + U_n (r h) + c_n),
 * and the LSTM's i, f and o are s of W x + b + U h + c (Hochreiter and Schmidhuber, 1997;
 * torch.nn.GRU, LSTM and RNN).
 */
typedef struct {
  dg_cell_kind cell;
  uint32_t steps, in, hidden;
  uint32_t biases; /**< 0, 1 or 2 */
  bool sequence, bidirectional;
  bool hard_sigmoid; /**< gru and lstm */
  bool reset_before; /**< gru */
} dg_recurrent_desc;

static inline dg_op_sizes dg_recurrent_sizes(const void *desc) {
  /* an upper bound: saved numbers of a step, in multiples of its state, rounded up */
  enum { PLANES = DG_MAX_GATES + 2, UNIT = 256 };
  const dg_recurrent_desc *d = desc;
  uint32_t directions = d->bidirectional ? 2 : 1, params = 0;
  uint64_t rows = (uint64_t)dg_cell_gates(d->cell) * d->hidden;
  uint64_t state = (uint64_t)directions * d->hidden;
  uint64_t saved = PLANES * dg_size_round_up(d->hidden, UNIT);
  dg_op_sizes sizes = {.in = {dg_size_times(d->steps, d->in)},
                       .out = {d->sequence ? dg_size_times(d->steps, state) : state},
                       .intermediate = dg_op_volume(directions, d->steps, saved)};
  for (uint32_t direction = 0; direction < directions; direction++) {
    sizes.param[params++] = dg_size_times(rows, d->in);
    sizes.param[params++] = dg_size_times(rows, d->hidden);
    for (uint32_t b = 0; b < d->biases && b < 2; b++) sizes.param[params++] = rows;
  }
  return sizes;
}

static inline bool dg_recurrent_agrees(const void *desc) {
  const dg_recurrent_desc *d = desc;
  return (unsigned)d->cell <= DG_CELL_LSTM && d->biases <= 2;
}

static inline void dg_recurrent_operations(const void *desc, dg_op_operations *operations) {
  const dg_recurrent_desc *d = desc;
  double rows = (d->bidirectional ? 2.0 : 1.0) * dg_cell_gates(d->cell) * d->hidden;
  double a_column = 2 * rows * d->steps;
  operations->own = a_column * (d->in + d->hidden);
  operations->of_state = a_column * d->hidden;
}

static const dg_op_traits dg_recurrent_traits = {
    .sizes = dg_recurrent_sizes,
    .agrees = dg_recurrent_agrees,
    .operations = dg_recurrent_operations,
};

#endif
