/** ReLU with slopes that are learned. */
#ifndef DG_OP_PRELU_H
#define DG_OP_PRELU_H

#include "core/op/traits.h"

/**
 * in [n, rows, channels, plane], param {weight [channels]}, out as in: x > 0 ? x : weight x, with
 * the derivative weight at 0 (He et al., arXiv:1502.01852; torch.nn.PReLU). One weight for all
 * numbers is that of one channel.
 */
typedef struct {
  uint32_t rows, channels, plane;
} dg_prelu_desc;

static inline dg_op_sizes dg_prelu_sizes(const void *desc) {
  const dg_prelu_desc *d = desc;
  dg_op_sizes sizes = dg_op_same_sizes(dg_op_volume(d->rows, d->channels, d->plane));
  sizes.param[0] = d->channels;
  return sizes;
}

static const dg_op_traits dg_prelu_traits = {.sizes = dg_prelu_sizes, .keeps_shape = true};

#endif
