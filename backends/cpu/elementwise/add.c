#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

/** Elements handled at a time. */
enum { BLOCK = 256 };

static bool supports(const dg_op_desc *desc) {
  return desc->add.count > 0 && desc->add.inputs >= 2 && desc->add.inputs <= DG_MAX_IN;
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  uint32_t inputs = op->desc.add.inputs;
  size_t total = (size_t)step->n * op->desc.add.count;
  float *y = dg_floats(buffers->out[0]);
#pragma omp parallel num_threads(dg_cpu_threads(op->device, total *inputs))
  {
    dg_span part = dg_cpu_share(total, BLOCK);
    const float *first = dg_floats(buffers->in[0]), *second = dg_floats(buffers->in[1]);
    for (size_t i = part.begin; i < part.end; i++) y[i] = first[i] + second[i];
    for (uint32_t k = 2; k < inputs; k++)
      dg_grad_put(DG_GRAD_ADD, part.end - part.begin, dg_floats(buffers->in[k]) + part.begin,
                  y + part.begin);
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  uint32_t inputs = op->desc.add.inputs;
  size_t total = (size_t)step->n * op->desc.add.count;
  const float *d_y = dg_floats(buffers->d_out);
#pragma omp parallel num_threads(dg_cpu_threads(op->device, total *inputs))
  {
    dg_span part = dg_cpu_share(total, BLOCK);
    for (uint32_t k = 0; k < inputs; k++)
      if (op->desc.d_in[k] != DG_GRAD_NONE)
        dg_grad_put(op->desc.d_in[k], part.end - part.begin, d_y + part.begin,
                    dg_floats(buffers->d_in[k]) + part.begin);
  }
}

static const dg_cpu_implementation forward_by_elements = {"elements", NULL, NULL, forward},
                                   backward_by_elements = {"elements", NULL, NULL, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_add) = {
    supports, {&forward_by_elements}, {&backward_by_elements}};
