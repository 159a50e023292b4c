/**
 * What the normalizations share. Numbers with one mean and variance lie in runs: of a batch norm
 * the plane of a channel in every row, of a layer norm one row. Where planes are single numbers,
 * neighbouring channels are taken together, each in a lane of its own, so that loops go along
 * memory either way.
 */
#ifndef DG_CPU_NORM_H
#define DG_CPU_NORM_H

#include <stddef.h>

#include "backends/cpu/isa.h"

#define dg_norm_moments DG_ISA_NAME(dg_norm_moments)
#define dg_norm_fold DG_ISA_NAME(dg_norm_fold)

/** Numbers handled at a time, each in its lane. */
enum { DG_NORM_LANES = 32 };

/** `runs` runs of `length` neighbours, `step` apart, from number `first` on. */
typedef struct {
  size_t first, runs, length, step;
  size_t channels; /**< 1, or, where every lane is a channel, `length` <= DG_NORM_LANES */
} dg_norm_group;

/** Numbers of each channel. */
static inline size_t dg_norm_count(const dg_norm_group *g) {
  return g->runs * (g->length / g->channels);
}

/** Sums by lane become sums by channel; those of a single channel are put in every lane. */
void dg_norm_fold(const dg_norm_group *group, double *lanes);

/** Mean and biased variance, in the lanes that they are for: two passes, sums in double. */
void dg_norm_moments(const dg_norm_group *group, const float *x, double *mean, double *var);

#endif
