/** The implementations of linear layers; linear.c says which is taken when. */
#ifndef DG_OPENCL_LINEAR_H
#define DG_OPENCL_LINEAR_H

#include "backends/opencl/runtime/implementation.h"

extern const dg_cl_implementation dg_cl_linear_clblast_forward, dg_cl_linear_panels,
    dg_cl_linear_inner;
extern const dg_cl_implementation dg_cl_linear_clblast_backward, dg_cl_linear_outer;

/** Is a linear layer CLBlast's? By default those are whose weights fill many tiles. */
bool dg_cl_linear_is_for_clblast(const dg_cl_device *device, const dg_linear_desc *desc);

#endif
