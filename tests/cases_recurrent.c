/* Cases of recurrent layers: every choice of every cell, and the shapes that tiles stumble over. */
#include <math.h>
#include <stdio.h>

#include "tests/cases.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct {
  uint32_t steps, in, hidden, max_n;
} shape;

static layer_case make(size_t turn, dg_recurrent_desc d, shape s) {
  d.steps = s.steps, d.in = s.in, d.hidden = s.hidden;
  dg_op_desc desc = {DG_OP_RECURRENT, {layer_case_mode(turn)}, .recurrent = d};
  return (layer_case){desc, s.max_n, FILL_RANDOM};
}

/** How many choices a cell has: biases, sequence, bidirectional, hard_sigmoid, reset_before. */
static size_t choices(dg_cell_kind cell) {
  static const size_t counts[] = {3 * 2 * 2, 3 * 2 * 2 * 2 * 2, 3 * 2 * 2 * 2};
  return counts[cell];
}

/** One of them. */
static dg_recurrent_desc choice(dg_cell_kind cell, size_t number) {
  number %= choices(cell);
  return (dg_recurrent_desc){.cell = cell,
                             .biases = 2 - (uint32_t)(number % 3),
                             .sequence = number / 3 % 2,
                             .bidirectional = number / 6 % 2,
                             .hard_sigmoid = number / 12 % 2,
                             .reset_before = number / 24 % 2};
}

size_t recurrent_cases(layer_case *cases) {
  static const shape small[] = {{5, 3, 7, 3},   {1, 4, 5, 2},  {3, 1, 17, 1}, {4, 2, 1, 4},
                                {2, 17, 33, 5}, {6, 5, 16, 2}, {7, 33, 20, 3}};
  static const shape large[] = {{1, 1, 1, 1},    {3, 40, 128, 3}, {9, 20, 31, 6},   {2, 5, 65, 71},
                                {12, 32, 64, 9}, {5, 16, 48, 29}, {28, 28, 128, 33}};
  static const dg_recurrent_desc zoo = {
      .cell = DG_CELL_GRU, .biases = 1, .hard_sigmoid = true, .reset_before = true};
  size_t made = 0;
  for (int cell = DG_CELL_RNN; cell <= DG_CELL_LSTM; cell++) {
    for (size_t i = 0; i < choices(cell); i++, made++)
      if (cases) cases[made] = make(made, choice(cell, i), small[made % COUNT(small)]);
    for (size_t i = 0; i < COUNT(large); i++, made++)
      if (cases) cases[made] = make(made, choice(cell, 5 * (COUNT(large) - 1 - i)), large[i]);
  }
  static const shape conv1d_gru[] = {{12, 32, 64, 5}, {12, 64, 16, 5}};
  for (size_t i = 0; i < COUNT(conv1d_gru); i++, made++) {
    dg_recurrent_desc d = zoo;
    d.sequence = i == 0;
    if (cases) cases[made] = make(made, d, conv1d_gru[i]);
  }
  return made;
}

void recurrent_text(const dg_recurrent_desc *d, char *text, size_t room) {
  static const char *const names[] = {"rnn", "gru", "lstm"};
  snprintf(text, room, "%s, %u steps of %u to %s%u, %u biases%s%s%s", names[d->cell], d->steps,
           d->in, d->bidirectional ? "twice " : "", d->hidden, d->biases,
           d->sequence ? ", sequence" : "", d->hard_sigmoid ? ", hard sigmoid" : "",
           d->reset_before ? ", reset before" : "");
}

/** Biases reach the ends of a hard sigmoid, but not of a lone unit's: where its gate is nearly 1,
    the whole tensor is made of differences of almost equal numbers. */
float recurrent_param_scale(const dg_recurrent_desc *d, uint32_t k) {
  bool weight = k % (2 + d->biases) < 2;
  if (weight) return 1 / sqrtf((float)d->hidden);
  return d->hard_sigmoid && d->hidden > 1 ? 3 : 1;
}
