/** Convolutions: which are supported, and their implementations. */
#include "backends/cpu/conv2d/conv2d_shape.h"
#include "backends/cpu/conv2d/winograd/conv2d_winograd.h"

static bool supports(const dg_op_desc *desc) {
  const dg_conv2d_desc *d = &desc->conv2d;
  return d->channels > 0 && d->filters > 0 && d->height > 0 && d->width > 0 && d->kernel_h > 0 &&
         d->kernel_w > 0 && d->stride_h > 0 && d->stride_w > 0 && dg_conv_epilogue_supported(d);
}

const dg_cpu_family DG_ISA_NAME(dg_cpu_conv2d) = {
    .supports = supports,
    .forward = {&dg_conv_winograd_forward, &dg_conv_pooled_forward, &dg_conv_few_taps_forward,
                &dg_conv_direct_forward},
    .backward = {&dg_conv_winograd_backward, &dg_conv_col2im_backward, &dg_conv_direct_backward}};
