/* The oracle's ops over sequences of unequal length. */
#include <math.h>

#include "oracle/family.h"

/** The steps of sample s that are there. */
static size_t length_of(const double *lengths, uint32_t s, uint32_t steps) {
  if (!(lengths[s] > 0)) return 0;
  return lengths[s] < steps ? (size_t)floor(lengths[s]) : steps;
}

/* ---- mask_steps ---------------------------------------------------------- */

static void mask_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  z->inputs = 2;
  z->in[0] = z->out = (size_t)desc->mask_steps.steps * desc->mask_steps.features;
  z->in[1] = 1;
}

/** Where number i of a sample's output comes from; -1: from beyond the end. */
static long mask_source(const dg_mask_steps_desc *d, size_t length, size_t i) {
  size_t step = i / d->features, feature = i % d->features;
  if (step >= length) return -1;
  return (long)((d->reverse ? length - 1 - step : step) * d->features + feature);
}

static void mask_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const dg_mask_steps_desc *d = &desc->mask_steps;
  size_t count = (size_t)d->steps * d->features;
  for (uint32_t s = 0; s < step->n; s++)
    for (size_t i = 0; i < count; i++) {
      long from = mask_source(d, length_of(t->in[1], s, d->steps), i);
      t->out[s * count + i] = from >= 0   ? t->in[0][s * count + (size_t)from]
                              : d->lowest ? -INFINITY
                                          : 0;
    }
}

static void mask_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                          const dg_step *step) {
  const dg_mask_steps_desc *d = &desc->mask_steps;
  size_t count = (size_t)d->steps * d->features;
  for (uint32_t s = 0; t->d_in[0] && s < step->n; s++)
    for (size_t i = 0; i < count; i++) {
      long from = mask_source(d, length_of(t->in[1], s, d->steps), i);
      if (from >= 0) t->d_in[0][s * count + (size_t)from] += dz[s * count + i];
    }
}

const oracle_family oracle_mask_steps = {mask_sizes, mask_forward, mask_backward};

/* ---- reduce_steps -------------------------------------------------------- */

static void reduce_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  z->inputs = 2;
  z->in[0] = (size_t)desc->reduce_steps.steps * desc->reduce_steps.features;
  z->in[1] = 1;
  z->out = desc->reduce_steps.features;
}

/** How much a step of a sequence counts. */
static double weight(const dg_reduce_steps_desc *d, size_t length, size_t step) {
  if (step >= length) return 0;
  return d->kind == DG_STEPS_MEAN ? 1 / (double)length : step + 1 == length;
}

static void reduce_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const dg_reduce_steps_desc *d = &desc->reduce_steps;
  for (uint32_t s = 0; s < step->n; s++) {
    size_t length = length_of(t->in[1], s, d->steps);
    for (size_t f = 0; f < d->features; f++) {
      double sum = 0;
      for (size_t k = 0; k < length; k++)
        if (weight(d, length, k) != 0)
          sum += weight(d, length, k) * t->in[0][(s * (size_t)d->steps + k) * d->features + f];
      t->out[(size_t)s * d->features + f] = sum;
    }
  }
}

static void reduce_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                            const dg_step *step) {
  const dg_reduce_steps_desc *d = &desc->reduce_steps;
  for (uint32_t s = 0; t->d_in[0] && s < step->n; s++)
    for (size_t k = 0; k < d->steps; k++)
      for (size_t f = 0; f < d->features; f++)
        t->d_in[0][(s * (size_t)d->steps + k) * d->features + f] +=
            weight(d, length_of(t->in[1], s, d->steps), k) * dz[(size_t)s * d->features + f];
}

const oracle_family oracle_reduce_steps = {reduce_sizes, reduce_forward, reduce_backward};

/* ---- window_lengths ------------------------------------------------------ */

static void lengths_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  (void)desc;
  z->in[0] = z->out = 1;
}

static void lengths_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const dg_window_lengths_desc *d = &desc->window_lengths;
  for (uint32_t s = 0; s < step->n; s++)
    t->out[s] = fmax(
        0, floor(((double)length_of(t->in[0], s, DG_LENGTH_MOST) + d->offset) / (double)d->stride));
}

static void lengths_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                             const dg_step *step) {
  (void)desc, (void)t, (void)dz, (void)step;
}

const oracle_family oracle_window_lengths = {lengths_sizes, lengths_forward, lengths_backward};
