/**
 * Code shared by the normalizations. Numbers with the same mean and variance form contiguous runs:
 * in a batch norm, the plane of a channel in every row; in a layer norm, one row. If planes are
 * single numbers, adjacent channels are processed together. Either way loops follow memory order:
 * number i of a run belongs to lane i % DG_NORM_LANES, which is the same channel in every run, and
 * sums are computed per lane, in double.
 */
#ifndef DG_CPU_NORM_H
#define DG_CPU_NORM_H

#include <stddef.h>

#include "backends/cpu/runtime/isa.h"

#define dg_norm_fold DG_ISA_NAME(dg_norm_fold)
#define dg_norm_statistics DG_ISA_NAME(dg_norm_statistics)
#define dg_norm_apply DG_ISA_NAME(dg_norm_apply)
#define dg_norm_add DG_ISA_NAME(dg_norm_add)
#define dg_norm_add_products DG_ISA_NAME(dg_norm_add_products)

enum { DG_NORM_LANES = 32 };

/** `runs` runs of `length` adjacent numbers, `step` apart, starting at number `first`. */
typedef struct {
  size_t first, runs, length, step;
  size_t channels; /**< 1; or, if every lane is a channel, `length` <= DG_NORM_LANES */
} dg_norm_group;

/** Numbers of each channel. */
static inline size_t dg_norm_count(const dg_norm_group *g) {
  return g->runs * (g->length / g->channels);
}

/** Turns sums by lane into sums by channel; the sum of a single channel is copied to every lane. */
void dg_norm_fold(const dg_norm_group *group, double *lanes);

/** Mean and biased variance, in the lanes that need them: two passes. */
void dg_norm_statistics(const dg_norm_group *group, const float *x, double *mean, double *var);

/* The following work on a part of a run that begins in lane 0; coefficients and sums are by
   lane. */

/** y[i] = (x[i] - mean) * factor + bias */
void dg_norm_apply(size_t count, const float *x, const float *mean, const float *factor,
                   const float *bias, float *y);
/** sum += x[i] */
void dg_norm_add(size_t count, const float *x, double *sum);
/** sum += (a[i] - a_mean) * (b[i] - b_mean); b may be a. */
void dg_norm_add_products(size_t count, const float *a, const float *a_mean, const float *b,
                          const float *b_mean, double *sum);

#endif
