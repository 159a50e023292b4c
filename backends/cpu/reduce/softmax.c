#include <math.h>

#include "backends/cpu/elementwise/lines.h"
#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

static bool supports(const dg_op_desc *desc) {
  return dg_op_sizes_of(desc).out[0] > 0;
}

static size_t units_of(const dg_cpu_op *op, const dg_step *step) {
  const dg_softmax_desc *d = &op->desc.softmax;
  return dg_lines_units((size_t)step->n * d->outer, d->inner);
}

/** Pieces of both directions; a number costs about as much as ten copies. */
static size_t pieces_of(const dg_cpu_op *op, const dg_step *step) {
  const dg_softmax_desc *d = &op->desc.softmax;
  return dg_cpu_pieces(units_of(op, step), 10 * (size_t)step->n * d->outer * d->count * d->inner);
}

static inline dg_vector log_of(dg_vector x) {
  for (size_t i = 0; i < DG_VECTOR; i++) x[i] = logf(x[i]);
  return x;
}

/** The gradient of numbers with the results `out`, whose gradients are g; `sum`: over the line, of
    g out, or of g for the logarithm. */
static inline dg_vector gradient_of(bool log, dg_vector out, dg_vector g, dg_vector sum) {
  if (log) return g - dg_exp(out) * sum;
  return out * (g - sum);
}

/* ---- rows --------------------------------------------------------------- */

static float row_maximum(size_t count, const float *x) {
  const size_t whole = count - count % DG_VECTOR;
  dg_vector most = dg_lanes_load(x + whole, count - whole, -INFINITY);
  for (size_t i = 0; i < whole; i += DG_VECTOR)
    most = dg_lanes_larger(*(const dg_vector *)(x + i), most);
  float largest = -INFINITY;
  for (size_t i = 0; i < DG_VECTOR; i++) largest = most[i] > largest ? most[i] : largest;
  return largest;
}

/** exp(x - most), which is also stored to y, unless that is NULL. */
static inline dg_vector powers(const float *x, float most, size_t lanes, float *y) {
  const dg_vector power = dg_exp(dg_lanes_load(x, lanes, -INFINITY) - most);
  if (y) dg_lanes_store(power, lanes, y);
  return power;
}

/** Where all is minus infinity, the sum is NaN, as all results are. */
static float row_powers(size_t count, const float *x, float most, float *y) {
  const size_t whole = count - count % DG_VECTOR;
  dg_vector sum = {0};
  for (size_t i = 0; i < whole; i += DG_VECTOR)
    sum += powers(x + i, most, DG_VECTOR, y ? y + i : NULL);
  if (whole < count) sum += powers(x + whole, most, count - whole, y ? y + whole : NULL);
  return dg_lanes_sum(sum);
}

static void forward_row(bool log, size_t count, const float *x, float *y) {
  const float most = row_maximum(count, x), sum = row_powers(count, x, most, log ? NULL : y);
  const float factor = 1 / sum, shift = logf(sum);
  if (log)
    for (size_t i = 0; i < count; i++) y[i] = x[i] - most - shift;
  else
    for (size_t i = 0; i < count; i++) y[i] *= factor;
}

/** The sum over a row of g y, or of g for the logarithm. */
static inline float row_shares(bool log, size_t count, const float *y, const float *g) {
  const size_t whole = count - count % DG_VECTOR;
  dg_vector sum = dg_lanes_load(g + whole, count - whole, 0);
  if (!log) sum *= dg_lanes_load(y + whole, count - whole, 0);
  for (size_t i = 0; i < whole; i += DG_VECTOR) {
    dg_vector share = *(const dg_vector *)(g + i);
    if (!log) share *= *(const dg_vector *)(y + i);
    sum += share;
  }
  return dg_lanes_sum(sum);
}

static void backward_row(const dg_op_desc *desc, size_t count, const float *y, const float *d_y,
                         float *d_x) {
  const bool log = desc->softmax.log, add = desc->d_in[0] == DG_GRAD_ADD;
  const dg_vector sum = row_shares(log, count, y, d_y) - (dg_vector){0};
  const size_t whole = count - count % DG_VECTOR, left = count - whole;
  for (size_t i = 0; i < whole; i += DG_VECTOR)
    dg_lanes_grad(add,
                  gradient_of(log, *(const dg_vector *)(y + i), *(const dg_vector *)(d_y + i), sum),
                  DG_VECTOR, d_x + i);
  if (left)
    dg_lanes_grad(add,
                  gradient_of(log, dg_lanes_load(y + whole, left, 0),
                              dg_lanes_load(d_y + whole, left, 0), sum),
                  left, d_x + whole);
}

