#include <string.h>

#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

static bool supports(const dg_op_desc *desc) {
  uint64_t numbers = dg_op_sizes_of(desc).out[0];
  return numbers > 0 && dg_size_fits(numbers);
}

/* All planes are treated as rows of one width, and a row of the input becomes `scale` consecutive
   rows of the output: neither channels nor samples matter. */

static inline void widen(size_t width, size_t scale, const float *restrict x, float *restrict y) {
  for (size_t i = 0; i < width; i++)
    for (size_t k = 0; k < scale; k++) y[i * scale + k] = x[i];
}

static void forward_row(size_t width, size_t scale, const float *x, float *y) {
  size_t wide = width * scale;
  if (scale == 2)
    widen(width, 2, x, y);
  else
    widen(width, scale, x, y);
  for (size_t row = 1; row < scale; row++) memcpy(y + row * wide, y, wide * sizeof *y);
}

static inline void add_narrowed(size_t width, size_t scale, const float *restrict dy,
                                float *restrict dx) {
  for (size_t i = 0; i < width; i++)
    for (size_t k = 0; k < scale; k++) dx[i] += dy[i * scale + k];
}

static void backward_row(size_t width, size_t scale, const float *dy, float *dx) {
  for (size_t row = 0; row < scale; row++, dy += width * scale)
    if (scale == 2)
      add_narrowed(width, 2, dy, dx);
    else
      add_narrowed(width, scale, dy, dx);
}

static size_t count_rows(const dg_upsample2d_desc *d, uint32_t n) {
  return (size_t)n * d->channels * d->height;
}

/** Number of pieces in both directions. */
static size_t pieces_of(const dg_cpu_op *op, uint32_t n) {
  return dg_cpu_pieces(count_rows(&op->desc.upsample2d, n),
                       (size_t)n * dg_op_sizes_of(&op->desc).out[0]);
}

/** The rows of a piece. */
static dg_span rows_of(const dg_cpu_region *region, size_t piece) {
  size_t rows = count_rows(&region->op->desc.upsample2d, region->step->n);
  return dg_cpu_part(rows, region->pieces, piece);
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_upsample2d_desc *d = &region->op->desc.upsample2d;
  size_t width = d->width, scale = d->scale;
  const float *x = dg_floats(region->buffers->in[0]);
  float *y = dg_floats(region->buffers->out[0]);
  dg_span rows = rows_of(region, piece);
  (void)worker;
  for (size_t r = rows.begin; r < rows.end; r++)
    forward_row(width, scale, x + r * width, y + r * scale * width * scale);
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step->n), forward_piece);
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_upsample2d_desc *d = &region->op->desc.upsample2d;
  size_t width = d->width, scale = d->scale;
  const float *dy = dg_floats(region->buffers->d_out);
  float *dx = dg_floats(region->buffers->d_in[0]);
  dg_grad_mode mode = region->op->desc.d_in[0];
  dg_span rows = rows_of(region, piece);
  (void)worker;
  for (size_t r = rows.begin; r < rows.end; r++) {
    if (mode == DG_GRAD_WRITE) memset(dx + r * width, 0, width * sizeof *dx);
    backward_row(width, scale, dy + r * scale * width * scale, dx + r * width);
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step->n), backward_piece);
}

static const dg_cpu_implementation forward_by_rows = {"rows", NULL, NULL, forward},
                                   backward_by_rows = {"rows", NULL, NULL, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_upsample2d) = {
    supports, {&forward_by_rows}, {&backward_by_rows}};
