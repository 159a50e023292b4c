/** Clears what is beyond the end of sequences. */
#ifndef DG_OP_MASK_STEPS_H
#define DG_OP_MASK_STEPS_H

#include "core/op/sequence/lengths.h"
#include "core/op/traits.h"

/**
 * in {x [n, steps, features], lengths [n]}, out [n, steps, features]: the steps before a sequence's
 * length as they are, or, if `reverse`, the last of them first; all others are 0, or minus infinity
 * if `lowest`. The lengths have no gradient: d_in[1] is DG_GRAD_NONE.
 */
typedef struct {
  uint32_t steps, features;
  bool reverse, lowest;
} dg_mask_steps_desc;

static inline dg_op_sizes dg_mask_steps_sizes(const void *desc) {
  const dg_mask_steps_desc *d = desc;
  uint64_t count = dg_size_times(d->steps, d->features);
  return (dg_op_sizes){.in = {count, 1}, .out = {count}};
}

static inline bool dg_mask_steps_agrees(const void *desc) {
  return ((const dg_mask_steps_desc *)desc)->steps <= DG_LENGTH_MOST;
}

static const dg_op_traits dg_mask_steps_traits = {
    .sizes = dg_mask_steps_sizes,
    .agrees = dg_mask_steps_agrees,
};

#endif
