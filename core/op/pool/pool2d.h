/** Max and average pooling of images. */
#ifndef DG_OP_POOL2D_H
#define DG_OP_POOL2D_H

#include "core/op/traits.h"
#include "core/op/window.h"

/**
 * in [n, channels, height, width], out [n, channels, out_h, out_w], sizes as for conv2d;
 * padding is at most half the kernel. The maximum ignores the padding, and its gradient goes to the
 * first largest element in row-major order; a NaN counts as the largest. The average divides by
 * kernel_h * kernel_w and counts the padding as zeros.
 */
typedef struct {
  uint32_t channels, height, width;
  uint32_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
} dg_pool2d_desc;

static inline dg_op_sizes dg_pool2d_sizes(const void *desc) {
  const dg_pool2d_desc *d = desc;
  uint64_t height = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h);
  uint64_t width = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  return (dg_op_sizes){
      .in = {dg_op_volume(d->channels, d->height, d->width)},
      .out = {dg_op_volume(d->channels, height, width)},
      .intermediate = dg_op_volume(d->channels, dg_window_padded(d->height, d->stride_h, d->pad_h),
                                   dg_window_padded(d->width, d->stride_w, d->pad_w))};
}

static inline bool dg_pool2d_agrees(const void *desc) {
  const dg_pool2d_desc *d = desc;
  return d->stride_h && d->stride_w;
}

static inline void dg_pool2d_operations(const void *desc, dg_op_operations *operations) {
  const dg_pool2d_desc *d = desc;
  operations->own = (double)dg_pool2d_sizes(desc).out[0] * d->kernel_h * d->kernel_w;
}

static const dg_op_traits dg_maxpool2d_traits = {
    .sizes = dg_pool2d_sizes,
    .agrees = dg_pool2d_agrees,
    .operations = dg_pool2d_operations,
};

static const dg_op_traits dg_avgpool2d_traits = {
    .sizes = dg_pool2d_sizes,
    .agrees = dg_pool2d_agrees,
    .operations = dg_pool2d_operations,
};

#endif
