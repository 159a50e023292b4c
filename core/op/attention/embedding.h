/** Rows of a table, chosen by whole numbers. */
#ifndef DG_OP_EMBEDDING_H
#define DG_OP_EMBEDDING_H

#include "core/op/traits.h"

/** Up to here, every whole number is a float. */
enum { DG_WORDS_MOST = 1 << 24 };

/**
 * in [n, steps], param {weight [words, width]}, out [n, steps, width]: row in[s][t] of the weight
 * (torch.nn.Embedding). Whoever feeds the op checks that its input is 0, 1 … words - 1; another
 * number chooses what dg_word_of says. A word's gradient is the sum over its places, in their
 * order; the input has none: d_in[0] is DG_GRAD_NONE.
 */
typedef struct {
  uint32_t steps, words, width;
} dg_embedding_desc;

/** The word of a number: 0 for what is below it or no number, the last for what is above it. */
static inline uint32_t dg_word_of(float number, uint32_t words) {
  if (!(number > 0)) return 0;
  return number < (float)words ? (uint32_t)number : words - 1;
}

static inline dg_op_sizes dg_embedding_sizes(const void *desc) {
  const dg_embedding_desc *d = desc;
  return (dg_op_sizes){.in = {d->steps},
                       .out = {dg_size_times(d->steps, d->width)},
                       .param = {dg_size_times(d->words, d->width)}};
}

static inline bool dg_embedding_agrees(const void *desc) {
  const dg_embedding_desc *d = desc;
  return d->words > 0 && d->words <= DG_WORDS_MOST;
}

static const dg_op_traits dg_embedding_traits = {
    .sizes = dg_embedding_sizes,
    .agrees = dg_embedding_agrees,
};

#endif
