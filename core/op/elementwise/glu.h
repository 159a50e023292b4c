/** Gated linear units. */
#ifndef DG_OP_GLU_H
#define DG_OP_GLU_H

#include "core/op/traits.h"

/**
 * in [n, rows, 2, count], out [n, rows, count]: a sigmoid(b), where a is the first half of a row
 * and b the second (Dauphin et al., arXiv:1612.08083; torch.nn.GLU).
 */
typedef struct {
  uint32_t rows, count;
} dg_glu_desc;

static inline dg_op_sizes dg_glu_sizes(const void *desc) {
  const dg_glu_desc *d = desc;
  return (dg_op_sizes){.in = {dg_op_volume(d->rows, 2, d->count)},
                       .out = {dg_size_times(d->rows, d->count)}};
}

static const dg_op_traits dg_glu_traits = {.sizes = dg_glu_sizes};

#endif
