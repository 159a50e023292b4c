/** The family of convolutions that winograd.h serves better than direct products. */
#ifndef DG_CPU_CONV2D_WINOGRAD_H
#define DG_CPU_CONV2D_WINOGRAD_H

#include "backends/cpu/cpu.h"
#include "backends/cpu/isa.h"

#define dg_conv_winograd_is_faster DG_ISA_NAME(dg_conv_winograd_is_faster)
#define dg_conv_winograd DG_ISA_NAME(dg_conv_winograd)

bool dg_conv_winograd_is_faster(const dg_conv2d_desc *desc);

extern const dg_cpu_family dg_conv_winograd;

#endif
