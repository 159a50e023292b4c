/** Random numbers for the built-in sets, by operations alone that IEEE 754 rounds exactly: the same
    on every machine. */
#ifndef DG_NOISE_H
#define DG_NOISE_H

#include "core/base/philox.h"

/** Uniform between two numbers. */
static inline float dg_between(dg_random *r, float low, float high) {
  return low + (high - low) * dg_random_uniform(r);
}

/** Uniform with mean 0 and deviation 1. */
static inline float dg_flat(dg_random *r) {
  return 3.4641016f * (dg_random_uniform(r) - 0.5f);
}

/** Nearly normal with mean 0 and deviation 1: the sum of twelve uniform numbers. */
static inline float dg_noise(dg_random *r) {
  float sum = -6;
  for (int i = 0; i < 12; i++) sum += dg_random_uniform(r);
  return sum;
}

#endif
