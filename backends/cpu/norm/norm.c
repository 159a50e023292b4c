#include "backends/cpu/norm/norm.h"

/** A block is summed in float: its sums have so few terms that they are accurate enough. */
enum { LANES = DG_NORM_LANES, BLOCK = 8 * LANES };

/* In each function the last loop processes the numbers that remain after the last whole lanes. */

void dg_norm_apply(size_t count, const float *restrict x, const float *restrict mean,
                   const float *restrict factor, const float *restrict bias, float *restrict y) {
  size_t whole = count - count % LANES;
  for (size_t i = 0; i < whole; i += LANES)
    for (size_t k = 0; k < LANES; k++) y[i + k] = (x[i + k] - mean[k]) * factor[k] + bias[k];
  for (size_t k = 0; k < count - whole; k++)
    y[whole + k] = (x[whole + k] - mean[k]) * factor[k] + bias[k];
}

/** Adds the sums of a block. */
static inline void add_part(const float *part, double *sum) {
  for (size_t k = 0; k < LANES; k++) sum[k] += (double)part[k];
}

void dg_norm_add(size_t count, const float *restrict x, double *restrict sum) {
  size_t whole = count - count % LANES;
  for (size_t i = 0; i < whole; i += BLOCK) {
    float part[LANES] = {0};
    for (size_t j = i; j < whole && j < i + BLOCK; j += LANES)
      for (size_t k = 0; k < LANES; k++) part[k] += x[j + k];
    add_part(part, sum);
  }
  for (size_t k = 0; k < count - whole; k++) sum[k] += (double)x[whole + k];
}

void dg_norm_add_products(size_t count, const float *restrict a, const float *restrict a_mean,
                          const float *restrict b, const float *restrict b_mean,
                          double *restrict sum) {
  size_t whole = count - count % LANES;
  for (size_t i = 0; i < whole; i += BLOCK) {
    float part[LANES] = {0};
    for (size_t j = i; j < whole && j < i + BLOCK; j += LANES)
      for (size_t k = 0; k < LANES; k++) part[k] += (a[j + k] - a_mean[k]) * (b[j + k] - b_mean[k]);
    add_part(part, sum);
  }
  for (size_t k = 0; k < count - whole; k++)
    sum[k] += (double)((a[whole + k] - a_mean[k]) * (b[whole + k] - b_mean[k]));
}

void dg_norm_fold(const dg_norm_group *g, double *lanes) {
  if (g->channels > 1) return;
  for (size_t half = LANES / 2; half > 0; half /= 2)
    for (size_t k = 0; k < half; k++) lanes[k] += lanes[k + half];
  for (size_t k = 1; k < LANES; k++) lanes[k] = lanes[0];
}

void dg_norm_statistics(const dg_norm_group *g, const float *x, double *mean, double *var) {
  double share = 1 / (double)dg_norm_count(g);
  float rounded[LANES];
  for (size_t k = 0; k < LANES; k++) mean[k] = var[k] = 0;
  for (size_t r = 0; r < g->runs; r++) dg_norm_add(g->length, x + g->first + r * g->step, mean);
  dg_norm_fold(g, mean);
  for (size_t k = 0; k < LANES; k++) rounded[k] = (float)(mean[k] *= share);
  for (size_t r = 0; r < g->runs; r++) {
    const float *run = x + g->first + r * g->step;
    dg_norm_add_products(g->length, run, rounded, run, rounded, var);
  }
  dg_norm_fold(g, var);
  for (size_t k = 0; k < LANES; k++) var[k] *= share;
}
