/** The implementations of convolutions for shapes where Winograd's algorithm is faster than direct
    products. */
#ifndef DG_CPU_CONV2D_WINOGRAD_H
#define DG_CPU_CONV2D_WINOGRAD_H

#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

#define dg_conv_winograd_forward DG_ISA_NAME(dg_conv_winograd_forward)
#define dg_conv_winograd_backward DG_ISA_NAME(dg_conv_winograd_backward)

extern const dg_cpu_implementation dg_conv_winograd_forward, dg_conv_winograd_backward;

#endif
