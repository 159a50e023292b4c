#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

static bool supports(const dg_op_desc *desc) {
  return desc->chw.channels > 0 && desc->chw.height > 0 && desc->chw.width > 0;
}

static size_t pixels_of(const dg_cpu_op *op) {
  return (size_t)op->desc.chw.height * op->desc.chw.width;
}

/** Number of pieces in both directions. */
static size_t pieces_of(const dg_cpu_op *op, const dg_step *step) {
  return dg_cpu_pieces(step->n, step->n * op->desc.chw.channels * pixels_of(op));
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  size_t channels = region->op->desc.chw.channels, pixels = pixels_of(region->op);
  size_t count = channels * pixels;
  const float *x = dg_floats(region->buffers->in[0]);
  float *y = dg_floats(region->buffers->out[0]);
  dg_span samples = dg_cpu_part(region->step->n, region->pieces, piece);
  (void)worker;
  for (size_t s = samples.begin; s < samples.end; s++)
    for (size_t p = 0; p < pixels; p++)
      for (size_t c = 0; c < channels; c++)
        y[s * count + p * channels + c] = x[s * count + c * pixels + p];
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step), forward_piece);
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  size_t channels = region->op->desc.chw.channels, pixels = pixels_of(region->op);
  size_t count = channels * pixels;
  bool add = region->op->desc.d_in[0] == DG_GRAD_ADD;
  const float *d_y = dg_floats(region->buffers->d_out);
  float *dx = dg_floats(region->buffers->d_in[0]);
  dg_span samples = dg_cpu_part(region->step->n, region->pieces, piece);
  (void)worker;
  for (size_t s = samples.begin; s < samples.end; s++)
    for (size_t c = 0; c < channels; c++)
      for (size_t p = 0; p < pixels; p++) {
        float *to = dx + s * count + c * pixels + p;
        *to = (add ? *to : 0) + d_y[s * count + p * channels + c];
      }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step), backward_piece);
}

static const dg_cpu_implementation forward_by_samples = {"samples", NULL, NULL, forward},
                                   backward_by_samples = {"samples", NULL, NULL, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_chw_to_hwc) = {
    supports, {&forward_by_samples}, {&backward_by_samples}};
