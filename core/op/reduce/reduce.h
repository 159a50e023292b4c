/** Sum, mean or maximum over a dimension. */
#ifndef DG_OP_REDUCE_H
#define DG_OP_REDUCE_H

#include "core/op/traits.h"

typedef enum { DG_REDUCE_SUM, DG_REDUCE_MEAN, DG_REDUCE_MAX, DG_REDUCE_KINDS } dg_reduce_kind;

/**
 * in [n, outer, count, inner], out [n, outer, inner]: the sum, mean or maximum over the dimension
 * `count` (torch.sum, mean, max). The gradient of a maximum goes to the first largest number; a NaN
 * counts as the largest.
 */
typedef struct {
  uint32_t outer, count, inner;
  dg_reduce_kind kind;
} dg_reduce_desc;

static inline dg_op_sizes dg_reduce_sizes(const void *desc) {
  const dg_reduce_desc *d = desc;
  return (dg_op_sizes){.in = {dg_op_volume(d->outer, d->count, d->inner)},
                       .out = {dg_size_times(d->outer, d->inner)}};
}

static inline bool dg_reduce_agrees(const void *desc) {
  const dg_reduce_desc *d = desc;
  return d->count > 0 && (unsigned)d->kind < DG_REDUCE_KINDS;
}

static inline void dg_reduce_operations(const void *desc, dg_op_operations *operations) {
  operations->own = (double)dg_reduce_sizes(desc).in[0];
}

static const dg_op_traits dg_reduce_traits = {
    .sizes = dg_reduce_sizes, .agrees = dg_reduce_agrees, .operations = dg_reduce_operations};

#endif
