#include <string.h>

#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

static bool supports(const dg_op_desc *desc) {
  const dg_concat_desc *d = &desc->concat;
  if (d->rows == 0 || d->inputs < 2 || d->inputs > DG_MAX_IN) return false;
  for (uint32_t k = 0; k < d->inputs; k++)
    if (d->count[k] == 0) return false;
  return true;
}

/** Numbers in a row of the output. */
static size_t row_of(const dg_concat_desc *d) {
  size_t row = 0;
  for (uint32_t k = 0; k < d->inputs; k++) row += d->count[k];
  return row;
}

/** Number of pieces in both directions. */
static size_t pieces_of(const dg_cpu_op *op, const dg_step *step) {
  size_t rows = (size_t)step->n * op->desc.concat.rows;
  return dg_cpu_pieces(rows, rows * row_of(&op->desc.concat));
}

/** The rows of a piece. */
static dg_span rows_of(const dg_cpu_region *region, size_t piece) {
  size_t rows = (size_t)region->step->n * region->op->desc.concat.rows;
  return dg_cpu_part(rows, region->pieces, piece);
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_op_buffers *buffers = region->buffers;
  const dg_concat_desc *d = &region->op->desc.concat;
  size_t row = row_of(d);
  dg_span rows = rows_of(region, piece);
  (void)worker;
  for (size_t r = rows.begin; r < rows.end; r++) {
    float *to = dg_floats(buffers->out[0]) + r * row;
    for (uint32_t k = 0; k < d->inputs; k++) {
      memcpy(to, dg_floats(buffers->in[k]) + r * d->count[k], d->count[k] * sizeof *to);
      to += d->count[k];
    }
  }
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step), forward_piece);
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_op_buffers *buffers = region->buffers;
  const dg_concat_desc *d = &region->op->desc.concat;
  size_t row = row_of(d);
  dg_span rows = rows_of(region, piece);
  (void)worker;
  for (size_t r = rows.begin; r < rows.end; r++) {
    const float *from = dg_floats(buffers->d_out) + r * row;
    for (uint32_t k = 0; k < d->inputs; k++) {
      dg_grad_mode mode = region->op->desc.d_in[k];
      if (mode != DG_GRAD_NONE)
        dg_grad_store(mode, d->count[k], from, dg_floats(buffers->d_in[k]) + r * d->count[k]);
      from += d->count[k];
    }
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step), backward_piece);
}

static const dg_cpu_implementation forward_by_rows = {"rows", NULL, NULL, forward},
                                   backward_by_rows = {"rows", NULL, NULL, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_concat) = {
    supports, {&forward_by_rows}, {&backward_by_rows}};
