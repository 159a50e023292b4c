#include "backends/opencl/norm/norm.h"

dg_cl_lines dg_cl_lines_of(uint32_t lines, uint32_t length) {
  enum { NUMBERS = 4096 };
  return (dg_cl_lines){lines, length, length < NUMBERS ? NUMBERS / length : 1};
}

dg_cl_range dg_cl_line_range(const dg_cl_op *op, const dg_cl_lines *s) {
  const size_t group = dg_cl_group(op->device);
  return (dg_cl_range){.global = {group, dg_cl_ceil_div(s->lines, s->share), 1},
                       .local = {group, 1, 1}};
}

dg_cl_range dg_cl_column_range(const dg_cl_op *op, uint32_t length, uint32_t blocks) {
  return dg_cl_range_of((size_t[3]){dg_cl_ceil_div(length, dg_cl_width(op->device)), blocks, 1},
                        (size_t[3]){4, 1, 1});
}
