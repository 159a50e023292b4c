/** The number of operations of an op: two per multiply-add, one per number of an element-wise op. A
    fused activation is not counted. */
#ifndef DG_OP_OPERATIONS_H
#define DG_OP_OPERATIONS_H

#include "core/op/op.h"

/** Forward, per sample. */
double dg_op_forward_operations(const dg_op_desc *desc);

/** Backward, per sample: for the gradients of the inputs that d_in asks for, and of the
    parameters. */
double dg_op_backward_operations(const dg_op_desc *desc);

#endif
