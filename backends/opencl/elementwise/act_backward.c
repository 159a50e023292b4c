#include "backends/opencl/elementwise/act_backward.h"

bool dg_cl_run_act_backward(dg_cl_op *op, cl_kernel kernel, const dg_cl_act_backward *how,
                            const dg_op_buffers *b, const dg_buffer *to, uint32_t n,
                            dg_error *err) {
  const uint32_t count = n * (uint32_t)dg_op_sizes_of(&op->desc).out[0];
  return dg_cl_launch(op, kernel, dg_cl_blocks(op->device, count, 1),
                      DG_CL_ARGS(dg_cl_mem(b->out[0]), dg_cl_mem(b->d_out), dg_cl_mem(to),
                                 dg_cl_u32(count), dg_cl_u32(how->act.kind),
                                 dg_cl_f32(how->act.slope), dg_cl_f32(how->scale),
                                 dg_cl_u32(how->add)),
                      err);
}
