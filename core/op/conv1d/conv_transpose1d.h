/** Transposed convolutions of sequences. */
#ifndef DG_OP_CONV_TRANSPOSE1D_H
#define DG_OP_CONV_TRANSPOSE1D_H

#include "core/op/conv1d/grouped_conv1d.h"

/**
 * The map from a convolution's output back to its input, as torch.nn.ConvTranspose1d. It is
 * described by that convolution (dg_grouped_conv1d_desc), so it reads the `filters` and gives the
 * `channels`: in [n, out_steps, filters], param {weight [filters, channels / groups, kernel],
 * bias [channels]}, out [n, steps, channels] = act(sum + bias). Each step of the input, times the
 * kernel, is added to the steps that the convolution would read for it.
 */
static inline dg_op_sizes dg_conv_transpose1d_sizes(const void *desc) {
  const dg_grouped_conv1d_desc *d = desc;
  const dg_op_sizes sizes = dg_grouped_conv1d_sizes(desc);
  return (dg_op_sizes){.in = {sizes.out[0]},
                       .out = {sizes.in[0]},
                       .param = {sizes.param[0], d->bias ? d->channels : 0}};
}

static const dg_op_traits dg_conv_transpose1d_traits = {
    .sizes = dg_conv_transpose1d_sizes,
    .agrees = dg_grouped_conv1d_agrees,
    .operations = dg_grouped_conv1d_operations,
    .act = offsetof(dg_grouped_conv1d_desc, act),
};

#endif
