/** How many operations an op takes: two for every product of a sum, one for every number of an
    element-wise op; an activation that is fused to its end is not counted. */
#ifndef DG_OP_OPERATIONS_H
#define DG_OP_OPERATIONS_H

#include "core/op/op.h"

/** Of one sample forward. */
double dg_op_forward_operations(const dg_op_desc *desc);

/** Of one sample backward, to the gradients that d_in asks for and those of the parameters. */
double dg_op_backward_operations(const dg_op_desc *desc);

#endif
