#include "tests/oracle.h"

#include <math.h>
#include <stdlib.h>

#include "tests/oracle_family.h"

static const oracle_family *const families[DG_OP_KINDS] = {
    [DG_OP_LINEAR] = &oracle_linear,         [DG_OP_CONV2D] = &oracle_conv2d,
    [DG_OP_MAXPOOL2D] = &oracle_maxpool2d,   [DG_OP_AVGPOOL2D] = &oracle_avgpool2d,
    [DG_OP_ACTIVATION] = &oracle_activation, [DG_OP_DROPOUT] = &oracle_dropout,
    [DG_OP_CHW_TO_HWC] = &oracle_chw_to_hwc, [DG_OP_ADD] = &oracle_add,
    [DG_OP_CONCAT] = &oracle_concat,         [DG_OP_CONV1D] = &oracle_conv1d,
    [DG_OP_BATCH_NORM] = &oracle_batch_norm, [DG_OP_LAYER_NORM] = &oracle_layer_norm,
    [DG_OP_RECURRENT] = &oracle_recurrent,
};

double oracle_activate(dg_act act, double x) {
  switch (act.kind) {
  case DG_ACT_RELU:
    return x > 0 ? x : 0;
  case DG_ACT_LEAKY_RELU:
    return x > 0 ? x : act.slope * x;
  case DG_ACT_SIGMOID:
    return 1 / (1 + exp(-x));
  case DG_ACT_TANH:
    return tanh(x);
  default:
    return x;
  }
}

double oracle_derivative(dg_act act, double x) {
  double y = oracle_activate(act, x);
  switch (act.kind) {
  case DG_ACT_RELU:
    return x > 0 ? 1 : 0;
  case DG_ACT_LEAKY_RELU:
    return x > 0 ? 1 : act.slope;
  case DG_ACT_SIGMOID:
    return y * (1 - y);
  case DG_ACT_TANH:
    return 1 - y * y;
  default:
    return 1;
  }
}

dg_act *oracle_act(dg_op_desc *desc) {
  switch (desc->kind) {
  case DG_OP_LINEAR:
    return &desc->linear.act;
  case DG_OP_CONV2D:
    return &desc->conv2d.act;
  case DG_OP_CONV1D:
    return &desc->conv1d.act;
  case DG_OP_BATCH_NORM:
    return &desc->batch_norm.act;
  case DG_OP_ACTIVATION:
    return &desc->activation.act;
  default:
    return NULL;
  }
}

oracle_sizes oracle_sizes_of(const dg_op_desc *desc) {
  oracle_sizes z = {.inputs = 1};
  families[desc->kind]->sizes(desc, &z);
  return z;
}

void oracle_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  families[desc->kind]->forward(desc, t, step);
  const dg_act *act = oracle_act((dg_op_desc *)desc);
  if (!act) return;
  size_t count = step->n * oracle_sizes_of(desc).out;
  for (size_t i = 0; i < count; i++) t->out[i] = oracle_activate(*act, t->out[i]);
}

/** The gradient before the fused activation, at the output the op has without it. */
static double *gradient_before_act(const dg_op_desc *desc, const oracle_tensors *t,
                                   const dg_step *step) {
  size_t count = step->n * oracle_sizes_of(desc).out;
  double *dz = malloc(count * sizeof *dz);
  double *z = malloc(count * sizeof *z);
  oracle_tensors before = *t;
  before.out = z;
  for (size_t k = 0; k < DG_MAX_STATE; k++) before.state[k] = NULL;
  const dg_act *act = oracle_act((dg_op_desc *)desc);
  if (act) families[desc->kind]->forward(desc, &before, step);
  for (size_t i = 0; i < count; i++)
    dz[i] = t->d_out[i] * (act ? oracle_derivative(*act, z[i]) : 1);
  free(z);
  return dz;
}

void oracle_backward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  oracle_sizes z = oracle_sizes_of(desc);
  oracle_tensors wanted = *t;
  for (uint32_t k = 0; k < z.inputs; k++) {
    if (desc->d_in[k] == DG_GRAD_NONE) wanted.d_in[k] = NULL;
    for (size_t i = 0; desc->d_in[k] == DG_GRAD_WRITE && i < step->n * z.in[k]; i++)
      wanted.d_in[k][i] = 0;
  }
  for (uint32_t k = 0; k < z.params; k++)
    for (size_t i = 0; i < z.param[k]; i++) wanted.d_param[k][i] = 0;
  double *dz = gradient_before_act(desc, t, step);
  families[desc->kind]->backward(desc, &wanted, dz, step);
  free(dz);
}