/* ---- columns ------------------------------------------------------------ */

static void forward_columns(const dg_softmax_desc *d, size_t lanes, const float *x, float *y) {
  const size_t inner = d->inner, count = d->count;
  dg_vector most = -INFINITY - (dg_vector){0}, sum = {0};
  for (size_t k = 0; k < count; k++)
    most = dg_lanes_larger(dg_lanes_load(x + k * inner, lanes, 0), most);
  for (size_t k = 0; k < count; k++) {
    const dg_vector power = dg_exp(dg_lanes_load(x + k * inner, lanes, 0) - most);
    sum += power;
    if (!d->log) dg_lanes_store(power, lanes, y + k * inner);
  }
  const dg_vector factor = 1.0f / sum;
  dg_vector shift = {0};
  if (d->log) shift = log_of(sum);
  for (size_t k = 0; k < count; k++) {
    if (d->log)
      dg_lanes_store(dg_lanes_load(x + k * inner, lanes, 0) - most - shift, lanes, y + k * inner);
    else
      dg_lanes_store(dg_lanes_load(y + k * inner, lanes, 0) * factor, lanes, y + k * inner);
  }
}

static void backward_columns(const dg_op_desc *desc, size_t lanes, const float *y, const float *d_y,
                             float *d_x) {
  const dg_softmax_desc *d = &desc->softmax;
  const size_t inner = d->inner, count = d->count;
  dg_vector sum = {0};
  for (size_t k = 0; k < count; k++) {
    dg_vector share = dg_lanes_load(d_y + k * inner, lanes, 0);
    if (!d->log) share *= dg_lanes_load(y + k * inner, lanes, 0);
    sum += share;
  }
  for (size_t k = 0; k < count; k++) {
    const dg_vector out = dg_lanes_load(y + k * inner, lanes, 0);
    const dg_vector g = dg_lanes_load(d_y + k * inner, lanes, 0);
    dg_lanes_grad(desc->d_in[0] == DG_GRAD_ADD, gradient_of(d->log, out, g, sum), lanes,
                  d_x + k * inner);
  }
}

/* ---- the op ------------------------------------------------------------- */

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_softmax_desc *d = &region->op->desc.softmax;
  const float *x = dg_floats(region->buffers->in[0]);
  float *y = dg_floats(region->buffers->out[0]);
  dg_span units = dg_cpu_part(units_of(region->op, region->step), region->pieces, piece);
  (void)worker;
  for (size_t u = units.begin; u < units.end; u++) {
    const dg_lines l = dg_lines_of(u, d->count, d->inner);
    if (d->inner == 1)
      forward_row(d->log, d->count, x + l.at, y + l.at);
    else
      forward_columns(d, l.lanes, x + l.at, y + l.at);
  }
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step), forward_piece);
}

static bool prepare_backward(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.reads_out = true;
  return true;
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_op_desc *desc = &region->op->desc;
  const dg_softmax_desc *d = &desc->softmax;
  const float *y = dg_floats(region->buffers->out[0]), *d_y = dg_floats(region->buffers->d_out);
  float *d_x = dg_floats(region->buffers->d_in[0]);
  dg_span units = dg_cpu_part(units_of(region->op, region->step), region->pieces, piece);
  (void)worker;
  for (size_t u = units.begin; u < units.end; u++) {
    const dg_lines l = dg_lines_of(u, d->count, d->inner);
    if (d->inner == 1)
      backward_row(desc, d->count, y + l.at, d_y + l.at, d_x + l.at);
    else
      backward_columns(desc, l.lanes, y + l.at, d_y + l.at, d_x + l.at);
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step), backward_piece);
}

static const dg_cpu_implementation forward_by_lines = {"lines", NULL, NULL, forward},
                                   backward_by_lines = {"lines", NULL, prepare_backward, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_softmax) = {
    supports, {&forward_by_lines}, {&backward_by_lines}};
