/** The loops of depthwise convolutions; those of usual kernels are compiled for their sizes. */
#include <string.h>

#include "backends/cpu/conv2d/grouped/depthwise.h"

enum { VECTORS = DG_DEPTHWISE_BLOCK / DG_VECTOR };

typedef int32_t mask_vector
    __attribute__((vector_size(DG_VECTOR * sizeof(int32_t)), aligned(4), may_alias));

/** Moves a column by `by` in rows of `pitch`. */
static inline size_t advance(size_t column, size_t by, size_t pitch) {
  column += by;
  return column >= pitch ? column - pitch : column;
}

static inline dg_vector keep(dg_vector v, const int32_t *mask) {
  return (dg_vector)((mask_vector)v & *(const mask_vector *)mask);
}

/** A block of the output, whose first number is in the column that `masks` begins with. */
static inline __attribute__((always_inline)) void
block_of(const dg_depthwise_sums *s, size_t groups, size_t taps, const int32_t *masks,
         const float *weight, float bias, const float *x, dg_vector out[VECTORS]) {
  for (size_t v = 0; v < VECTORS; v++) out[v] = bias - (dg_vector){0};
  for (size_t g = 0; g < groups; g++) {
    dg_vector sum[VECTORS] = {{0}};
    for (size_t t = g * taps; t < (g + 1) * taps; t++) {
      const float *from = x + s->offset[t];
      for (size_t v = 0; v < VECTORS; v++)
        sum[v] += weight[t] * *(const dg_vector *)(from + v * DG_VECTOR);
    }
    for (size_t v = 0; v < VECTORS; v++) out[v] += keep(sum[v], masks + s->mask[g] + v * DG_VECTOR);
  }
}

static inline __attribute__((always_inline)) void
correlate(const dg_depthwise_plan *plan, const dg_depthwise_sums *s, size_t groups, size_t taps,
          const float *weight, float bias, const float *x, size_t count, dg_grad_mode mode,
          float *y) {
  const size_t by = DG_DEPTHWISE_BLOCK % plan->pitch;
  dg_vector out[VECTORS];
  size_t i = 0, column = 0;
  for (; i + DG_DEPTHWISE_BLOCK <= count; i += DG_DEPTHWISE_BLOCK) {
    dg_vector *to = (dg_vector *)(y + i);
    block_of(s, groups, taps, plan->masks + column, weight, bias, x + i, out);
    for (size_t v = 0; v < VECTORS && mode == DG_GRAD_ADD; v++) out[v] += to[v];
    for (size_t v = 0; v < VECTORS; v++) to[v] = out[v];
    column = advance(column, by, plan->pitch);
  }
  if (i == count) return;
  float last[DG_DEPTHWISE_BLOCK];
  block_of(s, groups, taps, plan->masks + column, weight, bias, x + i, out);
  memcpy(last, out, sizeof last);
  dg_grad_store(mode, count - i, last, y + i);
}

void dg_depthwise_correlate(const dg_depthwise_plan *plan, uint32_t record, const float *filter,
                            float bias, const float *x, size_t count, dg_grad_mode mode, float *y) {
  float weight[DG_DEPTHWISE_MOST_TAPS];
  const dg_depthwise_sums sums = dg_depthwise_sums_at(plan, record);
  const size_t groups = sums.groups, taps = sums.taps;
  for (size_t t = 0; t < groups * taps; t++) weight[t] = filter[sums.weight[t]];
  if (groups == 3 && taps == 3)
    correlate(plan, &sums, 3, 3, weight, bias, x, count, mode, y);
  else if (groups == 5 && taps == 5)
    correlate(plan, &sums, 5, 5, weight, bias, x, count, mode, y);
  else
    correlate(plan, &sums, groups, taps, weight, bias, x, count, mode, y);
}

/** The products of `groups` columns of elements, the first one given. */
static inline __attribute__((always_inline)) void add_products(const dg_depthwise_plan *plan,
                                                               size_t first, size_t groups,
                                                               size_t taps, const float *x,
                                                               const float *d_z, float *lanes) {
  const size_t by = DG_VECTOR % plan->pitch;
  const dg_depthwise_sums s = dg_depthwise_sums_at(plan, 0);
  const uint32_t *offset = s.offset + first * taps, *mask = s.mask + first;
  dg_vector *to = (dg_vector *)lanes + first * taps, sum[9];
  for (size_t t = 0; t < groups * taps; t++) sum[t] = to[t];
  for (size_t i = 0, column = 0; i < plan->out; i += DG_VECTOR) {
    for (size_t g = 0; g < groups; g++) {
      const dg_vector part = keep(*(const dg_vector *)(d_z + i), plan->masks + mask[g] + column);
      for (size_t t = g * taps; t < (g + 1) * taps; t++)
        sum[t] += part * *(const dg_vector *)(x + offset[t] + i);
    }
    column = advance(column, by, plan->pitch);
  }
  for (size_t t = 0; t < groups * taps; t++) to[t] = sum[t];
}

/** The same of one element. */
static void add_product(const dg_depthwise_plan *plan, size_t group, size_t tap, const float *x,
                        const float *d_z, float *lanes) {
  const size_t by = DG_VECTOR % plan->pitch;
  const dg_depthwise_sums s = dg_depthwise_sums_at(plan, 0);
  const int32_t *masks = plan->masks + s.mask[group];
  dg_vector *to = (dg_vector *)lanes + tap, sum = *to;
  x += s.offset[tap];
  for (size_t i = 0, column = 0; i < plan->out; i += DG_VECTOR) {
    sum += keep(*(const dg_vector *)(d_z + i), masks + column) * *(const dg_vector *)(x + i);
    column = advance(column, by, plan->pitch);
  }
  *to = sum;
}

void dg_depthwise_weights(const dg_depthwise_plan *plan, const float *phases, const float *d_z,
                          float *lanes) {
  const dg_depthwise_sums s = dg_depthwise_sums_at(plan, 0);
  const size_t groups = s.groups, taps = s.taps;
  dg_vector *all = (dg_vector *)lanes + groups * taps, sum = *all;
  d_z += plan->d_z.front;
  for (size_t i = 0; i < plan->out; i += DG_VECTOR) sum += *(const dg_vector *)(d_z + i);
  *all = sum;
  if (groups == 3 && taps == 3) {
    add_products(plan, 0, 3, 3, phases, d_z, lanes);
    return;
  }
  for (size_t g = 0; g < groups; g++)
    if (taps == 5)
      add_products(plan, g, 1, 5, phases, d_z, lanes);
    else
      for (size_t t = 0; t < taps; t++) add_product(plan, g, g * taps + t, phases, d_z, lanes);
}
