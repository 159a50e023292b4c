#include <math.h>

#include "backends/cpu/elementwise/lines.h"
#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

/** Numbers of a column that are added up before they go to its sum, so that rounding errors stay
    small. */
enum { BLOCK = 64 };

static bool supports(const dg_op_desc *desc) {
  return dg_op_sizes_of(desc).out[0] > 0;
}

static size_t units_of(const dg_cpu_op *op, const dg_step *step) {
  const dg_reduce_desc *d = &op->desc.reduce;
  return dg_lines_units((size_t)step->n * d->outer, d->inner);
}

/** Pieces of both directions. */
static size_t pieces_of(const dg_cpu_op *op, const dg_step *step) {
  const dg_reduce_desc *d = &op->desc.reduce;
  return dg_cpu_pieces(units_of(op, step), (size_t)step->n * d->outer * d->count * d->inner);
}

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/** The factor of a sum, or of its gradient. */
static float factor_of(const dg_reduce_desc *d) {
  return d->kind == DG_REDUCE_MEAN ? 1 / (float)d->count : 1;
}

/* ---- sums --------------------------------------------------------------- */

static float row_sum(size_t count, const float *x) {
  dg_vector sum = {0};
  for (size_t first = 0; first < count; first += BLOCK * DG_VECTOR) {
    const size_t end = smaller(first + BLOCK * DG_VECTOR, count);
    dg_vector block = {0};
    for (size_t i = first; i < end; i += DG_VECTOR)
      block += dg_lanes_load(x + i, smaller(end - i, DG_VECTOR), 0);
    sum += block;
  }
  return dg_lanes_sum(sum);
}

static dg_vector column_sums(const dg_reduce_desc *d, size_t lanes, const float *x) {
  dg_vector sum = {0};
  for (size_t first = 0; first < d->count; first += BLOCK) {
    const size_t end = smaller(first + BLOCK, d->count);
    dg_vector block = {0};
    for (size_t k = first; k < end; k++) block += dg_lanes_load(x + k * d->inner, lanes, 0);
    sum += block;
  }
  return sum;
}

/* ---- maxima ------------------------------------------------------------- */

/** Is x larger than the largest so far? A NaN is, unless there is one already. */
static inline dg_int_vector beats(dg_vector x, dg_vector most) {
  return ((x > most) | (x != x)) & (most == most);
}

static bool one_beats(float x, float most) {
  return (x > most || isnan(x)) && !isnan(most);
}

static float row_maximum(size_t count, const float *x) {
  const size_t whole = count - count % DG_VECTOR;
  dg_vector most = -INFINITY - (dg_vector){0};
  for (size_t i = 0; i < whole; i += DG_VECTOR) {
    const dg_vector next = *(const dg_vector *)(x + i);
    most = dg_lanes_pick(beats(next, most), next, most);
  }
  float largest = most[0];
  for (size_t i = 1; i < DG_VECTOR; i++)
    if (one_beats(most[i], largest)) largest = most[i];
  for (size_t i = whole; i < count; i++)
    if (one_beats(x[i], largest)) largest = x[i];
  return largest;
}

/** The index of the first largest number. */
static size_t row_place(size_t count, const float *x) {
  const float most = row_maximum(count, x);
  size_t k = 0;
  while (k + 1 < count && !(x[k] == most || isnan(x[k]))) k++;
  return k;
}

/** The largest number of each column, and the index of the first of it, as whole numbers. */
static dg_vector column_maxima(const dg_reduce_desc *d, size_t lanes, const float *x,
                               dg_int_vector *places) {
  dg_vector most = dg_lanes_load(x, lanes, 0);
  *places = (dg_int_vector){0};
  for (size_t k = 1; k < d->count; k++) {
    const dg_vector next = dg_lanes_load(x + k * d->inner, lanes, 0);
    const dg_int_vector better = beats(next, most);
    most = dg_lanes_pick(better, next, most);
    *places = (better & (int32_t)k) | (~better & *places);
  }
  return most;
}

/* ---- forward ------------------------------------------------------------ */

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_reduce_desc *d = &region->op->desc.reduce;
  const bool maximum = d->kind == DG_REDUCE_MAX;
  const float factor = factor_of(d);
  dg_span units = dg_cpu_part(units_of(region->op, region->step), region->pieces, piece);
  (void)worker;
  for (size_t u = units.begin; u < units.end; u++) {
    const dg_lines l = dg_lines_of(u, d->count, d->inner);
    const float *x = dg_floats(region->buffers->in[0]) + l.at;
    float *y = dg_floats(region->buffers->out[0]) + l.out;
    dg_int_vector places;
    if (d->inner == 1)
      *y = maximum ? row_maximum(d->count, x) : factor * row_sum(d->count, x);
    else if (maximum)
      dg_lanes_store(column_maxima(d, l.lanes, x, &places), l.lanes, y);
    else
      dg_lanes_store(factor * column_sums(d, l.lanes, x), l.lanes, y);
  }
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step), forward_piece);
}

/* ---- backward ----------------------------------------------------------- */

static bool prepare_backward(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.reads_in = op->desc.reduce.kind == DG_REDUCE_MAX;
  return true;
}

static void spread_row(bool add, size_t count, float gradient, float *d_x) {
  for (size_t i = 0; i < count; i++) d_x[i] = add ? d_x[i] + gradient : gradient;
}

static void place_row(bool add, size_t count, const float *x, float gradient, float *d_x) {
  if (!add) memset(d_x, 0, count * sizeof *d_x);
  const size_t k = row_place(count, x);
  d_x[k] = add ? d_x[k] + gradient : gradient;
}

static void backward_columns(const dg_op_desc *desc, size_t lanes, const float *x,
                             dg_vector gradient, float *d_x) {
  const dg_reduce_desc *d = &desc->reduce;
  const bool add = desc->d_in[0] == DG_GRAD_ADD, maximum = d->kind == DG_REDUCE_MAX;
  dg_int_vector places = {0};
  if (maximum) column_maxima(d, lanes, x, &places);
  for (size_t k = 0; k < d->count; k++) {
    const dg_int_vector own = places == (int32_t)k;
    dg_vector share = gradient;
    if (maximum) share = (dg_vector)((dg_int_vector)gradient & own);
    dg_lanes_grad(add, share, lanes, d_x + k * d->inner);
  }
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_op_desc *desc = &region->op->desc;
  const dg_reduce_desc *d = &desc->reduce;
  const bool add = desc->d_in[0] == DG_GRAD_ADD, maximum = d->kind == DG_REDUCE_MAX;
  dg_span units = dg_cpu_part(units_of(region->op, region->step), region->pieces, piece);
  (void)worker;
  for (size_t u = units.begin; u < units.end; u++) {
    const dg_lines l = dg_lines_of(u, d->count, d->inner);
    const float *x = maximum ? dg_floats(region->buffers->in[0]) + l.at : NULL;
    const float *d_y = dg_floats(region->buffers->d_out) + l.out;
    float *d_x = dg_floats(region->buffers->d_in[0]) + l.at;
    if (d->inner > 1)
      backward_columns(desc, l.lanes, x, factor_of(d) * dg_lanes_load(d_y, l.lanes, 0), d_x);
    else if (maximum)
      place_row(add, d->count, x, *d_y, d_x);
    else
      spread_row(add, d->count, factor_of(d) * *d_y, d_x);
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step), backward_piece);
}

static const dg_cpu_implementation forward_by_lines = {"lines", NULL, NULL, forward},
                                   backward_by_lines = {"lines", NULL, prepare_backward, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_reduce) = {
    supports, {&forward_by_lines}, {&backward_by_lines}};
