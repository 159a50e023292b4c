/** A part of a dimension. */
#ifndef DG_OP_SLICE_H
#define DG_OP_SLICE_H

#include "core/op/traits.h"

/**
 * in [n, outer, count, inner], out [n, outer, length, inner]: of the dimension `count` the numbers
 * from `first` on (torch.narrow). The gradient of what is left out is 0.
 */
typedef struct {
  uint32_t outer, count, inner;
  uint32_t first, length; /**< length >= 1, first + length <= count */
} dg_slice_desc;

static inline dg_op_sizes dg_slice_sizes(const void *desc) {
  const dg_slice_desc *d = desc;
  return (dg_op_sizes){.in = {dg_op_volume(d->outer, d->count, d->inner)},
                       .out = {dg_op_volume(d->outer, d->length, d->inner)}};
}

static inline bool dg_slice_agrees(const void *desc) {
  const dg_slice_desc *d = desc;
  return d->length && d->first < d->count && d->length <= d->count - d->first;
}

static inline void dg_slice_operations(const void *desc, dg_op_operations *operations) {
  (void)desc;
  operations->own = 0;
}

static const dg_op_traits dg_slice_traits = {
    .sizes = dg_slice_sizes, .agrees = dg_slice_agrees, .operations = dg_slice_operations};

#endif
