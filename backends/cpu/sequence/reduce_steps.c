#include "backends/cpu/sequence/lengths.h"

static bool supports(const dg_op_desc *desc) {
  return desc->d_in[1] == DG_GRAD_NONE && dg_size_fits(dg_op_sizes_of(desc).in[0]);
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_reduce_steps_desc *d = &region->op->desc.reduce_steps;
  const size_t features = d->features;
  const dg_span samples = dg_cpu_piece_samples(region, piece);
  (void)worker;
  for (size_t s = samples.begin; s < samples.end; s++) {
    const dg_steps_range steps = dg_steps_range_of(d, dg_floats(region->buffers->in[1])[s]);
    const float *x = dg_floats(region->buffers->in[0]) + s * d->steps * features;
    float *restrict y = dg_floats(region->buffers->out[0]) + s * features;
    memset(y, 0, features * sizeof *y);
    for (size_t step = steps.begin; step < steps.end; step++)
      for (size_t f = 0; f < features; f++) y[f] += x[step * features + f];
    for (size_t f = 0; f < features; f++) y[f] *= steps.factor;
  }
  dg_cpu_save_lengths(region->buffers, region->step, samples);
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_cpu_run_region(op, buffers, step, dg_cpu_sample_pieces(op, step), forward_piece);
}

/** The gradient of a step that counts. */
static void store_step(dg_grad_mode mode, size_t features, float factor, const float *restrict dy,
                       float *restrict dx) {
  if (mode == DG_GRAD_WRITE)
    for (size_t f = 0; f < features; f++) dx[f] = factor * dy[f];
  else
    for (size_t f = 0; f < features; f++) dx[f] += factor * dy[f];
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_reduce_steps_desc *d = &region->op->desc.reduce_steps;
  const size_t features = d->features, count = d->steps * features;
  const dg_grad_mode mode = region->op->desc.d_in[0];
  const dg_span samples = dg_cpu_piece_samples(region, piece);
  (void)worker;
  for (size_t s = samples.begin; s < samples.end; s++) {
    const dg_steps_range steps = dg_steps_range_of(d, dg_floats(region->buffers->saved)[s]);
    const float *dy = dg_floats(region->buffers->d_out) + s * features;
    float *dx = dg_floats(region->buffers->d_in[0]) + s * count;
    const size_t begin = steps.begin * features, end = steps.end * features;
    if (mode == DG_GRAD_WRITE) {
      memset(dx, 0, begin * sizeof *dx);
      memset(dx + end, 0, (count - end) * sizeof *dx);
    }
    for (size_t i = begin; i < end; i += features)
      store_step(mode, features, steps.factor, dy, dx + i);
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_cpu_run_region(op, buffers, step, dg_cpu_sample_pieces(op, step), backward_piece);
}

static const dg_cpu_implementation forward_by_samples = {"samples", NULL, NULL, forward},
                                   backward_by_samples = {"samples", NULL, dg_cpu_keep_lengths,
                                                          backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_reduce_steps) = {
    supports, {&forward_by_samples}, {&backward_by_samples}};
