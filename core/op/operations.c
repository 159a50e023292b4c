#include "core/op/operations.h"

#include "core/op/fuse.h"

static dg_op_operations count(const dg_op_desc *desc) {
  const dg_op_traits *traits = dg_op_traits_of(desc->kind);
  dg_op_operations operations = {.own = (double)dg_op_sizes_of(desc).out[0]};
  if (traits->operations) traits->operations(dg_op_member(desc), &operations);
  return operations;
}

/** Operations of what is fused after the activation. */
static double count_fused(const dg_op_desc *desc) {
  dg_op_epilogue epilogue = dg_op_epilogue_of(desc);
  double outputs = (double)dg_op_sizes_of(desc).out[0];
  return outputs * epilogue.pool * epilogue.pool + (epilogue.drop.rate > 0 ? outputs : 0);
}

double dg_op_forward_operations(const dg_op_desc *desc) {
  return count(desc).own + count_fused(desc);
}

double dg_op_backward_operations(const dg_op_desc *desc) {
  dg_op_operations forward = count(desc);
  bool learns = dg_op_sizes_of(desc).param[0] > 0, wants_in = false;
  for (uint32_t k = 0; k < DG_MAX_IN; k++) wants_in |= desc->d_in[k] != DG_GRAD_NONE;
  return (learns ? forward.own : 0) + (wants_in ? forward.own : forward.of_state) +
         count_fused(desc);
}
