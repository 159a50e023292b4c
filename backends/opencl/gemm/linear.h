/** The implementations of linear layers; linear.c chooses between them. */
#ifndef DG_OPENCL_LINEAR_H
#define DG_OPENCL_LINEAR_H

#include "backends/opencl/runtime/implementation.h"

extern const dg_cl_implementation dg_cl_linear_clblast_forward, dg_cl_linear_packed,
    dg_cl_linear_inner;
extern const dg_cl_implementation dg_cl_linear_clblast_backward, dg_cl_linear_outer;

/** The predicate of CLBlast: by default it accepts layers whose weights fill many tiles. */
bool dg_cl_linear_clblast_fits(const dg_cl_device *device, const dg_op_desc *desc, uint32_t max_n,
                               bool train);

#endif
