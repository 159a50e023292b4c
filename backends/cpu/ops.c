/** The table of all ops, compiled for one instruction set: a line for each. */
#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

#define OPS(X)                                                                                     \
  X(DG_OP_LINEAR, dg_cpu_linear)                                                                   \
  X(DG_OP_CONV2D, dg_cpu_conv2d)                                                                   \
  X(DG_OP_GROUPED_CONV2D, dg_cpu_grouped_conv2d)                                                   \
  X(DG_OP_CONV_TRANSPOSE2D, dg_cpu_conv_transpose2d)                                               \
  X(DG_OP_MAXPOOL2D, dg_cpu_maxpool2d)                                                             \
  X(DG_OP_AVGPOOL2D, dg_cpu_avgpool2d)                                                             \
  X(DG_OP_UPSAMPLE2D, dg_cpu_upsample2d)                                                           \
  X(DG_OP_UPSAMPLE_BILINEAR2D, dg_cpu_upsample_bilinear2d)                                         \
  X(DG_OP_PAD, dg_cpu_pad)                                                                         \
  X(DG_OP_ACTIVATION, dg_cpu_activation)                                                           \
  X(DG_OP_ELTWISE, dg_cpu_eltwise)                                                                 \
  X(DG_OP_DROPOUT, dg_cpu_dropout)                                                                 \
  X(DG_OP_CHW_TO_HWC, dg_cpu_chw_to_hwc)                                                           \
  X(DG_OP_ADD, dg_cpu_add)                                                                         \
  X(DG_OP_CONCAT, dg_cpu_concat)                                                                   \
  X(DG_OP_CONV1D, dg_cpu_conv1d)                                                                   \
  X(DG_OP_GROUPED_CONV1D, dg_cpu_grouped_conv1d)                                                   \
  X(DG_OP_CONV_TRANSPOSE1D, dg_cpu_conv_transpose1d)                                               \
  X(DG_OP_BATCH_NORM, dg_cpu_batch_norm)                                                           \
  X(DG_OP_LAYER_NORM, dg_cpu_layer_norm)                                                           \
  X(DG_OP_RECURRENT, dg_cpu_recurrent)                                                             \
  X(DG_OP_MASK_STEPS, dg_cpu_mask_steps)                                                           \
  X(DG_OP_REDUCE_STEPS, dg_cpu_reduce_steps)                                                       \
  X(DG_OP_WINDOW_LENGTHS, dg_cpu_window_lengths)                                                   \
  X(DG_OP_GATHER, dg_cpu_gather)                                                                   \
  X(DG_OP_LOSS, dg_cpu_loss)                                                                       \
  X(DG_OP_UPDATE, dg_cpu_update)                                                                   \
  X(DG_OP_AVERAGE, dg_cpu_average)                                                                 \
  X(DG_OP_ACCUMULATE, dg_cpu_accumulate)

#define DECLARE(kind, family) extern const dg_cpu_family DG_ISA_NAME(family);
OPS(DECLARE)

#define ENTRY(kind, family) [kind] = &DG_ISA_NAME(family),
const dg_cpu_ops DG_ISA_NAME(dg_cpu_ops) = {{OPS(ENTRY)}};
