#include "backends/cpu/elementwise/act.h"
#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

/** Elements handled at a time. */
enum { BLOCK = 256 };

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
