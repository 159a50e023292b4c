/**
 * Lines of numbers along a dimension of [outer, count, inner]. Where inner is 1, a line is a row in
 * memory; else the lines of DG_VECTOR neighbours lie in the lanes of vectors.
 */
#ifndef DG_CPU_LINES_H
#define DG_CPU_LINES_H

#include <string.h>

#include "backends/cpu/elementwise/vector_math.h"

/** The lines of a unit of work: one row, or up to DG_VECTOR columns. */
typedef struct {
  size_t at;    /**< index of the first number */
  size_t out;   /**< index of the line among all lines */
  size_t lanes; /**< lines, if inner isn't 1 */
} dg_lines;

/** Units of a tensor of `outer` such matrices. */
static inline size_t dg_lines_units(size_t outer, size_t inner) {
  return inner == 1 ? outer : outer * ((inner + DG_VECTOR - 1) / DG_VECTOR);
}

static inline dg_lines dg_lines_of(size_t unit, size_t count, size_t inner) {
  if (inner == 1) return (dg_lines){unit * count, unit, 1};
  const size_t blocks = (inner + DG_VECTOR - 1) / DG_VECTOR, outer = unit / blocks;
  const size_t column = unit % blocks * DG_VECTOR, left = inner - column;
  return (dg_lines){outer * count * inner + column, outer * inner + column,
                    left < DG_VECTOR ? left : DG_VECTOR};
}

/** The first `lanes` numbers from x on; `other` in the other lanes. */
static inline dg_vector dg_lanes_load(const float *x, size_t lanes, float other) {
  if (lanes == DG_VECTOR) return *(const dg_vector *)x;
  dg_vector v = other - (dg_vector){0};
  memcpy(&v, x, lanes * sizeof *x);
  return v;
}

static inline void dg_lanes_store(dg_vector v, size_t lanes, float *to) {
  if (lanes == DG_VECTOR)
    *(dg_vector *)to = v;
  else
    memcpy(to, &v, lanes * sizeof *to);
}

/** Writes or adds a gradient. */
static inline void dg_lanes_grad(bool add, dg_vector v, size_t lanes, float *to) {
  if (add) v += dg_lanes_load(to, lanes, 0);
  dg_lanes_store(v, lanes, to);
}

/** a where the mask is set, b elsewhere. */
static inline dg_vector dg_lanes_pick(dg_int_vector mask, dg_vector a, dg_vector b) {
  return (dg_vector)(((dg_int_vector)a & mask) | ((dg_int_vector)b & ~mask));
}

/** The larger number of each lane; b where one of them is NaN. */
static inline dg_vector dg_lanes_larger(dg_vector a, dg_vector b) {
  return dg_lanes_pick(a > b, a, b);
}

static inline float dg_lanes_sum(dg_vector v) {
  float sum = 0;
  for (size_t i = 0; i < DG_VECTOR; i++) sum += v[i];
  return sum;
}

#endif
