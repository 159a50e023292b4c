/**
 * All ops, one line each, in the order of their kinds. An op has the kind DG_OP_KIND, the
 * description `desc` (a dg_desc_desc) in dg_op_desc, and the traits dg_name_traits. An including
 * file defines what a line expands to:
 *   DG_LAYER_OP(KIND, name, desc)  an op of a layer: forward and backward
 *   DG_LIKE_OP(KIND, name, desc)   another, described as one above it; not defined: as DG_LAYER_OP
 *   DG_STEP_OP(KIND, name, desc)   an op around the layers: forward only; not defined: left out
 * or DG_OP(KIND, name, desc), for all three.
 */
#ifdef DG_OP
#define DG_LAYER_OP DG_OP
#define DG_STEP_OP DG_OP
#endif
#ifndef DG_LIKE_OP
#define DG_LIKE_OP DG_LAYER_OP
#endif
#ifndef DG_STEP_OP
#define DG_STEP_OP(KIND, name, desc)
#endif

DG_LAYER_OP(LINEAR, linear, linear)
DG_LAYER_OP(CONV2D, conv2d, conv2d)
DG_LAYER_OP(GROUPED_CONV2D, grouped_conv2d, grouped_conv2d)
DG_LIKE_OP(CONV_TRANSPOSE2D, conv_transpose2d, grouped_conv2d)
DG_LAYER_OP(MAXPOOL2D, maxpool2d, pool2d)
DG_LIKE_OP(AVGPOOL2D, avgpool2d, pool2d)
DG_LAYER_OP(UPSAMPLE2D, upsample2d, upsample2d)
DG_LIKE_OP(UPSAMPLE_BILINEAR2D, upsample_bilinear2d, upsample2d)
DG_LAYER_OP(PAD, pad, pad)
DG_LAYER_OP(ACTIVATION, activation, activation)
DG_LAYER_OP(ELTWISE, eltwise, eltwise)
DG_LAYER_OP(DROPOUT, dropout, dropout)
DG_LAYER_OP(CHW_TO_HWC, chw_to_hwc, chw)
DG_LAYER_OP(ADD, add, add)
DG_LAYER_OP(CONCAT, concat, concat)
DG_LAYER_OP(CONV1D, conv1d, conv1d)
DG_LAYER_OP(GROUPED_CONV1D, grouped_conv1d, grouped_conv1d)
DG_LIKE_OP(CONV_TRANSPOSE1D, conv_transpose1d, grouped_conv1d)
DG_LAYER_OP(BATCH_NORM, batch_norm, batch_norm)
DG_LAYER_OP(LAYER_NORM, layer_norm, layer_norm)
DG_LAYER_OP(RECURRENT, recurrent, recurrent)
DG_LAYER_OP(MASK_STEPS, mask_steps, mask_steps)
DG_LAYER_OP(REDUCE_STEPS, reduce_steps, reduce_steps)
DG_LAYER_OP(WINDOW_LENGTHS, window_lengths, window_lengths)

DG_STEP_OP(GATHER, gather, gather)
DG_STEP_OP(LOSS, loss, loss)
DG_STEP_OP(UPDATE, update, update)
DG_STEP_OP(AVERAGE, average, average)
DG_STEP_OP(ACCUMULATE, accumulate, accumulate)

#undef DG_OP
#undef DG_LAYER_OP
#undef DG_LIKE_OP
#undef DG_STEP_OP
