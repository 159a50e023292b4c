#include "backends/cpu/norm.h"

/** Numbers of a run from its number i on, at most a lane each. */
static size_t lanes_from(const dg_norm_group *g, size_t i) {
  return g->length - i < DG_NORM_LANES ? g->length - i : DG_NORM_LANES;
}

void dg_norm_fold(const dg_norm_group *g, double *lanes) {
  if (g->channels > 1) return;
  double sum = 0;
  for (size_t i = 0; i < DG_NORM_LANES; i++) sum += lanes[i];
  for (size_t i = 0; i < DG_NORM_LANES; i++) lanes[i] = sum;
}

void dg_norm_moments(const dg_norm_group *g, const float *x, double *mean, double *var) {
  double count = (double)dg_norm_count(g);
  for (size_t i = 0; i < DG_NORM_LANES; i++) mean[i] = var[i] = 0;
  for (size_t r = 0; r < g->runs; r++)
    for (size_t i = 0; i < g->length; i += DG_NORM_LANES) {
      const float *from = x + g->first + r * g->step + i;
      for (size_t k = 0; k < lanes_from(g, i); k++) mean[k] += (double)from[k];
    }
  dg_norm_fold(g, mean);
  for (size_t i = 0; i < DG_NORM_LANES; i++) mean[i] /= count;
  for (size_t r = 0; r < g->runs; r++)
    for (size_t i = 0; i < g->length; i += DG_NORM_LANES) {
      const float *from = x + g->first + r * g->step + i;
      for (size_t k = 0; k < lanes_from(g, i); k++) {
        double off = (double)from[k] - mean[k];
        var[k] += off * off;
      }
    }
  dg_norm_fold(g, var);
  for (size_t i = 0; i < DG_NORM_LANES; i++) var[i] /= count;
}
