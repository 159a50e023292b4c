#include <math.h>

#include "backends/cpu/sequence/lengths.h"

static bool supports(const dg_op_desc *desc) {
  return desc->d_in[1] == DG_GRAD_NONE && dg_size_fits(dg_op_sizes_of(desc).out[0]);
}

/** Writes, or adds, the steps of a sequence, in the op's order. */
static void move_steps(const dg_mask_steps_desc *d, uint32_t length, dg_grad_mode mode,
                       const float *from, float *to) {
  const size_t features = d->features;
  if (!d->reverse) {
    dg_grad_store(mode, length * features, from, to);
    return;
  }
  for (size_t step = 0; step < length; step++)
    dg_grad_store(mode, features, from + (length - 1 - step) * features, to + step * features);
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_mask_steps_desc *d = &region->op->desc.mask_steps;
  const size_t count = (size_t)d->steps * d->features;
  const float *lengths = dg_floats(region->buffers->in[1]);
  const float beyond = d->lowest ? -INFINITY : 0;
  const dg_span samples = dg_cpu_piece_samples(region, piece);
  (void)worker;
  for (size_t s = samples.begin; s < samples.end; s++) {
    const uint32_t length = dg_length_of(lengths[s], d->steps);
    float *to = dg_floats(region->buffers->out[0]) + s * count;
    move_steps(d, length, DG_GRAD_WRITE, dg_floats(region->buffers->in[0]) + s * count, to);
    for (size_t i = (size_t)length * d->features; i < count; i++) to[i] = beyond;
  }
  dg_cpu_save_lengths(region->buffers, region->step, samples);
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_cpu_run_region(op, buffers, step, dg_cpu_sample_pieces(op, step), forward_piece);
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_mask_steps_desc *d = &region->op->desc.mask_steps;
  const size_t count = (size_t)d->steps * d->features;
  const float *lengths = dg_floats(region->buffers->saved);
  const dg_grad_mode mode = region->op->desc.d_in[0];
  const dg_span samples = dg_cpu_piece_samples(region, piece);
  (void)worker;
  for (size_t s = samples.begin; s < samples.end; s++) {
    const uint32_t length = dg_length_of(lengths[s], d->steps);
    const size_t inside = (size_t)length * d->features;
    float *to = dg_floats(region->buffers->d_in[0]) + s * count;
    move_steps(d, length, mode, dg_floats(region->buffers->d_out) + s * count, to);
    if (mode == DG_GRAD_WRITE) memset(to + inside, 0, (count - inside) * sizeof *to);
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_cpu_run_region(op, buffers, step, dg_cpu_sample_pieces(op, step), backward_piece);
}

static const dg_cpu_implementation forward_by_samples = {"samples", NULL, NULL, forward},
                                   backward_by_samples = {"samples", NULL, dg_cpu_keep_lengths,
                                                          backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_mask_steps) = {
    supports, {&forward_by_samples}, {&backward_by_samples}};
