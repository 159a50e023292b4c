/** Local response normalization. */
#ifndef DG_OP_LRN_H
#define DG_OP_LRN_H

#include <math.h>

#include "core/op/traits.h"

/**
 * in [n, channels, plane], out as in: x / (k + alpha / size * sum)^beta, where the sum is that of
 * the squares of the same pixel in the channels from size / 2 before to (size - 1) / 2 after,
 * rounded down, as far as there are any (Krizhevsky, Sutskever and Hinton, 2012;
 * torch.nn.LocalResponseNorm).
 */
typedef struct {
  uint32_t channels, plane;
  uint32_t size;        /**< from 1 to 4096 */
  float alpha, beta, k; /**< alpha and beta >= 0, k > 0 */
} dg_lrn_desc;

static inline dg_op_sizes dg_lrn_sizes(const void *desc) {
  const dg_lrn_desc *d = desc;
  return dg_op_same_sizes(dg_size_times(d->channels, d->plane));
}

static inline bool dg_lrn_agrees(const void *desc) {
  const dg_lrn_desc *d = desc;
  return d->size >= 1 && d->size <= 4096 && isfinite(d->alpha) && isfinite(d->beta) &&
         isfinite(d->k) && d->alpha >= 0 && d->beta >= 0 && d->k > 0;
}

static inline void dg_lrn_operations(const void *desc, dg_op_operations *operations) {
  operations->own = (double)dg_lrn_sizes(desc).out[0] * ((const dg_lrn_desc *)desc)->size;
}

static const dg_op_traits dg_lrn_traits = {
    .sizes = dg_lrn_sizes,
    .agrees = dg_lrn_agrees,
    .operations = dg_lrn_operations,
    .keeps_shape = true,
};

#endif
