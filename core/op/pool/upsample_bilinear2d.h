/** Bilinear upsampling of images. */
#ifndef DG_OP_UPSAMPLE_BILINEAR2D_H
#define DG_OP_UPSAMPLE_BILINEAR2D_H

#include "core/op/pool/upsample2d.h"

/**
 * Described by a dg_upsample2d_desc: in [n, channels, height, width], out [n, channels,
 * scale height, scale width], as torch.nn.Upsample with mode "bilinear" and align_corners = False.
 * Number o of a line lies at (o + 1/2) / scale - 1/2 of the input's line: it is the mean of the two
 * numbers beside that, weighted by nearness; beyond an end both are the last number.
 */
static const dg_op_traits dg_upsample_bilinear2d_traits = {
    .sizes = dg_upsample2d_sizes,
    .agrees = dg_upsample2d_agrees,
};

#endif
