/** The implementations of convolutions; conv2d.c chooses between them. */
#ifndef DG_OPENCL_CONV2D_H
#define DG_OPENCL_CONV2D_H

#include "backends/opencl/runtime/implementation.h"

extern const dg_cl_implementation dg_cl_conv2d_winograd_forward, dg_cl_conv2d_pixels_forward,
    dg_cl_conv2d_rows_forward, dg_cl_conv2d_planes_forward;
extern const dg_cl_implementation dg_cl_conv2d_winograd_backward, dg_cl_conv2d_pixels_backward,
    dg_cl_conv2d_planes_backward;

/** Predicates, each for both directions. */
bool dg_cl_conv2d_winograd_fits(const dg_cl_device *device, const dg_op_desc *desc, uint32_t max_n,
                                bool train);
bool dg_cl_conv2d_pixels_fits(const dg_cl_device *device, const dg_op_desc *desc, uint32_t max_n,
                              bool train);

#endif
