#include "backends/cpu/elementwise/drop.h"
#include "backends/cpu/runtime/implementation.h"

#include <string.h>

static bool supports(const dg_op_desc *desc) {
  return desc->dropout.count > 0 && desc->dropout.rate >= 0 && desc->dropout.rate < 1;
}

static dg_drop drop_of(const dg_dropout_desc *desc) {
  return (dg_drop){desc->rate, desc->stream};
}

static bool prepare_backward(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.saved = (size_t)op->max_n * op->desc.dropout.count;
  return true;
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_dropout_desc *desc = &region->op->desc.dropout;
  const dg_buffer *saved = region->buffers->saved;
  dg_mask mask = dg_mask_of(drop_of(desc), region->step);
  const float *x = dg_floats(region->buffers->in[0]);
  float *y = dg_floats(region->buffers->out[0]);
  uint8_t *stays = saved ? (uint8_t *)saved->data : NULL; /* NULL: no backward pass */
  dg_span samples = dg_cpu_part(region->step->n, region->pieces, piece);
  (void)worker;
  for (size_t s = samples.begin; s < samples.end; s++) {
    size_t at = s * desc->count;
    dg_mask_apply(&mask, s, 0, desc->count, x + at, y + at, stays ? stays + at : NULL);
  }
}

/** For steps that drop nothing. */
static void copy_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  size_t count = region->op->desc.dropout.count;
  const float *x = dg_floats(region->buffers->in[0]);
  float *y = dg_floats(region->buffers->out[0]);
  dg_span samples = dg_cpu_part(region->step->n, region->pieces, piece);
  (void)worker;
  memcpy(y + samples.begin * count, x + samples.begin * count,
         (samples.end - samples.begin) * count * sizeof *y);
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  size_t total = (size_t)step->n * op->desc.dropout.count;
  if (step->train)
    dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(step->n, 8 * total), forward_piece);
  else
    dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(step->n, total), copy_piece);
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  enum { GRAIN = 128 };
  const dg_cpu_region *region = context;
  const dg_dropout_desc *desc = &region->op->desc.dropout;
  float scale = dg_drop_scale(drop_of(desc));
  const uint8_t *restrict stays = (const uint8_t *)region->buffers->saved->data;
  const float *restrict d_y = dg_floats(region->buffers->d_out);
  float *restrict dx = dg_floats(region->buffers->d_in[0]);
  size_t total = (size_t)region->step->n * desc->count;
  dg_span part = dg_cpu_grains(total, GRAIN, region->pieces, piece);
  (void)worker;
  if (region->op->desc.d_in[0] == DG_GRAD_WRITE)
    for (size_t i = part.begin; i < part.end; i++) dx[i] = stays[i] ? d_y[i] * scale : 0;
  else
    for (size_t i = part.begin; i < part.end; i++) dx[i] += stays[i] ? d_y[i] * scale : 0;
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  size_t total = (size_t)step->n * op->desc.dropout.count;
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(total, total), backward_piece);
}

static const dg_cpu_implementation forward_by_elements = {"elements", NULL, NULL, forward},
                                   backward_by_elements = {"elements", NULL, prepare_backward,
                                                           backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_dropout) = {
    supports, {&forward_by_elements}, {&backward_by_elements}};
