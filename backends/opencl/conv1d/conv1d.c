/* Convolutions over steps: what can be fused to them, and their implementations. */
#include "backends/opencl/conv1d/conv1d_windows.h"
#include "backends/opencl/elementwise/leaky.h"

static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  return dg_cl_is_leaky(desc->conv1d.act);
}

const dg_cl_family dg_cl_conv1d = {.supports = supports,
                                   .forward = {&dg_cl_conv1d_windows_forward},
                                   .backward = {&dg_cl_conv1d_windows_backward}};
