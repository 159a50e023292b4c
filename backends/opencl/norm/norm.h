/** Code shared by both normalizations: tensors as lines, and columns in blocks. */
#ifndef DG_OPENCL_NORM_H
#define DG_OPENCL_NORM_H

#include "backends/opencl/runtime/op.h"

/** Lines of a block of columns, as in cl/norm/norm.cl. */
enum { DG_CL_NORM_BLOCK = 64 };

/** A tensor as lines, and how many of them a work-group takes: enough to be worth launching it. */
typedef struct {
  uint32_t lines, length, share;
} dg_cl_lines;

dg_cl_lines dg_cl_lines_of(uint32_t lines, uint32_t length);

/** One work-group per share of the lines. */
dg_cl_range dg_cl_line_range(const dg_cl_op *op, const dg_cl_lines *lines);

/** Columns of `length` numbers in blocks. */
dg_cl_range dg_cl_column_range(const dg_cl_op *op, uint32_t length, uint32_t blocks);

#endif
