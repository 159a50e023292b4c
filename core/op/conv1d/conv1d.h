/** Convolutions of sequences. */
#ifndef DG_OP_CONV1D_H
#define DG_OP_CONV1D_H

#include "core/op/epilogue.h"
#include "core/op/traits.h"
#include "core/op/window.h"

/**
 * in [n, steps, in], param {weight [filters, in, kernel], bias [filters]},
 * out [n, out_steps, filters] = act(in correlated with weight + bias);
 * out_steps = (steps + 2 pad - kernel) / stride + 1, rounded down; zero padding.
 */
typedef struct {
  uint32_t steps, in, filters, kernel, stride, pad;
  bool bias;
  dg_act act; /**< fused to the end */
} dg_conv1d_desc;

static inline dg_op_sizes dg_conv1d_sizes(const void *desc) {
  const dg_conv1d_desc *d = desc;
  uint64_t steps = dg_window_out(d->steps, d->kernel, d->stride, d->pad);
  uint64_t in = dg_size_times(d->in, dg_window_padded(d->steps, d->stride, d->pad));
  uint64_t out = dg_size_times(d->filters, dg_window_full(d->steps, d->kernel, d->pad));
  return (dg_op_sizes){
      .in = {dg_size_times(d->steps, d->in)},
      .out = {dg_size_times(steps, d->filters)},
      .param = {dg_op_volume(d->filters, d->in, d->kernel), d->bias ? d->filters : 0},
      .intermediate = in > out ? in : out};
}

static inline bool dg_conv1d_agrees(const void *desc) {
  return ((const dg_conv1d_desc *)desc)->stride;
}

static inline void dg_conv1d_operations(const void *desc, dg_op_operations *operations) {
  const dg_conv1d_desc *d = desc;
  double outputs = (double)dg_conv1d_sizes(desc).out[0];
  operations->own = 2.0 * outputs * d->in * d->kernel;
}

static const dg_op_traits dg_conv1d_traits = {
    .sizes = dg_conv1d_sizes,
    .agrees = dg_conv1d_agrees,
    .operations = dg_conv1d_operations,
    .bias = offsetof(dg_conv1d_desc, bias),
    .act = offsetof(dg_conv1d_desc, act),
};

#endif
