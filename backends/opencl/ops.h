/** Ops of the backend interface: the choice of their implementations, and both directions
    together. */
#ifndef DG_OPENCL_OPS_H
#define DG_OPENCL_OPS_H

#include "backends/opencl/runtime/implementation.h"

/** The implementations of an op; NULL for a direction that isn't run. */
typedef struct {
  const dg_cl_implementation *forward, *backward;
} dg_cl_choice;

/** The implementations for a supported description. */
dg_cl_choice dg_cl_ops_choose(const dg_cl_device *device, const dg_op_desc *desc, uint32_t max_n,
                              bool train);

/* Functions of the interface. */

bool dg_cl_ops_supports(const dg_device *device, const dg_op_desc *desc);
dg_op *dg_cl_ops_prepare(dg_device *device, const dg_op_desc *desc, uint32_t max_n, bool train,
                         dg_error *err);
bool dg_cl_ops_needs(dg_device *device, const dg_op_desc *desc, uint32_t max_n, bool train,
                     dg_op_needs *needs, dg_error *err);
void dg_cl_ops_free(dg_op *op);
bool dg_cl_ops_forward(dg_op *op, const dg_op_buffers *buffers, const dg_step *step, dg_error *err);
bool dg_cl_ops_backward(dg_op *op, const dg_op_buffers *buffers, const dg_step *step,
                        dg_error *err);
bool dg_cl_ops_times(dg_op *op, dg_op_times *times, dg_error *err);

#endif
