/** Large products by OpenBLAS, which is faster than our kernels if both operands are large. */
#ifndef DG_CPU_BLAS_H
#define DG_CPU_BLAS_H

#include "backends/cpu/runtime/pieces.h"

/** The layout of a matrix: element (i, j) at data[i * row + j], or at data[j * row + i]. */
typedef struct {
  const float *data;
  size_t row;
  bool transposed;
} dg_matrix;

/** Is OpenBLAS faster for products over this many samples? (Measured: docs/performance.md.) */
static inline bool dg_blas_is_faster(size_t samples) {
  return samples >= 256;
}

/** To be called once before dg_blas_multiply: OpenBLAS then creates no threads. */
void dg_blas_set_up(void);

/**
 * c [rows, columns] = or += a [rows, depth] b [depth, columns], c's rows `c_row` apart. Rows or
 * columns are cut into pieces, in the same way on every device.
 */
void dg_blas_multiply(const dg_cpu_device *device, size_t rows, size_t columns, size_t depth,
                      dg_matrix a, dg_matrix b, bool add, float *c, size_t c_row);

#endif
