/** Waves of the built-in sets, by operations alone that IEEE 754 rounds exactly. */
#ifndef DG_DRAWN_WAVE_H
#define DG_DRAWN_WAVE_H

#include <math.h>

static inline float dg_fraction(float x) {
  return x - floorf(x);
}

/** A wave of period 1 made of parabolas, much like a sine. */
static inline float dg_wave(float x) {
  const float t = 2 * dg_fraction(x) - 1;
  return 4 * t * (fabsf(t) - 1);
}

#endif
