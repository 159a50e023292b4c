#include "backends/opencl/elementwise/drop.h"

bool dg_cl_drop_fits(dg_drop drop, dg_act act) {
  return drop.rate == 0 || (drop.rate > 0 && drop.rate < 1 && act.kind == DG_ACT_RELU);
}

bool dg_cl_drop_prepare(dg_cl_op *op, dg_drop drop, cl_kernel *kernel, dg_error *err) {
  *kernel = drop.rate > 0 ? dg_cl_kernel(op, DG_CL_ELEMENTS, "dropout", err) : NULL;
  return *kernel || !(drop.rate > 0);
}

bool dg_cl_drop_runs(dg_drop drop, const dg_step *step) {
  return step->train && drop.rate > 0;
}

float dg_cl_drop_scale(dg_drop drop) {
  return (float)(1.0 / (1.0 - (double)drop.rate));
}

bool dg_cl_drop(dg_cl_op *op, cl_kernel kernel, dg_drop drop, uint32_t count, const dg_buffer *from,
                const dg_buffer *to, bool add, const dg_step *step, dg_error *err) {
  const uint32_t threshold = (uint32_t)((double)drop.rate * 0x1p32);
  const dg_cl_range range =
      dg_cl_range_of((size_t[3]){dg_cl_ceil_div(count, 4 * dg_cl_width(op->device)), step->n, 1},
                     (size_t[3]){8, 1, 1});
  return dg_cl_launch(
      op, kernel, range,
      DG_CL_ARGS(dg_cl_mem(from), dg_cl_mem(to), dg_cl_u32(count), dg_cl_u32(threshold),
                 dg_cl_f32(dg_cl_drop_scale(drop)), dg_cl_u32(step->seed), dg_cl_u32(drop.stream),
                 dg_cl_u32(step->step), dg_cl_u32(step->batch_index), dg_cl_u32(add)),
      err);
}

bool dg_cl_drop_epilogue(dg_cl_op *op, cl_kernel kernel, dg_drop drop, uint32_t count,
                         const dg_buffer *out, const dg_step *step, dg_error *err) {
  return !dg_cl_drop_runs(drop, step) ||
         dg_cl_drop(op, kernel, drop, count, out, out, false, step, err);
}
