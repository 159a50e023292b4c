/** Ops that only move or add elements: chw_to_hwc and add. */
#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

/** Elements handled at a time. */
enum { BLOCK = 256 };

/* ---- chw_to_hwc --------------------------------------------------------- */

static bool chw_supports(const dg_op_desc *desc) {
  return desc->chw.channels > 0 && desc->chw.height > 0 && desc->chw.width > 0;
}

static void chw_forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  size_t channels = op->desc.chw.channels;
  size_t pixels = (size_t)op->desc.chw.height * op->desc.chw.width;
  size_t count = channels * pixels;
  const float *x = dg_floats(buffers->in[0]);
  float *y = dg_floats(buffers->out[0]);
#pragma omp parallel for schedule(static) num_threads(dg_cpu_threads(op->device, step->n *count))
  for (size_t s = 0; s < step->n; s++)
    for (size_t p = 0; p < pixels; p++)
      for (size_t c = 0; c < channels; c++)
        y[s * count + p * channels + c] = x[s * count + c * pixels + p];
}

static void chw_backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  size_t channels = op->desc.chw.channels;
  size_t pixels = (size_t)op->desc.chw.height * op->desc.chw.width;
  size_t count = channels * pixels;
  bool add = op->desc.d_in[0] == DG_GRAD_ADD;
  const float *d_y = dg_floats(buffers->d_out);
  float *dx = dg_floats(buffers->d_in[0]);
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
#pragma omp parallel for schedule(static) num_threads(dg_cpu_threads(op->device, step->n *count))
  for (size_t s = 0; s < step->n; s++)
    for (size_t c = 0; c < channels; c++)
      for (size_t p = 0; p < pixels; p++) {
        float *to = dx + s * count + c * pixels + p;
        *to = (add ? *to : 0) + d_y[s * count + p * channels + c];
      }
}

static const dg_cpu_implementation chw_forward_by_samples = {"samples", NULL, NULL, chw_forward},
                                   chw_backward_by_samples = {"samples", NULL, NULL, chw_backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_chw_to_hwc) = {
    chw_supports, {&chw_forward_by_samples}, {&chw_backward_by_samples}};

/* ---- add ---------------------------------------------------------------- */

static bool add_supports(const dg_op_desc *desc) {
  return desc->add.count > 0 && desc->add.inputs >= 2 && desc->add.inputs <= DG_MAX_IN;
}

static void add_forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
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

static void add_backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
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

static const dg_cpu_implementation add_forward_by_elements = {"elements", NULL, NULL, add_forward},
                                   add_backward_by_elements = {"elements", NULL, NULL,
                                                               add_backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_add) = {
    add_supports, {&add_forward_by_elements}, {&add_backward_by_elements}};
