/**
 * Quantile regression by iteratively reweighted least squares (E. J. Schlossmacher, "An iterative
 * technique for absolute deviations curve fitting", 1973; with weights that differ above and below
 * the surface, a quantile instead of the median).
 */
#include "core/picture/light.h"

#include <math.h>

enum { TERMS = DG_LIGHT_TERMS, MAX_SAMPLES = 64, ROUNDS = 30 };

static const double share_below = 0.35,
                    nearest = 1.0; /* smaller distances, in gray levels, count as this */

/** Sums of weighted least squares: the normal equations [TERMS, TERMS + 1]. */
typedef double equations[TERMS][TERMS + 1];

/** The terms of the surface at a point. */
static void terms_at(const dg_light *light, uint32_t row, uint32_t column, double t[TERMS]) {
  double y = 2.0 * row / light->height - 1, x = 2.0 * column / light->width - 1;
  t[0] = 1, t[1] = y, t[2] = x, t[3] = y * y, t[4] = y * x, t[5] = x * x;
}

static double height_at(const dg_light *light, uint32_t row, uint32_t column) {
  double t[TERMS], sum = 0;
  terms_at(light, row, column, t);
  for (int i = 0; i < TERMS; i++) sum += t[i] * light->terms[i];
  return sum;
}

static void add(equations sums, const double t[TERMS], double value, double weight) {
  for (int i = 0; i < TERMS; i++) {
    for (int k = 0; k < TERMS; k++) sums[i][k] += weight * t[i] * t[k];
    sums[i][TERMS] += weight * t[i] * value;
  }
}

/** Solves the equations, which are positive definite, by Gaussian elimination. */
static void solve(equations e, double out[TERMS]) {
  for (int i = 0; i < TERMS; i++)
    for (int row = 0; row < TERMS; row++) {
      if (row == i) continue;
      double times = e[row][i] / e[i][i];
      for (int k = i; k <= TERMS; k++) e[row][k] -= times * e[i][k];
    }
  for (int i = 0; i < TERMS; i++) out[i] = e[i][TERMS] / e[i][i];
}

/** One iteration: fits again, weighted by the distance to the last fit. */
static void fit_again(dg_light *light, const uint8_t *pixels, uint32_t down, uint32_t across,
                      bool first) {
  equations sums = {{0}};
  for (int i = 0; i < TERMS; i++) sums[i][i] = 1e-6; /* flat where the pixels don't determine it */
  for (uint32_t y = 0; y < light->height; y += down)
    for (uint32_t x = 0; x < light->width; x += across) {
      double t[TERMS], value = pixels[(size_t)y * light->width + x];
      double above = first ? 0 : value - height_at(light, y, x);
      double weight = (above > 0 ? share_below : 1 - share_below) / fmax(fabs(above), nearest);
      terms_at(light, y, x, t);
      add(sums, t, value, weight);
    }
  solve(sums, light->terms);
}

dg_light dg_light_fit(const uint8_t *pixels, uint32_t height, uint32_t width) {
  dg_light light = {.height = height, .width = width};
  uint32_t down = (height - 1) / MAX_SAMPLES + 1, across = (width - 1) / MAX_SAMPLES + 1;
  for (int round = 0; round < ROUNDS; round++) fit_again(&light, pixels, down, across, round == 0);
  return light;
}

double dg_light_at(const dg_light *light, uint32_t row, uint32_t column) {
  return fmin(fmax(height_at(light, row, column), 0), 255);
}
