/** Activations. */
#ifndef DG_OP_ACTIVATION_H
#define DG_OP_ACTIVATION_H

#include "core/op/epilogue.h"
#include "core/op/traits.h"

/** in [n, count], out [n, count] = act(in). */
typedef struct {
  uint32_t count;
  dg_act act;
} dg_activation_desc;

static inline dg_op_sizes dg_activation_sizes(const void *desc) {
  return dg_op_same_sizes(((const dg_activation_desc *)desc)->count);
}

static const dg_op_traits dg_activation_traits = {.sizes = dg_activation_sizes,
                                                  .keeps_shape = true};

#endif
