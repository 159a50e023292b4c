/** What can be fused to the end of an op, so that it replaces the ops that follow it. */
#ifndef DG_OP_FUSE_H
#define DG_OP_FUSE_H

#include "core/op/op.h"

/** The epilogue of an op, in this order; zero where a part is absent. */
typedef struct {
  dg_act act;
  uint32_t pool; /**< size of a max pooling */
  dg_drop drop;
  bool statistics; /**< the statistics of the output are also written */
} dg_op_epilogue;

dg_op_epilogue dg_op_epilogue_of(const dg_op_desc *desc);

/** Fuses `op` to the end of `desc`, after what is already fused there. Returns false, and changes
    nothing, if the description can't express that. */
bool dg_op_fuse(dg_op_desc *desc, const dg_op_desc *op);

/** Makes an op add a bias, its param[1], to each of its filters, if it has none. Returns false, and
    changes nothing, if it can't. */
bool dg_op_add_bias(dg_op_desc *desc);

/** A readable name of an op, for example "conv2d + relu + maxpool2d"; `name` is the name without
    the fused parts. */
void dg_op_text(const dg_op_desc *desc, const char *name, char *text, size_t capacity);

#endif
