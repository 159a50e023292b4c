/** What can be fused to the end of an op, so that it takes the place of the ops behind it. */
#ifndef DG_OP_FUSE_H
#define DG_OP_FUSE_H

#include "core/op/op.h"

/** The epilogue of an op, in this order; of what isn't there, zeros. */
typedef struct {
  dg_act act;
  uint32_t pool; /**< a maximum's size */
  dg_drop drop;
  bool statistics; /**< of the output are written too */
} dg_op_epilogue;

dg_op_epilogue dg_op_epilogue_of(const dg_op_desc *desc);

/** Puts `op` to the end of what `desc` describes, behind what is fused there already. False, and
    nothing is changed, where the description can't say that. */
bool dg_op_fuse(dg_op_desc *desc, const dg_op_desc *op);

/** Lets an op add a bias, its param[1], to each of its filters, if it hasn't one. False, and
   nothing is changed, where it can't. */
bool dg_op_add_bias(dg_op_desc *desc);

/** An op for people, "conv2d + relu + maxpool2d" for one; `name` is what it is called without what
    is fused to its end. */
void dg_op_text(const dg_op_desc *desc, const char *name, char *text, size_t capacity);

#endif
