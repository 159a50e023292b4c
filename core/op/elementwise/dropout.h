/** Dropout. */
#ifndef DG_OP_DROPOUT_H
#define DG_OP_DROPOUT_H

#include "core/op/traits.h"

/**
 * in [n, count], out [n, count]. Testing: a copy. Training: element e of sample s is dropped if its
 * Philox word w is below floor(rate * 2^32), else multiplied by 1 / (1 - rate);
 * w = word e % 4 of counter {e / 4, batch_index + s, step, 0} under key {seed, stream}.
 */
typedef struct {
  uint32_t count;
  float rate;      /**< 0 <= rate < 1 */
  uint32_t stream; /**< dg_stream(DG_STREAM_DROPOUT, layer) */
} dg_dropout_desc;

static inline dg_op_sizes dg_dropout_sizes(const void *desc) {
  return dg_op_same_sizes(((const dg_dropout_desc *)desc)->count);
}

static const dg_op_traits dg_dropout_traits = {.sizes = dg_dropout_sizes, .keeps_shape = true};

#endif
