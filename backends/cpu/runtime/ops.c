/** The table of all ops, compiled for one instruction set. */
#include "backends/cpu/runtime/cpu.h"
#include "backends/cpu/runtime/isa.h"

extern const dg_cpu_family DG_ISA_NAME(dg_cpu_linear), DG_ISA_NAME(dg_cpu_conv2d),
    DG_ISA_NAME(dg_cpu_maxpool2d), DG_ISA_NAME(dg_cpu_avgpool2d), DG_ISA_NAME(dg_cpu_activation),
    DG_ISA_NAME(dg_cpu_dropout), DG_ISA_NAME(dg_cpu_chw_to_hwc), DG_ISA_NAME(dg_cpu_add),
    DG_ISA_NAME(dg_cpu_gather), DG_ISA_NAME(dg_cpu_loss), DG_ISA_NAME(dg_cpu_update),
    DG_ISA_NAME(dg_cpu_concat), DG_ISA_NAME(dg_cpu_conv1d), DG_ISA_NAME(dg_cpu_batch_norm),
    DG_ISA_NAME(dg_cpu_layer_norm), DG_ISA_NAME(dg_cpu_recurrent), DG_ISA_NAME(dg_cpu_average);

const dg_cpu_ops DG_ISA_NAME(dg_cpu_ops) = {{
    [DG_OP_LINEAR] = &DG_ISA_NAME(dg_cpu_linear),
    [DG_OP_CONV2D] = &DG_ISA_NAME(dg_cpu_conv2d),
    [DG_OP_MAXPOOL2D] = &DG_ISA_NAME(dg_cpu_maxpool2d),
    [DG_OP_AVGPOOL2D] = &DG_ISA_NAME(dg_cpu_avgpool2d),
    [DG_OP_ACTIVATION] = &DG_ISA_NAME(dg_cpu_activation),
    [DG_OP_DROPOUT] = &DG_ISA_NAME(dg_cpu_dropout),
    [DG_OP_CHW_TO_HWC] = &DG_ISA_NAME(dg_cpu_chw_to_hwc),
    [DG_OP_ADD] = &DG_ISA_NAME(dg_cpu_add),
    [DG_OP_CONCAT] = &DG_ISA_NAME(dg_cpu_concat),
    [DG_OP_CONV1D] = &DG_ISA_NAME(dg_cpu_conv1d),
    [DG_OP_BATCH_NORM] = &DG_ISA_NAME(dg_cpu_batch_norm),
    [DG_OP_LAYER_NORM] = &DG_ISA_NAME(dg_cpu_layer_norm),
    [DG_OP_RECURRENT] = &DG_ISA_NAME(dg_cpu_recurrent),
    [DG_OP_GATHER] = &DG_ISA_NAME(dg_cpu_gather),
    [DG_OP_LOSS] = &DG_ISA_NAME(dg_cpu_loss),
    [DG_OP_UPDATE] = &DG_ISA_NAME(dg_cpu_update),
    [DG_OP_AVERAGE] = &DG_ISA_NAME(dg_cpu_average),
}};
