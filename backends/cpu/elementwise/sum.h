/** Sums of many floats, in lanes: so that they vectorize and rounding errors stay small. */
#ifndef DG_CPU_SUM_H
#define DG_CPU_SUM_H

#include <stddef.h>

static inline double dg_sum(size_t count, const float *x) {
  enum { LANES = 16 };
  float lane[LANES] = {0}, rest = 0;
  size_t whole = count - count % LANES;
  for (size_t i = 0; i < whole; i += LANES)
    for (size_t k = 0; k < LANES; k++) lane[k] += x[i + k];
  for (size_t i = whole; i < count; i++) rest += x[i];
  double sum = (double)rest;
  for (size_t k = 0; k < LANES; k++) sum += (double)lane[k];
  return sum;
}

#endif
