/** Nearest-neighbour upsampling of images. */
#ifndef DG_OP_UPSAMPLE2D_H
#define DG_OP_UPSAMPLE2D_H

#include "core/op/traits.h"

/**
 * in [n, channels, height, width], out [n, channels, scale height, scale width]: each number is
 * repeated in a square of scale x scale (torch.nn.Upsample with mode "nearest"). Its gradient is
 * the sum over that square, in row-major order.
 */
typedef struct {
  uint32_t channels, height, width;
  uint32_t scale; /**< >= 1 */
} dg_upsample2d_desc;

static inline dg_op_sizes dg_upsample2d_sizes(const void *desc) {
  const dg_upsample2d_desc *d = desc;
  uint64_t in = dg_op_volume(d->channels, d->height, d->width);
  return (dg_op_sizes){.in = {in}, .out = {dg_op_volume(in, d->scale, d->scale)}};
}

static inline bool dg_upsample2d_agrees(const void *desc) {
  return ((const dg_upsample2d_desc *)desc)->scale > 0;
}

static const dg_op_traits dg_upsample2d_traits = {
    .sizes = dg_upsample2d_sizes,
    .agrees = dg_upsample2d_agrees,
};

#endif
