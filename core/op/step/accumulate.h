/** Sums of the results of a batch's slices. */
#ifndef DG_OP_ACCUMULATE_H
#define DG_OP_ACCUMULATE_H

#include "core/op/traits.h"

/**
 * in {values [count]}, out {sums [count]}: sums = sums + values, each a single addition in float.
 * The number of samples is ignored.
 */
typedef struct {
  uint32_t count; /**< a multiple of 16 */
} dg_accumulate_desc;

static inline dg_op_sizes dg_accumulate_sizes(const void *desc) {
  return (dg_op_sizes){.param = {((const dg_accumulate_desc *)desc)->count}};
}

static const dg_op_traits dg_accumulate_traits = {
    .sizes = dg_accumulate_sizes,
    .is_sampleless = true,
};

#endif
