#include "backends/cpu/gemm/gemv.h"

#include "backends/cpu/gemm/micro_kernel.h"

/** Rows that are summed at a time: enough to hide the latency of an addition. */
enum { ROWS = 8 };

/** The sum of a vector's numbers, by halves. */
static inline float fold(dg_vector v) {
  float lane[DG_VECTOR];
  *(dg_vector *)lane = v;
  for (size_t half = DG_VECTOR / 2; half > 0; half /= 2)
    for (size_t i = 0; i < half; i++) lane[i] += lane[i + half];
  return lane[0];
}

/** `rows` <= ROWS, a constant after inlining. */
static inline __attribute__((always_inline)) void
dot_block(const size_t rows, size_t depth, const float *a, const float *x, float *y) {
  dg_vector sum[ROWS] = {{0}};
  size_t whole = depth - depth % DG_VECTOR;
  for (size_t k = 0; k < whole; k += DG_VECTOR)
    for (size_t j = 0; j < rows; j++)
      sum[j] += *(const dg_vector *)(a + j * depth + k) * *(const dg_vector *)(x + k);
  for (size_t j = 0; j < rows; j++) {
    float rest = 0;
    for (size_t k = whole; k < depth; k++) rest += a[j * depth + k] * x[k];
    y[j] = fold(sum[j]) + rest;
  }
}

void dg_gemv(size_t rows, size_t depth, const float *a, const float *x, float *y) {
  size_t whole = rows - rows % ROWS;
  for (size_t j = 0; j < whole; j += ROWS) dot_block(ROWS, depth, a + j * depth, x, y + j);
  for (size_t j = whole; j < rows; j++) dot_block(1, depth, a + j * depth, x, y + j);
}
