/**
 * Two passes over a few planes, which stay in the cache between them. The first pass subtracts a
 * plane's first number, the second one its mean, so that numbers far from 0 don't cancel. Sums are
 * computed in lanes; the lanes of all planes of a group are added up together.
 */
#include "backends/cpu/conv2d/plane_statistics.h"

#include <stdint.h>
#include <string.h>

#include "backends/cpu/gemm/micro_kernel.h"
#include "backends/cpu/gemm/pack.h"

enum { LANES = DG_VECTOR, GROUP = 16 };

typedef int32_t lanes_mask __attribute__((vector_size(LANES * sizeof(int32_t)), may_alias));

/** LANES numbers minus `from`, or their squares; the first `but` of them count as 0. */
static inline dg_vector row_of(bool squares, const float *x, float from, size_t but) {
  static const int32_t place[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  dg_vector off = *(const dg_vector *)x - from;
  lanes_mask places;
  memcpy(&places, place, sizeof places);
  if (but) off = (dg_vector)((lanes_mask)off & (places >= (int32_t)but));
  if (squares) off *= off;
  return off;
}

/** sum[k] is the sum of the numbers x - from, or of their squares, in lane k. */
static inline void add_plane(bool squares, size_t count, const float *x, float from, float *sum) {
  dg_vector even = {0}, odd = {0};
  size_t i = 0;
  if (count < LANES) {
    for (size_t k = 0; k < LANES; k++)
      sum[k] = k >= count ? 0 : squares ? (x[k] - from) * (x[k] - from) : x[k] - from;
    return;
  }
  for (; i + 2 * LANES <= count; i += 2 * LANES) {
    even += row_of(squares, x + i, from, 0);
    odd += row_of(squares, x + i + LANES, from, 0);
  }
  if (i + LANES <= count) even += row_of(squares, x + i, from, 0), i += LANES;
  if (i < count) odd += row_of(squares, x + count - LANES, from, LANES - (count - i));
  *(dg_vector *)sum = even + odd;
}

/** total[p] = sum of the lanes of plane p. */
static void add_lanes(const float *sums, float *total) {
  float transposed[LANES * GROUP];
  dg_transpose(GROUP, LANES, sums, LANES, transposed, GROUP);
  for (size_t p = 0; p < GROUP; p++) total[p] = transposed[p];
  for (size_t k = 1; k < LANES; k++)
    for (size_t p = 0; p < GROUP; p++) total[p] += transposed[k * GROUP + p];
}

void dg_plane_statistics(size_t planes, size_t count, const float *x, float *statistics) {
  float sums[GROUP * LANES], total[GROUP], mean[GROUP];
  memset(sums, 0, sizeof sums);
  for (size_t first = 0; first < planes; first += GROUP, x += GROUP * count) {
    size_t some = planes - first < GROUP ? planes - first : GROUP;
    for (size_t p = 0; p < some; p++)
      add_plane(false, count, x + p * count, x[p * count], sums + p * LANES);
    add_lanes(sums, total);
    for (size_t p = 0; p < some; p++) {
      mean[p] = x[p * count] + total[p] / (float)count;
      add_plane(true, count, x + p * count, mean[p], sums + p * LANES);
    }
    add_lanes(sums, total);
    for (size_t p = 0; p < some; p++) {
      statistics[2 * (first + p)] = mean[p];
      statistics[2 * (first + p) + 1] = total[p];
    }
  }
}
