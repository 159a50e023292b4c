/** The sizes of transposed convolutions. */
#ifndef DG_LAYERS_TRANSPOSED_H
#define DG_LAYERS_TRANSPOSED_H

#include "core/layers/layer.h"

/** One dimension of a transposed convolution. */
typedef struct {
  uint32_t kernel, stride, dilation;
  uint32_t begin, end;     /**< padding: what is cut off */
  uint32_t output_padding; /**< what is added at the end */
} dg_transposed;

/** Replaces the padding by that which makes the output as large as the input times the stride. Half
    of it is cut off at the beginning, rounded down. */
void dg_transposed_same(dg_transposed *t);

/** The size of the output for `size` of the input. An output padding that isn't below the stride,
    or an output without numbers or with too many, is an error. */
bool dg_transposed_fit(const dg_transposed *t, uint32_t size, const dg_layer_site *site,
                       uint32_t *out, dg_error *err);

/** The weights [channels, filters / groups, kernel …] of `rank` and the bias [filters]. */
void dg_transposed_weights(dg_layer_plan *plan, dg_init_kind init, bool bias, uint32_t rank,
                           const uint32_t *dim, uint32_t groups);

#endif
