/** The gradient before an activation that ends an op. */
#ifndef DG_OPENCL_ACT_BACKWARD_H
#define DG_OPENCL_ACT_BACKWARD_H

#include "backends/opencl/runtime/op.h"

/** What it is multiplied by, and whether it is added to what is there. */
typedef struct {
  dg_act act;
  float scale;
  bool add;
} dg_cl_act_backward;

/** to (+)= scale d_out act'(out) for `n` samples, by the kernel "activation_backward", which is in
    DG_CL_ELEMENTS and in programs that include elements.cl. */
bool dg_cl_run_act_backward(dg_cl_op *op, cl_kernel kernel, const dg_cl_act_backward *how,
                            const dg_op_buffers *b, const dg_buffer *to, uint32_t n, dg_error *err);

#endif
