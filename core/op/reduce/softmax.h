/** Softmax and its logarithm over a dimension. */
#ifndef DG_OP_SOFTMAX_H
#define DG_OP_SOFTMAX_H

#include "core/op/traits.h"

/**
 * in [n, outer, count, inner], out as in: exp(x) / sum of exp over the dimension `count`, or its
 * logarithm (torch.nn.Softmax, LogSoftmax). The largest number is subtracted first, so that large
 * ones don't overflow. Minus infinity gives 0, or minus infinity; where there is nothing else, or a
 * NaN, or infinity, all results are NaN.
 */
typedef struct {
  uint32_t outer, count, inner;
  bool log;
} dg_softmax_desc;

static inline dg_op_sizes dg_softmax_sizes(const void *desc) {
  const dg_softmax_desc *d = desc;
  return dg_op_same_sizes(dg_op_volume(d->outer, d->count, d->inner));
}

static inline void dg_softmax_operations(const void *desc, dg_op_operations *operations) {
  operations->own = 4 * (double)dg_softmax_sizes(desc).out[0];
}

static const dg_op_traits dg_softmax_traits = {.sizes = dg_softmax_sizes,
                                               .operations = dg_softmax_operations};

#endif
