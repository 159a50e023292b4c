/** The family of convolutions that winograd.h serves better than direct products. */
#ifndef DG_CPU_CONV2D_WINOGRAD_H
#define DG_CPU_CONV2D_WINOGRAD_H

#include "backends/cpu/runtime/op.h"
#include "backends/cpu/runtime/isa.h"

#define dg_conv_winograd_is_faster DG_ISA_NAME(dg_conv_winograd_is_faster)
#define dg_conv_winograd_goes_back DG_ISA_NAME(dg_conv_winograd_goes_back)
#define dg_conv_winograd_forward DG_ISA_NAME(dg_conv_winograd_forward)
#define dg_conv_winograd_backward DG_ISA_NAME(dg_conv_winograd_backward)
#define dg_conv_winograd DG_ISA_NAME(dg_conv_winograd)

/** Is it faster forward? */
bool dg_conv_winograd_is_faster(const dg_conv2d_desc *desc);

/** And backward? Pieces of a kernel would make too many moments there. */
bool dg_conv_winograd_goes_back(const dg_conv2d_desc *desc);

void dg_conv_winograd_forward(const dg_cpu_op *op, const dg_op_buffers *buffers,
                              const dg_step *step);
void dg_conv_winograd_backward(const dg_cpu_op *op, const dg_op_buffers *buffers,
                               const dg_step *step);

extern const dg_cpu_family dg_conv_winograd;

#endif
