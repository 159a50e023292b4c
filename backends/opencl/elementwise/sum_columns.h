/** Column sums of a matrix: for gradients of biases, and to add up the results of several parts. */
#ifndef DG_OPENCL_SUM_COLUMNS_H
#define DG_OPENCL_SUM_COLUMNS_H

#include "backends/opencl/runtime/op.h"

/** to[i] = the sum over the rows of a matrix that begins at `first`, by the kernel "sum_columns" of
    DG_CL_ELEMENTS. */
bool dg_cl_sum_columns(dg_cl_op *op, cl_kernel kernel, const dg_buffer *from, uint32_t first,
                       const dg_buffer *to, uint32_t rows, uint32_t columns, dg_error *err);

#endif
