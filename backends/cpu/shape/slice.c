#include <string.h>

#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

static bool supports(const dg_op_desc *desc) {
  return dg_op_sizes_of(desc).out[0] > 0;
}

static size_t rows_of(const dg_cpu_op *op, const dg_step *step) {
  return (size_t)step->n * op->desc.slice.outer;
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_slice_desc *d = &region->op->desc.slice;
  const size_t row = (size_t)d->count * d->inner, first = (size_t)d->first * d->inner;
  const size_t length = (size_t)d->length * d->inner;
  const float *x = dg_floats(region->buffers->in[0]);
  float *y = dg_floats(region->buffers->out[0]);
  dg_span rows = dg_cpu_part(rows_of(region->op, region->step), region->pieces, piece);
  (void)worker;
  for (size_t r = rows.begin; r < rows.end; r++)
    memcpy(y + r * length, x + r * row + first, length * sizeof *y);
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_slice_desc *d = &op->desc.slice;
  const size_t rows = rows_of(op, step);
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(rows, rows * d->length * d->inner),
                    forward_piece);
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_slice_desc *d = &region->op->desc.slice;
  const dg_grad_mode mode = region->op->desc.d_in[0];
  const size_t row = (size_t)d->count * d->inner, first = (size_t)d->first * d->inner;
  const size_t length = (size_t)d->length * d->inner, end = first + length;
  const float *d_y = dg_floats(region->buffers->d_out);
  dg_span rows = dg_cpu_part(rows_of(region->op, region->step), region->pieces, piece);
  (void)worker;
  for (size_t r = rows.begin; r < rows.end; r++) {
    float *to = dg_floats(region->buffers->d_in[0]) + r * row;
    dg_grad_store(mode, length, d_y + r * length, to + first);
    if (mode != DG_GRAD_WRITE) continue;
    memset(to, 0, first * sizeof *to);
    memset(to + end, 0, (row - end) * sizeof *to);
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_slice_desc *d = &op->desc.slice;
  const size_t rows = rows_of(op, step);
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(rows, rows * d->count * d->inner),
                    backward_piece);
}

static const dg_cpu_implementation forward_by_rows = {"rows", NULL, NULL, forward},
                                   backward_by_rows = {"rows", NULL, NULL, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_slice) = {supports, {&forward_by_rows}, {&backward_by_rows}};
