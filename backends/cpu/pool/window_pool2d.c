/**
 * A row of windows is reduced over its rows first, which are whole rows of the input, then over its
 * columns. As in maxpool2d.c, the index of a maximum in its plane is tracked with it.
 */
#include <string.h>

#include "backends/cpu/pool/pool2d.h"

static bool supports(const dg_op_desc *desc) {
  return desc->window_pool2d.channels > 0;
}

static size_t in_plane(const dg_window_pool2d_desc *d) {
  return (size_t)d->rows.size * d->columns.size;
}

static size_t out_plane(const dg_window_pool2d_desc *d) {
  return (size_t)d->rows.out * d->columns.out;
}

static size_t pieces_of(const dg_cpu_op *op, uint32_t n) {
  const dg_window_pool2d_desc *d = &op->desc.window_pool2d;
  const size_t planes = (size_t)n * d->channels;
  return dg_cpu_pieces(planes, planes * (in_plane(d) + out_plane(d)));
}

/** The planes of a piece. */
static dg_span planes_of(const dg_cpu_region *region, size_t piece) {
  const size_t planes = (size_t)region->step->n * region->op->desc.window_pool2d.channels;
  return dg_cpu_part(planes, region->pieces, piece);
}

/** Floats of a worker's row of the input, and as many indices. */
static size_t line_floats(const dg_window_pool2d_desc *d) {
  return dg_round_up(d->columns.size);
}

static bool prepare_lines(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.workspace =
      (size_t)op->device->threads * 2 * line_floats(&op->desc.window_pool2d) * sizeof(float);
  return true;
}

/** The row of a worker. */
static float *line_of(const dg_cpu_region *region, size_t worker) {
  return dg_floats(region->buffers->workspace) +
         worker * 2 * line_floats(&region->op->desc.window_pool2d);
}

/* ---- maxima ------------------------------------------------------------- */

/** The maxima of the rows of a window in each column of a plane. */
static void max_rows(const dg_window_pool2d_desc *d, dg_pool_span rows, const float *x,
                     float *value, int32_t *place) {
  const int width = (int)d->columns.size, first = (int)rows.first * width;
  memcpy(value, x + first, d->columns.size * sizeof *value);
  for (int i = 0; i < width; i++) place[i] = first + i;
  for (uint32_t k = 1; k < rows.count; k++) {
    const int at = (int)(rows.first + k * rows.step) * width;
    dg_pool_take_row(width, x + at, at, value, place);
  }
}

/** Of equal maxima, that with the smallest index. */
static void max_columns(const dg_window_pool2d_desc *d, const float *value, const int32_t *place,
                        float *y, int32_t *y_place) {
  for (uint32_t o = 0; o < d->columns.out; o++) {
    const dg_pool_span span = dg_pool_span_of(&d->columns, o);
    float best = value[span.first];
    int32_t best_place = place[span.first];
    for (uint32_t k = 1; k < span.count; k++) {
      const float x = value[span.first + k * span.step];
      const int32_t x_place = place[span.first + k * span.step];
      const bool take = dg_is_larger(x, best) | (dg_is_equal(x, best) & (x_place < best_place));
      best = take ? x : best;
      best_place = take ? x_place : best_place;
    }
    y[o] = best;
    if (y_place) y_place[o] = best_place;
  }
}

static void max_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_window_pool2d_desc *d = &region->op->desc.window_pool2d;
  const bool keeps = region->step->train && region->buffers->saved;
  int32_t *saved = keeps ? (int32_t *)region->buffers->saved->data : NULL;
  float *value = line_of(region, worker);
  int32_t *place = (int32_t *)(value + line_floats(d));
  const dg_span planes = planes_of(region, piece);
  for (size_t p = planes.begin; p < planes.end; p++)
    for (uint32_t o = 0; o < d->rows.out; o++) {
      const size_t at = p * out_plane(d) + (size_t)o * d->columns.out;
      max_rows(d, dg_pool_span_of(&d->rows, o), dg_floats(region->buffers->in[0]) + p * in_plane(d),
               value, place);
      max_columns(d, value, place, dg_floats(region->buffers->out[0]) + at,
                  saved ? saved + at : NULL);
    }
}

static void max_forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step->n), max_piece);
}

/** The index of each maximum in its plane is saved. */
static bool prepare_places(dg_cpu_op *op, dg_error *err) {
  const dg_window_pool2d_desc *d = &op->desc.window_pool2d;
  (void)err;
  op->needs.saved = (size_t)op->max_n * d->channels * out_plane(d) * sizeof(int32_t);
  return true;
}

