/* Cases of recurrent layers: all options of every cell, and edge cases of tiles. */
#include <math.h>
#include <stdio.h>

#include "tests/common/cases/list.h"

typedef struct {
  uint32_t steps, in, hidden, max_n;
} shape;

static void add_shape(case_list *l, dg_recurrent_desc d, shape s) {
  d.steps = s.steps, d.in = s.in, d.hidden = s.hidden;
  dg_op_desc desc = {DG_OP_RECURRENT, {mode_of(l->count)}, .recurrent = d};
  add_case(l, desc, s.max_n, FILL_RANDOM);
}

/** Number of options of a cell: biases, sequence, bidirectional, hard_sigmoid, reset_before. */
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

static void recurrent_cases(case_list *l, dg_op_kind kind) {
  (void)kind;
  static const shape small[] = {{5, 3, 7, 3},   {1, 4, 5, 2},  {3, 1, 17, 1}, {4, 2, 1, 4},
                                {2, 17, 33, 5}, {6, 5, 16, 2}, {7, 33, 20, 3}};
  static const shape large[] = {{1, 1, 1, 1},    {3, 40, 128, 3}, {9, 20, 31, 6},   {2, 5, 65, 71},
                                {12, 32, 64, 9}, {5, 16, 48, 29}, {28, 28, 128, 33}};
  static const shape few[] = {{3, 2, 1, 1},  {4, 3, 5, 2},   {3, 7, 16, 3},
                              {2, 4, 33, 3}, {5, 9, 113, 3}, {3, 28, 128, 2}};
  for (int cell = DG_CELL_RNN; cell <= DG_CELL_LSTM; cell++) {
    for (size_t i = 0; i < choices(cell); i++)
      add_shape(l, choice(cell, i), small[l->count % COUNT(small)]);
    for (size_t i = 0; i < COUNT(large); i++)
      add_shape(l, choice(cell, 5 * (COUNT(large) - 1 - i)), large[i]);
    for (size_t i = 0; i < 2 * COUNT(few); i++) /* a GRU resets after its product, then before */
      add_shape(l, choice(cell, 7 * (i / 2) % 24 + 24 * (i % 2)), few[i / 2]);
  }
  dg_recurrent_desc conv1d_gru = {.cell = DG_CELL_GRU,
                                  .biases = 1,
                                  .sequence = true,
                                  .hard_sigmoid = true,
                                  .reset_before = true};
  add_shape(l, conv1d_gru, (shape){12, 32, 64, 5});
  conv1d_gru.sequence = false;
  add_shape(l, conv1d_gru, (shape){12, 64, 16, 5});
}

static void recurrent_text(const dg_op_desc *desc, char *text, size_t capacity) {
  const dg_recurrent_desc *d = &desc->recurrent;
  static const char *const names[] = {"rnn", "gru", "lstm"};
  snprintf(text, capacity, "%s, %u steps of %u to %s%u, %u biases%s%s%s", names[d->cell], d->steps,
           d->in, d->bidirectional ? "twice " : "", d->hidden, d->biases,
           d->sequence ? ", sequence" : "", d->hard_sigmoid ? ", hard sigmoid" : "",
           d->reset_before ? ", reset before" : "");
}

/** Biases reach the saturated ends of a hard sigmoid, except with a single unit: if its gate is
    nearly 1, the whole tensor consists of differences of almost equal numbers. */
static float recurrent_scale(const dg_op_desc *desc, uint32_t k) {
  const dg_recurrent_desc *d = &desc->recurrent;
  bool weight = k % (2 + d->biases) < 2;
  if (weight) return 1 / sqrtf((float)d->hidden);
  return d->hard_sigmoid && d->hidden > 1 ? 3 : 1;
}

const case_family cases_recurrent = {recurrent_cases, recurrent_text, recurrent_scale};
