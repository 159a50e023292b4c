/** Convolutions of images. */
#ifndef DG_OP_CONV2D_H
#define DG_OP_CONV2D_H

#include "core/op/epilogue.h"
#include "core/op/traits.h"
#include "core/op/window.h"

/**
 * in [n, channels, height, width], param {weight [filters, channels, kernel_h, kernel_w],
 * bias [filters]}, out [n, filters, out_h, out_w] = act(in correlated with weight + bias);
 * out_h = (height + 2 pad_h - kernel_h) / stride_h + 1, rounded down; zero padding. With `pool`, a
 * max pooling over pool x pool windows follows, as DG_OP_MAXPOOL2D without padding and with strides
 * of pool; out is then [n, filters, out_h / pool, out_w / pool], rounded down. With `statistics` a
 * training step also writes out[1] [n, filters, 2]: the mean of each plane of out, and the sum of
 * squared deviations from it.
 */
typedef struct {
  uint32_t channels, height, width, filters;
  uint32_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
  bool bias;
  dg_act act;      /**< fused to the end */
  uint32_t pool;   /**< fused after act; 0: none */
  dg_drop drop;    /**< fused after both */
  bool statistics; /**< the statistics of out are also written */
} dg_conv2d_desc;

/** The padded input; or the padded gradient of the output, from which that of the input is
    gathered. */
static inline uint64_t dg_conv2d_intermediate(const dg_conv2d_desc *d) {
  uint64_t in = dg_op_volume(d->channels, dg_window_padded(d->height, d->stride_h, d->pad_h),
                             dg_window_padded(d->width, d->stride_w, d->pad_w));
  uint64_t out = dg_op_volume(d->filters, dg_window_full(d->height, d->kernel_h, d->pad_h),
                              dg_window_full(d->width, d->kernel_w, d->pad_w));
  return in > out ? in : out;
}

static inline dg_op_sizes dg_conv2d_sizes(const void *desc) {
  const dg_conv2d_desc *d = desc;
  uint64_t height = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h);
  uint64_t width = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  uint64_t pool = d->pool ? d->pool : 1;
  uint64_t taps = dg_op_volume(d->channels, d->kernel_h, d->kernel_w);
  uint64_t intermediate = dg_conv2d_intermediate(d),
           unpooled = dg_op_volume(d->filters, height, width);
  return (dg_op_sizes){
      .in = {dg_op_volume(d->channels, d->height, d->width)},
      .out = {dg_op_volume(d->filters, height / pool, width / pool),
              d->statistics ? 2 * (uint64_t)d->filters : 0},
      .param = {dg_size_times(d->filters, taps), d->bias ? d->filters : 0},
      .intermediate = intermediate > unpooled ? intermediate : unpooled,
  };
}

static inline bool dg_conv2d_agrees(const void *desc) {
  const dg_conv2d_desc *d = desc;
  return d->stride_h && d->stride_w;
}

/** The same for a sum at each position of the filters. */
static inline void dg_conv2d_operations(const void *desc, dg_op_operations *operations) {
  const dg_conv2d_desc *d = desc;
  double sums = (double)d->filters * dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h) *
                dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  operations->own = 2 * sums * d->channels * d->kernel_h * d->kernel_w;
}

static const dg_op_traits dg_conv2d_traits = {
    .sizes = dg_conv2d_sizes,
    .agrees = dg_conv2d_agrees,
    .operations = dg_conv2d_operations,
    .bias = offsetof(dg_conv2d_desc, bias),
    .act = offsetof(dg_conv2d_desc, act),
    .pool = offsetof(dg_conv2d_desc, pool),
    .drop = offsetof(dg_conv2d_desc, drop),
    .statistics = offsetof(dg_conv2d_desc, statistics),
};

#endif
