#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

static bool supports(const dg_op_desc *desc) {
  return desc->chw.channels > 0 && desc->chw.height > 0 && desc->chw.width > 0;
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
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

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
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

static const dg_cpu_implementation forward_by_samples = {"samples", NULL, NULL, forward},
                                   backward_by_samples = {"samples", NULL, NULL, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_chw_to_hwc) = {
    supports, {&forward_by_samples}, {&backward_by_samples}};
