#include "backends/opencl/elementwise/sum_columns.h"

bool dg_cl_sum_columns(dg_cl_op *op, cl_kernel kernel, const dg_buffer *from, uint32_t first,
                       const dg_buffer *to, uint32_t rows, uint32_t columns, dg_error *err) {
  return dg_cl_launch(op, kernel, dg_cl_blocks(op->device, columns, 1),
                      DG_CL_ARGS(dg_cl_mem(from), dg_cl_u32(first), dg_cl_mem(to), dg_cl_u32(rows),
                                 dg_cl_u32(columns)),
                      err);
}
