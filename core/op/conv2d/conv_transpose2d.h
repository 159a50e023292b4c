/** Transposed convolutions of images. */
#ifndef DG_OP_CONV_TRANSPOSE2D_H
#define DG_OP_CONV_TRANSPOSE2D_H

#include "core/op/conv2d/grouped_conv2d.h"

/**
 * The map from a convolution's output back to its input, as torch.nn.ConvTranspose2d. It is
 * described by that convolution (dg_grouped_conv2d_desc), so it reads the `filters` and gives the
 * `channels`: in [n, filters, out_h, out_w], param {weight [filters, channels / groups, kernel_h,
 * kernel_w], bias [channels]}, out [n, channels, height, width] = act(sum + bias). Each number of
 * the input, times the kernel, is added to the window that the convolution would read for it.
 */
static inline dg_op_sizes dg_conv_transpose2d_sizes(const void *desc) {
  const dg_grouped_conv2d_desc *d = desc;
  const dg_op_sizes sizes = dg_grouped_conv2d_sizes(desc);
  return (dg_op_sizes){.in = {sizes.out[0]},
                       .out = {sizes.in[0]},
                       .param = {sizes.param[0], d->bias ? d->channels : 0},
                       .intermediate = sizes.intermediate};
}

static const dg_op_traits dg_conv_transpose2d_traits = {
    .sizes = dg_conv_transpose2d_sizes,
    .agrees = dg_grouped_conv2d_agrees,
    .operations = dg_grouped_conv2d_operations,
    .act = offsetof(dg_grouped_conv2d_desc, act),
};

#endif
