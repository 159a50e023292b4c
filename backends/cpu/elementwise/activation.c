#include "backends/cpu/elementwise/activation.h"
#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

#include <math.h>
#include <string.h>

/** Elements handled at a time. */
enum { BLOCK = 256 };

bool dg_act_known(dg_act act) {
  return act.kind == DG_ACT_LEAKY_RELU ? act.slope > 0 : (unsigned)act.kind <= DG_ACT_TANH;
}

void dg_act_forward(dg_act act, size_t count, const float *x, float *y) {
  switch (act.kind) {
  case DG_ACT_NONE:
    if (x != y) memcpy(y, x, count * sizeof *y);
    break;
  case DG_ACT_RELU:
    for (size_t i = 0; i < count; i++) y[i] = x[i] < 0 ? 0 : x[i];
    break;
  case DG_ACT_LEAKY_RELU:
    for (size_t i = 0; i < count; i++) y[i] = x[i] > 0 ? x[i] : act.slope * x[i];
    break;
  case DG_ACT_SIGMOID:
    for (size_t i = 0; i < count; i++) y[i] = 1 / (1 + expf(-x[i]));
    break;
  case DG_ACT_TANH:
    for (size_t i = 0; i < count; i++) y[i] = tanhf(x[i]);
    break;
  }
}

void dg_act_backward(dg_act act, size_t count, const float *y, const float *d_y, float *dx) {
  switch (act.kind) {
  case DG_ACT_NONE:
    if (dx != d_y) memcpy(dx, d_y, count * sizeof *dx);
    break;
  case DG_ACT_RELU:
    for (size_t i = 0; i < count; i++) dx[i] = y[i] > 0 ? d_y[i] : 0;
    break;
  case DG_ACT_LEAKY_RELU:
    for (size_t i = 0; i < count; i++) dx[i] = y[i] > 0 ? d_y[i] : act.slope * d_y[i];
    break;
  case DG_ACT_SIGMOID:
    for (size_t i = 0; i < count; i++) dx[i] = d_y[i] * (y[i] * (1 - y[i]));
    break;
  case DG_ACT_TANH:
    for (size_t i = 0; i < count; i++) dx[i] = d_y[i] * (1 - y[i] * y[i]);
    break;
  }
}

static bool supports(const dg_op_desc *desc) {
  return desc->activation.count > 0 && dg_act_known(desc->activation.act);
}

static bool prepare_backward(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.reads_out = true;
  return true;
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_activation_desc *desc = &op->desc.activation;
  size_t total = (size_t)step->n * desc->count;
  const float *x = dg_floats(buffers->in[0]);
  float *y = dg_floats(buffers->out[0]);
#pragma omp parallel num_threads(dg_cpu_threads(op->device, total))
  {
    dg_span part = dg_cpu_share(total, BLOCK);
    dg_act_forward(desc->act, part.end - part.begin, x + part.begin, y + part.begin);
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_activation_desc *desc = &op->desc.activation;
  dg_grad_mode mode = op->desc.d_in[0];
  size_t total = (size_t)step->n * desc->count;
  const float *y = dg_floats(buffers->out[0]), *d_y = dg_floats(buffers->d_out);
  float *dx = dg_floats(buffers->d_in[0]);
  if (mode == DG_GRAD_NONE) return;
#pragma omp parallel num_threads(dg_cpu_threads(op->device, total))
  {
    dg_span part = dg_cpu_share(total, BLOCK);
    for (size_t i = part.begin; i < part.end; i += BLOCK) {
      float block[BLOCK];
      size_t count = part.end - i < BLOCK ? part.end - i : BLOCK;
      dg_act_backward(desc->act, count, y + i, d_y + i, block);
      dg_grad_put(mode, count, block, dx + i);
    }
  }
}

static const dg_cpu_implementation forward_by_elements = {"elements", NULL, NULL, forward},
                                   backward_by_elements = {"elements", NULL, prepare_backward,
                                                           backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_activation) = {
    supports, {&forward_by_elements}, {&backward_by_elements}};
