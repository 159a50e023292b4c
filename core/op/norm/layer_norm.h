/** Normalization of rows: by mean and variance, or by the root of the mean square alone. */
#ifndef DG_OP_LAYER_NORM_H
#define DG_OP_LAYER_NORM_H

#include "core/op/traits.h"

/**
 * in [n, rows, count], param {weight [count], bias [count]}, out as in: each row minus its mean,
 * divided by sqrt(its biased variance + eps), times weight, plus bias (Ba, Kiros and Hinton,
 * arXiv:1607.06450; torch.nn.LayerNorm).
 * As rms_norm, param {weight [count]}: each row divided by sqrt(the mean of its squares + eps),
 * times weight (Zhang and Sennrich, arXiv:1910.07467; torch.nn.RMSNorm).
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

static inline dg_op_sizes dg_rms_norm_sizes(const void *desc) {
  dg_op_sizes sizes = dg_layer_norm_sizes(desc);
  sizes.param[1] = 0;
  return sizes;
}

static const dg_op_traits dg_layer_norm_traits = {.sizes = dg_layer_norm_sizes,
                                                  .keeps_shape = true};

static const dg_op_traits dg_rms_norm_traits = {.sizes = dg_rms_norm_sizes, .keeps_shape = true};

#endif
