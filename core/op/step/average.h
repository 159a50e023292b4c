/** Moving averages of parameters. */
#ifndef DG_OP_AVERAGE_H
#define DG_OP_AVERAGE_H

#include "core/op/traits.h"

/**
 * A moving average: in {values [count]}, out {average [count]}:
 * average = step.decay average + (1 - step.decay) values. The number of samples is ignored.
 */
typedef struct {
  uint32_t count; /**< a multiple of 16 */
} dg_average_desc;

static inline dg_op_sizes dg_average_sizes(const void *desc) {
  return (dg_op_sizes){.param = {((const dg_average_desc *)desc)->count}};
}

static const dg_op_traits dg_average_traits = {
    .sizes = dg_average_sizes,
    .is_sampleless = true,
};

#endif
