/** Sums of several tensors. */
#ifndef DG_OP_ADD_H
#define DG_OP_ADD_H

#include "core/op/traits.h"

/** `inputs` tensors in [n, count], out [n, count] = their sum. */
typedef struct {
  uint32_t count, inputs; /**< 2 <= inputs <= DG_MAX_IN */
} dg_add_desc;

static inline dg_op_sizes dg_add_sizes(const void *desc) {
  const dg_add_desc *d = desc;
  dg_op_sizes sizes = {.out = {d->count}};
  for (uint32_t k = 0; k < d->inputs && k < DG_MAX_IN; k++) sizes.in[k] = d->count;
  return sizes;
}

static inline bool dg_add_agrees(const void *desc) {
  const dg_add_desc *d = desc;
  return d->inputs >= 2 && d->inputs <= DG_MAX_IN;
}

static const dg_op_traits dg_add_traits = {
    .sizes = dg_add_sizes,
    .agrees = dg_add_agrees,
    .keeps_shape = true,
};

#endif
