/** One step for a whole sequence: its last one, or the mean of all. */
#ifndef DG_OP_REDUCE_STEPS_H
#define DG_OP_REDUCE_STEPS_H

#include "core/op/sequence/lengths.h"
#include "core/op/traits.h"

typedef enum {
  DG_STEPS_LAST, /**< the step before the sequence's length */
  DG_STEPS_MEAN, /**< the mean of the steps before its length */
} dg_steps_kind;

/**
 * in {x [n, steps, features], lengths [n]}, out [n, features]; 0 for a sequence of length 0. The
 * gradient of the other steps is 0; the lengths have none: d_in[1] is DG_GRAD_NONE.
 */
typedef struct {
  dg_steps_kind kind;
  uint32_t steps, features;
} dg_reduce_steps_desc;

/** The steps [begin, end) of a sequence that count, and the factor of each. */
typedef struct {
  uint32_t begin, end;
  float factor;
} dg_steps_range;

static inline dg_steps_range dg_steps_range_of(const dg_reduce_steps_desc *d, float number) {
  const uint32_t length = dg_length_of(number, d->steps);
  if (length == 0) return (dg_steps_range){0};
  if (d->kind == DG_STEPS_LAST) return (dg_steps_range){length - 1, length, 1};
  return (dg_steps_range){0, length, 1 / (float)length};
}

static inline dg_op_sizes dg_reduce_steps_sizes(const void *desc) {
  const dg_reduce_steps_desc *d = desc;
  return (dg_op_sizes){.in = {dg_size_times(d->steps, d->features), 1}, .out = {d->features}};
}

static inline bool dg_reduce_steps_agrees(const void *desc) {
  const dg_reduce_steps_desc *d = desc;
  return d->steps <= DG_LENGTH_MOST && (unsigned)d->kind <= DG_STEPS_MEAN;
}

static inline void dg_reduce_steps_operations(const void *desc, dg_op_operations *operations) {
  const dg_reduce_steps_desc *d = desc;
  if (d->kind == DG_STEPS_MEAN) operations->own = (double)d->steps * d->features;
}

static const dg_op_traits dg_reduce_steps_traits = {
    .sizes = dg_reduce_steps_sizes,
    .agrees = dg_reduce_steps_agrees,
    .operations = dg_reduce_steps_operations,
};

#endif
