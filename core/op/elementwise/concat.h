/** Concatenation of several tensors. */
#ifndef DG_OP_CONCAT_H
#define DG_OP_CONCAT_H

#include "core/op/traits.h"

/** Input k in [n, rows, count[k]], out [n, rows, sum of count]: the concatenation of their rows. */
typedef struct {
  uint32_t rows, inputs, count[DG_MAX_IN]; /**< 2 <= inputs <= DG_MAX_IN */
} dg_concat_desc;

static inline dg_op_sizes dg_concat_sizes(const void *desc) {
  const dg_concat_desc *d = desc;
  dg_op_sizes sizes = {.out = {0}};
  for (uint32_t k = 0; k < d->inputs && k < DG_MAX_IN; k++) {
    sizes.in[k] = dg_size_times(d->rows, d->count[k]);
    sizes.out[0] = dg_size_plus(sizes.out[0], sizes.in[k]);
  }
  return sizes;
}

static inline bool dg_concat_agrees(const void *desc) {
  const dg_concat_desc *d = desc;
  return d->inputs >= 2 && d->inputs <= DG_MAX_IN;
}

static const dg_op_traits dg_concat_traits = {.sizes = dg_concat_sizes, .agrees = dg_concat_agrees};

#endif
