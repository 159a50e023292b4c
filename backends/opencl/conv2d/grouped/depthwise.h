/** Depthwise convolutions on CPUs: a work-item processes whole planes. */
#ifndef DG_OPENCL_DEPTHWISE_H
#define DG_OPENCL_DEPTHWISE_H

#include "backends/opencl/runtime/implementation.h"

extern const dg_cl_implementation dg_cl_depthwise_forward, dg_cl_depthwise_backward;

#endif
