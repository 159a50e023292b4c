/** Convolutions of images in groups of channels, dilated, or with unequal padding. */
#ifndef DG_OP_GROUPED_CONV2D_H
#define DG_OP_GROUPED_CONV2D_H

#include "core/op/epilogue.h"
#include "core/op/traits.h"
#include "core/op/window.h"

/**
 * in [n, channels, height, width], param {weight [filters, channels / groups, kernel_h, kernel_w],
 * bias [filters]}, out [n, filters, out_h, out_w] = act(in correlated with weight + bias), as
 * torch.nn.Conv2d: filter f reads the channels of group f / (filters / groups), at distances of
 * dilation. Zero padding: pad_h rows above and end_h below, pad_w columns before and end_w after;
 * out_h = (height + pad_h + end_h - dilation_h (kernel_h - 1) - 1) / stride_h + 1, rounded down.
 * With groups = channels it is a depthwise convolution.
 */
typedef struct {
  uint32_t channels, height, width, filters, groups;
  uint32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
  uint32_t pad_h, pad_w, end_h, end_w;
  bool bias;
  dg_act act; /**< fused to the end */
} dg_grouped_conv2d_desc;

static inline uint32_t dg_grouped_conv2d_out_h(const dg_grouped_conv2d_desc *d) {
  return dg_window_dilated_out(d->height, d->kernel_h, d->stride_h, d->dilation_h,
                               (uint64_t)d->pad_h + d->end_h);
}

static inline uint32_t dg_grouped_conv2d_out_w(const dg_grouped_conv2d_desc *d) {
  return dg_window_dilated_out(d->width, d->kernel_w, d->stride_w, d->dilation_w,
                               (uint64_t)d->pad_w + d->end_w);
}

/** A bound on the padded channels of a group, in lines of whole strides and vectors. */
static inline uint64_t dg_grouped_conv2d_intermediate(const dg_grouped_conv2d_desc *d) {
  const uint64_t reach_h = (uint64_t)d->dilation_h * d->kernel_h,
                 reach_w = (uint64_t)d->dilation_w * d->kernel_w;
  const uint64_t lines = (uint64_t)d->height + d->pad_h + d->end_h + reach_h + d->stride_h;
  const uint64_t row =
      (uint64_t)d->width + d->pad_w + d->end_w + reach_w + 64 * (uint64_t)d->stride_w;
  return dg_op_volume(d->channels / (d->groups ? d->groups : 1), lines, row);
}

static inline dg_op_sizes dg_grouped_conv2d_sizes(const void *desc) {
  const dg_grouped_conv2d_desc *d = desc;
  const uint64_t per_group = d->channels / (d->groups ? d->groups : 1);
  return (dg_op_sizes){
      .in = {dg_op_volume(d->channels, d->height, d->width)},
      .out = {dg_op_volume(d->filters, dg_grouped_conv2d_out_h(d), dg_grouped_conv2d_out_w(d))},
      .param = {dg_size_times(d->filters, dg_op_volume(per_group, d->kernel_h, d->kernel_w)),
                d->bias ? d->filters : 0},
      .intermediate = dg_grouped_conv2d_intermediate(d),
  };
}

static inline bool dg_grouped_conv2d_agrees(const void *desc) {
  const dg_grouped_conv2d_desc *d = desc;
  return d->height && d->width && d->groups && d->channels % d->groups == 0 &&
         d->filters % d->groups == 0 && d->stride_h && d->stride_w && d->dilation_h &&
         d->dilation_w;
}

static inline void dg_grouped_conv2d_operations(const void *desc, dg_op_operations *operations) {
  const dg_grouped_conv2d_desc *d = desc;
  const double sums = (double)d->filters * dg_grouped_conv2d_out_h(d) * dg_grouped_conv2d_out_w(d);
  operations->own = 2 * sums * (d->channels / d->groups) * d->kernel_h * d->kernel_w;
}

static const dg_op_traits dg_grouped_conv2d_traits = {
    .sizes = dg_grouped_conv2d_sizes,
    .agrees = dg_grouped_conv2d_agrees,
    .operations = dg_grouped_conv2d_operations,
    .bias = offsetof(dg_grouped_conv2d_desc, bias),
    .act = offsetof(dg_grouped_conv2d_desc, act),
};

#endif
