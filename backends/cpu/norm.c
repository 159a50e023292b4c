#include "backends/cpu/norm.h"

enum { LANES = DG_NORM_LANES };

/* In each function the second loop takes the numbers that are left behind the last whole lanes. */

void dg_norm_apply(size_t count, const float *restrict x, const float *restrict mean,
                   const float *restrict factor, const float *restrict bias, float *restrict y) {
  size_t whole = count - count % LANES;
  for (size_t i = 0; i < whole; i += LANES)
    for (size_t k = 0; k < LANES; k++) y[i + k] = (x[i + k] - mean[k]) * factor[k] + bias[k];
  for (size_t k = 0; k < count - whole; k++)
    y[whole + k] = (x[whole + k] - mean[k]) * factor[k] + bias[k];
}

void dg_norm_add(size_t count, const float *restrict x, double *restrict sum) {
  size_t whole = count - count % LANES;
  for (size_t i = 0; i < whole; i += LANES)
    for (size_t k = 0; k < LANES; k++) sum[k] += (double)x[i + k];
  for (size_t k = 0; k < count - whole; k++) sum[k] += (double)x[whole + k];
}

void dg_norm_add_products(size_t count, const float *restrict g, const float *restrict x,
                          const float *restrict mean, double *restrict sum) {
  size_t whole = count - count % LANES;
  for (size_t i = 0; i < whole; i += LANES)
    for (size_t k = 0; k < LANES; k++) sum[k] += (double)(g[i + k] * (x[i + k] - mean[k]));
  for (size_t k = 0; k < count - whole; k++)
    sum[k] += (double)(g[whole + k] * (x[whole + k] - mean[k]));
}

/** sum += (x[i] - mean)^2 */
static void add_squares(size_t count, const float *restrict x, const double *restrict mean,
                        double *restrict sum) {
  size_t whole = count - count % LANES;
  for (size_t i = 0; i < whole; i += LANES)
    for (size_t k = 0; k < LANES; k++) {
      double off = (double)x[i + k] - mean[k];
      sum[k] += off * off;
    }
  for (size_t k = 0; k < count - whole; k++) {
    double off = (double)x[whole + k] - mean[k];
    sum[k] += off * off;
  }
}

void dg_norm_fold(const dg_norm_group *g, double *lanes) {
  if (g->channels > 1) return;
  for (size_t half = LANES / 2; half > 0; half /= 2)
    for (size_t k = 0; k < half; k++) lanes[k] += lanes[k + half];
  for (size_t k = 1; k < LANES; k++) lanes[k] = lanes[0];
}

void dg_norm_moments(const dg_norm_group *g, const float *x, double *mean, double *var) {
  double share = 1 / (double)dg_norm_count(g);
  const float *first = x + g->first;
  for (size_t k = 0; k < LANES; k++) mean[k] = var[k] = 0;
  for (size_t r = 0; r < g->runs; r++) dg_norm_add(g->length, first + r * g->step, mean);
  dg_norm_fold(g, mean);
  for (size_t k = 0; k < LANES; k++) mean[k] *= share;
  for (size_t r = 0; r < g->runs; r++) add_squares(g->length, first + r * g->step, mean, var);
  dg_norm_fold(g, var);
  for (size_t k = 0; k < LANES; k++) var[k] *= share;
}
