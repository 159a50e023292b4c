/** Code shared by both poolings: the geometry of their windows, and the partition of planes. */
#ifndef DG_CPU_POOL2D_H
#define DG_CPU_POOL2D_H

#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

#define dg_pool_supports DG_ISA_NAME(dg_pool_supports)
#define dg_pool_window DG_ISA_NAME(dg_pool_window)
#define dg_pool_pieces DG_ISA_NAME(dg_pool_pieces)
#define dg_pool_planes DG_ISA_NAME(dg_pool_planes)

/** The sizes of a pooling op, as signed integers. */
typedef struct {
  int height, width, out_h, out_w;
  int kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
  size_t in_plane, out_plane; /**< elements of a plane */
} dg_window;

/** [begin, end) */
typedef struct {
  int begin, end;
} dg_range;

bool dg_pool_supports(const dg_op_desc *desc);

dg_window dg_pool_window(const dg_pool2d_desc *desc);

/** Number of pieces that the planes of a batch are cut into, in both directions. */
size_t dg_pool_pieces(const dg_cpu_op *op, const dg_step *step);

/** The planes of a piece. */
dg_span dg_pool_planes(const dg_cpu_region *region, size_t piece);

static inline int dg_at_least(int value, int low) {
  return value < low ? low : value;
}

static inline int dg_at_most(int value, int high) {
  return value > high ? high : value;
}

/** Is x larger than y for a max pooling? A NaN is larger than all numbers. */
static inline int dg_is_larger(float x, float y) {
  return (x > y) | ((x != x) & (y == y));
}

/** Are both equal, or both NaN? */
static inline int dg_is_equal(float x, float y) {
  return (x == y) | ((x != x) & (y != y));
}

/** Sets value[i] to row[i], with index first + i, where it is larger. */
static inline void dg_pool_take_row(int count, const float *restrict row, int first,
                                    float *restrict value, int32_t *restrict place) {
  for (int i = 0; i < count; i++) {
    float x = row[i], old = value[i];
    bool take = dg_is_larger(x, old);
    value[i] = take ? x : old;
    place[i] = take ? first + i : place[i];
  }
}

/** The elements of the window of output `o` that are inside `size` inputs, in one dimension. */
static inline dg_range dg_pool_taps(int o, int kernel, int stride, int pad, int size) {
  int first = o * stride - pad;
  return (dg_range){dg_at_least(-first, 0), dg_at_most(size - first, kernel)};
}

#endif