static void max_backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_window_pool2d_desc *d = &region->op->desc.window_pool2d;
  const int32_t *places = (const int32_t *)region->buffers->saved->data;
  const float *d_y = dg_floats(region->buffers->d_out);
  const dg_span planes = planes_of(region, piece);
  (void)worker;
  for (size_t p = planes.begin; p < planes.end; p++) {
    float *plane = dg_floats(region->buffers->d_in[0]) + p * in_plane(d);
    if (region->op->desc.d_in[0] == DG_GRAD_WRITE) memset(plane, 0, in_plane(d) * sizeof *plane);
    for (size_t i = p * out_plane(d); i < (p + 1) * out_plane(d); i++) plane[places[i]] += d_y[i];
  }
}

static void max_backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step->n), max_backward_piece);
}

static const dg_cpu_implementation max_by_rows = {"rows", NULL, prepare_lines, max_forward},
                                   max_backward_by_planes = {"planes", NULL, prepare_places,
                                                             max_backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_window_maxpool2d) = {
    supports, {&max_by_rows}, {&max_backward_by_planes}};

/* ---- means -------------------------------------------------------------- */

/** What a window's numbers count. */
static float share_of(const dg_window_pool2d_desc *d, dg_pool_span rows, dg_pool_span columns) {
  if (d->count_padding) return 1 / ((float)rows.all * (float)columns.all);
  return 1 / ((float)rows.count * (float)columns.count);
}

static void average_row(const dg_window_pool2d_desc *d, dg_pool_span rows, const float *x,
                        float *restrict line, float *y) {
  const size_t width = d->columns.size;
  for (size_t i = 0; i < width; i++) line[i] = x[rows.first * width + i];
  for (uint32_t k = 1; k < rows.count; k++) {
    const float *from = x + (rows.first + k) * width;
    for (size_t i = 0; i < width; i++) line[i] += from[i];
  }
  for (uint32_t o = 0; o < d->columns.out; o++) {
    const dg_pool_span span = dg_pool_span_of(&d->columns, o);
    float sum = 0;
    for (uint32_t k = 0; k < span.count; k++) sum += line[span.first + k];
    y[o] = sum * share_of(d, rows, span);
  }
}

static void average_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_window_pool2d_desc *d = &region->op->desc.window_pool2d;
  float *line = line_of(region, worker);
  const dg_span planes = planes_of(region, piece);
  for (size_t p = planes.begin; p < planes.end; p++)
    for (uint32_t o = 0; o < d->rows.out; o++)
      average_row(
          d, dg_pool_span_of(&d->rows, o), dg_floats(region->buffers->in[0]) + p * in_plane(d),
          line, dg_floats(region->buffers->out[0]) + p * out_plane(d) + (size_t)o * d->columns.out);
}

static void average_forward(const dg_cpu_op *op, const dg_op_buffers *buffers,
                            const dg_step *step) {
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step->n), average_piece);
}

/** Adds to dx. */
static void spread_row(const dg_window_pool2d_desc *d, dg_pool_span rows, const float *d_y,
                       float *restrict line, float *restrict dx) {
  const size_t width = d->columns.size;
  memset(line, 0, width * sizeof *line);
  for (uint32_t o = 0; o < d->columns.out; o++) {
    const dg_pool_span span = dg_pool_span_of(&d->columns, o);
    const float own = d_y[o] * share_of(d, rows, span);
    for (uint32_t k = 0; k < span.count; k++) line[span.first + k] += own;
  }
  for (uint32_t k = 0; k < rows.count; k++) {
    float *to = dx + (rows.first + k) * width;
    for (size_t i = 0; i < width; i++) to[i] += line[i];
  }
}

static void average_backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_window_pool2d_desc *d = &region->op->desc.window_pool2d;
  float *line = line_of(region, worker);
  const dg_span planes = planes_of(region, piece);
  for (size_t p = planes.begin; p < planes.end; p++) {
    const float *d_y = dg_floats(region->buffers->d_out) + p * out_plane(d);
    float *plane = dg_floats(region->buffers->d_in[0]) + p * in_plane(d);
    if (region->op->desc.d_in[0] == DG_GRAD_WRITE) memset(plane, 0, in_plane(d) * sizeof *plane);
    for (uint32_t o = 0; o < d->rows.out; o++)
      spread_row(d, dg_pool_span_of(&d->rows, o), d_y + (size_t)o * d->columns.out, line, plane);
  }
}

static void average_backward(const dg_cpu_op *op, const dg_op_buffers *buffers,
                             const dg_step *step) {
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step->n), average_backward_piece);
}

static const dg_cpu_implementation average_by_rows = {"rows", NULL, prepare_lines, average_forward},
                                   average_backward_by_rows = {"rows", NULL, prepare_lines,
                                                               average_backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_window_avgpool2d) = {
    supports, {&average_by_rows}, {&average_backward_by_rows}};
