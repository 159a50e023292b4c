/** Padding: rows of the output are copied from rows of the input, and their gradients are added
    back. */
#include <string.h>

#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

static bool supports(const dg_op_desc *desc) {
  const uint64_t numbers = dg_op_sizes_of(desc).out[0];
  return numbers > 0 && dg_size_fits(numbers);
}

/** Number of pieces in both directions. */
static size_t pieces_of(const dg_cpu_op *op, uint32_t n, size_t rows) {
  return dg_cpu_pieces(rows, (size_t)n * dg_op_sizes_of(&op->desc).out[0]);
}

/** Outside of a line of `size`, `before` places of which come before it: the place that is copied
   to place `at`; `size` if there is none. */
static size_t copied(dg_pad_mode mode, size_t at, size_t before, size_t size) {
  if (at >= before && at < before + size) return at - before;
  if (mode == DG_PAD_ZEROS) return size;
  if (mode == DG_PAD_REPLICATE) return at < before ? 0 : size - 1;
  return at < before ? before - at : 2 * (size - 1) - (at - before);
}

/* ---- forward ------------------------------------------------------------ */

/** Fills the places [begin, end) of a row of the output. */
static void fill_edge(const dg_pad_desc *d, const float *x, size_t begin, size_t end, float *y) {
  const size_t inner = d->inner;
  for (size_t at = begin; at < end; at++) {
    const size_t from = copied(d->mode, at, d->left, d->width);
    if (from < d->width)
      memcpy(y + at * inner, x + from * inner, inner * sizeof *y);
    else
      memset(y + at * inner, 0, inner * sizeof *y);
  }
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_pad_desc *d = &region->op->desc.pad;
  const size_t high = dg_pad_out_h(d), wide = dg_pad_out_w(d), inner = d->inner;
  const size_t row = (size_t)d->width * inner;
  const dg_span rows =
      dg_cpu_part((size_t)region->step->n * d->outer * high, region->pieces, piece);
  (void)worker;
  for (size_t r = rows.begin; r < rows.end; r++) {
    const size_t from = copied(d->mode, r % high, d->top, d->height);
    const float *x = dg_floats(region->buffers->in[0]) + (r / high * d->height + from) * row;
    float *y = dg_floats(region->buffers->out[0]) + r * wide * inner;
    if (from == d->height) {
      memset(y, 0, wide * inner * sizeof *y);
      continue;
    }
    fill_edge(d, x, 0, d->left, y);
    memcpy(y + d->left * inner, x, row * sizeof *y);
    fill_edge(d, x, d->left + d->width, wide, y);
  }
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_pad_desc *d = &op->desc.pad;
  dg_cpu_run_region(op, buffers, step,
                    pieces_of(op, step->n, (size_t)step->n * d->outer * dg_pad_out_h(d)),
                    forward_piece);
}

/* ---- backward ----------------------------------------------------------- */

/** Adds the places [begin, end) of a row of the output's gradient to those they are copies of. */
static void add_edge(const dg_pad_desc *d, const float *dy, size_t begin, size_t end, float *dx) {
  const size_t inner = d->inner;
  for (size_t at = begin; at < end; at++) {
    const size_t to = copied(d->mode, at, d->left, d->width);
    for (size_t i = 0; to < d->width && i < inner; i++) dx[to * inner + i] += dy[at * inner + i];
  }
}

/** Writes or adds the gradient of a row, whose copy is dy, to dx. */
static void take_row(const dg_pad_desc *d, const float *dy, dg_grad_mode mode, float *dx) {
  const size_t inner = d->inner;
  dg_grad_store(mode, d->width * inner, dy + d->left * inner, dx);
  if (d->mode == DG_PAD_ZEROS) return;
  add_edge(d, dy, 0, d->left, dx);
  add_edge(d, dy, d->left + d->width, dg_pad_out_w(d), dx);
}

/** All copies of row `y` of a plane: itself, then those above and those below. */
static void take_rows(const dg_pad_desc *d, size_t y, const float *dy, dg_grad_mode mode,
                      float *dx) {
  const size_t wide = dg_pad_out_w(d) * d->inner, high = dg_pad_out_h(d);
  take_row(d, dy + (d->top + y) * wide, mode, dx);
  if (d->mode == DG_PAD_ZEROS) return;
  for (size_t at = 0; at < high; at++) {
    if (at == d->top) at += d->height;
    if (at < high && copied(d->mode, at, d->top, d->height) == y)
      take_row(d, dy + at * wide, DG_GRAD_ADD, dx);
  }
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_pad_desc *d = &region->op->desc.pad;
  const size_t row = (size_t)d->width * d->inner;
  const size_t plane = dg_pad_out_h(d) * dg_pad_out_w(d) * d->inner;
  const dg_span rows =
      dg_cpu_part((size_t)region->step->n * d->outer * d->height, region->pieces, piece);
  (void)worker;
  for (size_t r = rows.begin; r < rows.end; r++)
    take_rows(d, r % d->height, dg_floats(region->buffers->d_out) + r / d->height * plane,
              region->op->desc.d_in[0], dg_floats(region->buffers->d_in[0]) + r * row);
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_pad_desc *d = &op->desc.pad;
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_cpu_run_region(op, buffers, step,
                    pieces_of(op, step->n, (size_t)step->n * d->outer * d->height), backward_piece);
}

static const dg_cpu_implementation forward_by_rows = {"rows", NULL, NULL, forward},
                                   backward_by_rows = {"rows", NULL, NULL, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_pad) = {supports, {&forward_by_rows}, {&backward_by_rows}};
