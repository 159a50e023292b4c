#include "backends/opencl/conv2d/bias.h"

#include "backends/opencl/elementwise/sum_columns.h"

bool dg_cl_bias_prepare(dg_cl_op *op, dg_cl_bias *bias, dg_error *err) {
  if (!op->desc.conv2d.bias) return true;
  bias->sum_planes = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_planes", err);
  bias->sum_columns = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_columns", err);
  return bias->sum_planes && bias->sum_columns;
}

bool dg_cl_bias_find(dg_cl_op *op, const dg_cl_bias *bias, const dg_cl_bias_sum *s, dg_error *err) {
  const uint32_t planes = s->n * s->filters;
  if (!op->desc.conv2d.bias) return true;
  return dg_cl_launch(op, bias->sum_planes,
                      dg_cl_range_of((size_t[3]){planes, 1, 1}, (size_t[3]){8, 1, 1}),
                      DG_CL_ARGS(dg_cl_mem(s->from), dg_cl_u32(s->first), dg_cl_u32(s->plane),
                                 dg_cl_mem(s->of), dg_cl_f32(s->slope), dg_cl_mem(s->sums),
                                 dg_cl_u32(s->first_sum), dg_cl_u32(s->count), dg_cl_u32(planes)),
                      err) &&
         dg_cl_sum_columns(op, bias->sum_columns, s->sums, s->first_sum, s->to, s->n, s->filters,
                           err);
}
