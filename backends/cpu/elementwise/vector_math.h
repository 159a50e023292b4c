/**
 * Exponential, sigmoid, tanh and hard sigmoid of whole vectors, accurate to a few units in the last
 * place, also near 0. NaN gives NaN.
 */
#ifndef DG_CPU_VECTOR_MATH_H
#define DG_CPU_VECTOR_MATH_H

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "backends/cpu/gemm/micro_kernel.h"

typedef int32_t dg_int_vector __attribute__((vector_size(DG_VECTOR * sizeof(int32_t))));

/** Clamps each element of x to [low, high]. x86's instructions return the second operand if one is
    NaN. */
static inline dg_vector dg_clip(dg_vector x, float low, float high) {
#if defined(__AVX512F__)
  return (dg_vector)_mm512_min_ps(_mm512_set1_ps(high), _mm512_max_ps(_mm512_set1_ps(low), x));
#elif defined(__AVX2__)
  return (dg_vector)_mm256_min_ps(_mm256_set1_ps(high), _mm256_max_ps(_mm256_set1_ps(low), x));
#elif defined(__SSE2__)
  return (dg_vector)_mm_min_ps(_mm_set1_ps(high), _mm_max_ps(_mm_set1_ps(low), x));
#else
  dg_vector lows = low - (dg_vector){0}, highs = high - (dg_vector){0};
  dg_int_vector below = x<lows, above = x> highs;
  return (dg_vector)(((dg_int_vector)lows & below) | ((dg_int_vector)highs & above) |
                     ((dg_int_vector)x & ~(below | above)));
#endif
}

/** exp(x) in two parts: power * rest + power. */
typedef struct {
  dg_vector power, rest;
} dg_exp_parts;

/**
 * For -87 <= x <= 87: with x = k ln 2 + r and integer k, power is 2^k, and rest is exp(r) - 1 by
 * its series.
 */
static inline dg_exp_parts dg_exp_of(dg_vector x) {
  const float to_whole = 0x1.8p23f; /* a float this large has no fraction bits */
  dg_vector shifted = x * 0x1.715476p+0f + to_whole, k = shifted - to_whole;
  dg_vector r = x - k * 0x1.63p-1f - k * -0x1.bd0106p-13f; /* ln 2 in two parts: k * first exact */
  dg_vector series = r * (1.0f / 5040) + 1.0f / 720;
  series = series * r + 1.0f / 120;
  series = series * r + 1.0f / 24;
  series = series * r + 1.0f / 6;
  series = series * r + 0.5f;
  dg_vector power = (dg_vector)(((dg_int_vector)shifted + 127) << 23);
  return (dg_exp_parts){power, series * r * r + r};
}

/** exp(x); 0 below -87, where the result would be subnormal; above 87 it is exp(87). */
static inline dg_vector dg_exp(dg_vector x) {
  dg_exp_parts e = dg_exp_of(dg_clip(x, -87, 87));
  dg_int_vector vanishes = x < -87 - (dg_vector){0};
  return (dg_vector)((dg_int_vector)(e.power * e.rest + e.power) & ~vanishes);
}

/** exp(x) - 1 for -87 <= x <= 87. */
static inline dg_vector dg_exp_minus_1(dg_vector x) {
  dg_exp_parts e = dg_exp_of(x);
  return e.power * e.rest + (e.power - 1.0f);
}

static inline dg_vector dg_sigmoid(dg_vector x) {
  return 1.0f / (2.0f + dg_exp_minus_1(dg_clip(-x, -87, 87)));
}

/** Beyond 10 the result is 1 to the last place. */
static inline dg_vector dg_tanh(dg_vector x) {
  dg_vector e = dg_exp_minus_1(dg_clip(x + x, -20, 20));
  return e / (e + 2.0f);
}

/** clip(0.2 x + 0.5, 0, 1) */
static inline dg_vector dg_hard_sigmoid(dg_vector x) {
  return dg_clip(x * 0.2f + 0.5f, 0, 1);
}

#endif
