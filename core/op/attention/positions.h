/** Adds to each step what tells its position. */
#ifndef DG_OP_POSITIONS_H
#define DG_OP_POSITIONS_H

#include <math.h>

#include "core/op/traits.h"

/**
 * in [n, steps, width], out as in: in + a table [steps, width], which is param {weight}, or, if
 * `sinusoidal`, what dg_position_of says. The gradient of the weight is the sum over the samples,
 * in their order.
 */
typedef struct {
  uint32_t steps, width;
  bool sinusoidal;
} dg_positions_desc;

/** sin(step / 10000^(feature / width)) for an even feature; for an odd one the cosine of what the
    one before it has (Vaswani et al., Attention is all you need, arXiv:1706.03762, 3.5). */
static inline double dg_position_of(const dg_positions_desc *d, uint32_t step, uint32_t feature) {
  const double angle = step * pow(10000, -(double)(feature / 2 * 2) / d->width);
  return feature % 2 ? cos(angle) : sin(angle);
}

static inline dg_op_sizes dg_positions_sizes(const void *desc) {
  const dg_positions_desc *d = desc;
  dg_op_sizes sizes = dg_op_same_sizes(dg_size_times(d->steps, d->width));
  if (!d->sinusoidal) sizes.param[0] = sizes.in[0];
  return sizes;
}

static const dg_op_traits dg_positions_traits = {.sizes = dg_positions_sizes, .keeps_shape = true};

#endif
