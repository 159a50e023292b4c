/** Lengths of sequences after windows over their steps. */
#ifndef DG_OP_WINDOW_LENGTHS_H
#define DG_OP_WINDOW_LENGTHS_H

#include "core/op/sequence/lengths.h"
#include "core/op/traits.h"

/**
 * in lengths [n], out [n]: floor((length + offset) / stride), or 0 if that is negative. A
 * convolution or pooling with a kernel, a stride s and padding p on both sides has the offset
 * 2 p - kernel + s. Several in a row are one of these, because, for whole numbers,
 *   floor((floor((l + a) / s) + b) / t) = floor((l + a + s b) / (s t)).
 * The lengths have no gradient: d_in[0] is DG_GRAD_NONE.
 */
typedef struct {
  int32_t offset;  /**< from -DG_LENGTH_MOST to DG_LENGTH_MOST */
  uint32_t stride; /**< from 1 to DG_LENGTH_MOST */
} dg_window_lengths_desc;

static inline uint32_t dg_window_length(const dg_window_lengths_desc *d, uint32_t length) {
  const int64_t moved = (int64_t)length + d->offset;
  return moved > 0 ? (uint32_t)(moved / d->stride) : 0;
}

static inline dg_op_sizes dg_window_lengths_sizes(const void *desc) {
  (void)desc;
  return dg_op_same_sizes(1);
}

static inline bool dg_window_lengths_agrees(const void *desc) {
  const dg_window_lengths_desc *d = desc;
  return d->stride >= 1 && d->stride <= DG_LENGTH_MOST && d->offset >= -DG_LENGTH_MOST &&
         d->offset <= DG_LENGTH_MOST;
}

static const dg_op_traits dg_window_lengths_traits = {
    .sizes = dg_window_lengths_sizes,
    .agrees = dg_window_lengths_agrees,
};

#endif
