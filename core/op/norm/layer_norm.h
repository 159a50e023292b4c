/** Layer normalization. */
#ifndef DG_OP_LAYER_NORM_H
#define DG_OP_LAYER_NORM_H

#include "core/op/traits.h"

/**
 * in [n, rows, count], param {weight [count], bias [count]}, out as in: each row minus its mean,
 * divided by sqrt(its biased variance + eps), times weight, plus bias (Ba, Kiros and Hinton,
 * arXiv:1607.06450; torch.nn.LayerNorm).
 */
typedef struct {
  uint32_t rows, count;
  float eps;
} dg_layer_norm_desc;

static inline dg_op_sizes dg_layer_norm_sizes(const void *desc) {
  const dg_layer_norm_desc *d = desc;
  dg_op_sizes sizes = dg_op_same_sizes(dg_size_times(d->rows, d->count));
  sizes.param[0] = sizes.param[1] = d->count;
  return sizes;
}

static const dg_op_traits dg_layer_norm_traits = {.sizes = dg_layer_norm_sizes,
                                                  .keeps_shape = true};

#endif
