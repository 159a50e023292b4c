/** Convolutions of sequences in groups of channels, dilated, or with unequal padding. */
#ifndef DG_OP_GROUPED_CONV1D_H
#define DG_OP_GROUPED_CONV1D_H

#include "core/op/epilogue.h"
#include "core/op/traits.h"
#include "core/op/window.h"

/**
 * in [n, steps, channels], param {weight [filters, channels / groups, kernel], bias [filters]},
 * out [n, out_steps, filters] = act(in correlated with weight + bias), as torch.nn.Conv1d: filter f
 * reads the channels of group f / (filters / groups), at distances of dilation. Zero padding: pad
 * steps before and end steps after;
 * out_steps = (steps + pad + end - dilation (kernel - 1) - 1) / stride + 1, rounded down.
 */
typedef struct {
  uint32_t steps, channels, filters, groups;
  uint32_t kernel, stride, dilation, pad, end;
  bool bias;
  dg_act act; /**< fused to the end */
} dg_grouped_conv1d_desc;

static inline uint32_t dg_grouped_conv1d_out(const dg_grouped_conv1d_desc *d) {
  return dg_window_dilated_out(d->steps, d->kernel, d->stride, d->dilation,
                               (uint64_t)d->pad + d->end);
}

static inline dg_op_sizes dg_grouped_conv1d_sizes(const void *desc) {
  const dg_grouped_conv1d_desc *d = desc;
  const uint32_t per_group = d->channels / (d->groups ? d->groups : 1);
  return (dg_op_sizes){
      .in = {dg_size_times(d->steps, d->channels)},
      .out = {dg_size_times(dg_grouped_conv1d_out(d), d->filters)},
      .param = {dg_op_volume(d->filters, per_group, d->kernel), d->bias ? d->filters : 0},
  };
}

static inline bool dg_grouped_conv1d_agrees(const void *desc) {
  const dg_grouped_conv1d_desc *d = desc;
  return d->groups && d->channels % d->groups == 0 && d->filters % d->groups == 0 && d->stride &&
         d->dilation;
}

static inline void dg_grouped_conv1d_operations(const void *desc, dg_op_operations *operations) {
  const dg_grouped_conv1d_desc *d = desc;
  const double sums = (double)dg_grouped_conv1d_out(d) * d->filters;
  operations->own = 2 * sums * (d->channels / d->groups) * d->kernel;
}

static const dg_op_traits dg_grouped_conv1d_traits = {
    .sizes = dg_grouped_conv1d_sizes,
    .agrees = dg_grouped_conv1d_agrees,
    .operations = dg_grouped_conv1d_operations,
    .bias = offsetof(dg_grouped_conv1d_desc, bias),
    .act = offsetof(dg_grouped_conv1d_desc, act),
};

#endif
