/**
 * Linear layers over several rows of a sample. There are many more rows than samples, so the
 * weights are packed, not the rows, and the gradient of the weights is a sum of products over a few
 * hundred rows each.
 */
#ifndef DG_CPU_LINEAR_ROWS_H
#define DG_CPU_LINEAR_ROWS_H

#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

#define dg_linear_gradients_by_blas DG_ISA_NAME(dg_linear_gradients_by_blas)
#define dg_linear_rows_forward DG_ISA_NAME(dg_linear_rows_forward)
#define dg_linear_rows_backward DG_ISA_NAME(dg_linear_rows_backward)

/** Computes d_weight and d_in of `rows` rows in all by OpenBLAS, from the gradient before the
    activation, whose rows are d_z_row floats apart. */
void dg_linear_gradients_by_blas(const dg_cpu_op *op, const dg_op_buffers *buffers, size_t rows,
                                 const float *d_z, size_t d_z_row);

extern const dg_cpu_implementation dg_linear_rows_forward, dg_linear_rows_backward;

#endif
