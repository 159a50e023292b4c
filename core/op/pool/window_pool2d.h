/** Max and average pooling of images over windows that pool2d doesn't have. */
#ifndef DG_OP_WINDOW_POOL2D_H
#define DG_OP_WINDOW_POOL2D_H

#include "core/op/traits.h"
#include "core/op/window.h"

/**
 * The windows along one dimension. Window i has `kernel` numbers in the distance `dilation`, from
 * number i stride - begin on; before and after the input there are `begin` and `end` numbers of
 * padding, beyond which the last window may reach. kernel 0: window i has the numbers from
 * i size / out, rounded down, to (i + 1) size / out, rounded up, and the rest is 0
 * (torch.nn.AdaptiveAvgPool2d).
 */
typedef struct {
  uint32_t size, out; /**< numbers of the input, windows */
  uint32_t kernel, stride, dilation, begin, end;
} dg_pool_axis;

/** The numbers of the input in a window: `count` from `first` on, by steps of `step`; and how many
    there are with the padding. */
typedef struct {
  uint32_t first, count, step, all;
} dg_pool_span;

static inline dg_pool_span dg_pool_span_of(const dg_pool_axis *a, uint32_t i) {
  if (!a->kernel) {
    const uint64_t first = (uint64_t)i * a->size / a->out;
    const uint64_t end = ((uint64_t)(i + 1) * a->size + a->out - 1) / a->out;
    return (dg_pool_span){(uint32_t)first, (uint32_t)(end - first), 1, (uint32_t)(end - first)};
  }
  const int64_t step = a->dilation, start = (int64_t)i * a->stride - a->begin;
  const int64_t last = start + (a->kernel - 1) * step;
  if (start >= 0 && last < a->size)
    return (dg_pool_span){(uint32_t)start, a->kernel, a->dilation, a->kernel};
  const int64_t skipped = start < 0 ? (step - 1 - start) / step : 0, first = start + skipped * step;
  const int64_t inside = (a->size - 1 - first) / step + 1, count = a->kernel - skipped;
  const int64_t all = ((int64_t)a->size + a->end - 1 - start) / step + 1;
  return (dg_pool_span){(uint32_t)first, (uint32_t)(count < inside ? count : inside), a->dilation,
                        (uint32_t)(all < a->kernel ? all : a->kernel)};
}

/** Numbers from the first to the last of a window. */
static inline uint64_t dg_pool_reach(const dg_pool_axis *a) {
  return dg_size_plus(dg_size_times(a->dilation, a->kernel - 1), 1);
}

/** Does every window hold a number of the input? */
static inline bool dg_pool_axis_agrees(const dg_pool_axis *a) {
  if (!a->size || !a->out) return false;
  if (!a->kernel) return !a->stride && !a->dilation && !a->begin && !a->end;
  const uint64_t reach = dg_pool_reach(a), padding = (uint64_t)a->begin + a->end;
  return a->stride && a->dilation && 2 * (uint64_t)a->begin <= reach &&
         2 * (uint64_t)a->end <= reach && (!a->begin || a->dilation <= a->size) &&
         dg_size_times(a->out - 1, a->stride) < (uint64_t)a->size + a->begin &&
         dg_size_fits(dg_size_plus(reach, a->size + padding));
}

/**
 * in [n, channels, rows.size, columns.size], out [n, channels, rows.out, columns.out]. The maximum
 * ignores the padding, and its gradient goes to the first largest element in row-major order; a NaN
 * counts as the largest. The average divides by the numbers of the input in the window, or, with
 * `count_padding`, by these and those of the padding, which are zeros; it has dilations of 1. No
 * padding is more than half of a window (torch.nn.MaxPool2d and AvgPool2d).
 */
typedef struct {
  uint32_t channels;
  dg_pool_axis rows, columns;
  bool count_padding;
} dg_window_pool2d_desc;

static inline dg_op_sizes dg_window_pool2d_sizes(const void *desc) {
  const dg_window_pool2d_desc *d = desc;
  return (dg_op_sizes){.in = {dg_op_volume(d->channels, d->rows.size, d->columns.size)},
                       .out = {dg_op_volume(d->channels, d->rows.out, d->columns.out)}};
}

static inline bool dg_window_maxpool2d_agrees(const void *desc) {
  const dg_window_pool2d_desc *d = desc;
  return dg_pool_axis_agrees(&d->rows) && dg_pool_axis_agrees(&d->columns);
}

static inline bool dg_window_avgpool2d_agrees(const void *desc) {
  const dg_window_pool2d_desc *d = desc;
  return dg_window_maxpool2d_agrees(desc) && d->rows.dilation <= 1 && d->columns.dilation <= 1;
}

/** About as many numbers as a window has. */
static inline double dg_pool_axis_numbers(const dg_pool_axis *a) {
  return a->kernel ? a->kernel : ((double)a->size + a->out - 1) / a->out;
}

static inline void dg_window_pool2d_operations(const void *desc, dg_op_operations *operations) {
  const dg_window_pool2d_desc *d = desc;
  operations->own = (double)dg_window_pool2d_sizes(desc).out[0] * dg_pool_axis_numbers(&d->rows) *
                    dg_pool_axis_numbers(&d->columns);
}

static const dg_op_traits dg_window_maxpool2d_traits = {
    .sizes = dg_window_pool2d_sizes,
    .agrees = dg_window_maxpool2d_agrees,
    .operations = dg_window_pool2d_operations,
};

static const dg_op_traits dg_window_avgpool2d_traits = {
    .sizes = dg_window_pool2d_sizes,
    .agrees = dg_window_avgpool2d_agrees,
    .operations = dg_window_pool2d_operations,
};

#endif
