/**
 * The maximum is computed first over the columns of windows, on whole rows, then over the rows. The
 * index of each maximum in the plane is tracked with it: among equal elements, the smallest index
 * is the first in row-major order, in either order of evaluation. A NaN is larger than all numbers.
 */
#include <math.h>
#include <string.h>

#include "backends/cpu/pool/pool2d.h"

/** Larger than the index of any element. */
enum { NOWHERE = INT32_MAX };

/** Elements of a row processed at a time. */
enum { BLOCK = 16 };

/** The maxima of the columns of all windows of a plane. */
typedef struct {
  int pitch;      /**< elements of a line: those covered by the windows of a row of outputs */
  float *value;   /**< [out_h, pitch] and room for a block */
  int32_t *place; /**< the same */
} columns;

static int pitch_of(const dg_window *w) {
  return w->out_w * w->stride_w + dg_at_least(w->kernel_w - w->stride_w, 0);
}

static size_t columns_floats(const dg_window *w) {
  return dg_round_up((size_t)(w->out_h * pitch_of(w) + w->pad_w + BLOCK));
}

/** value[i] = the larger of a[i], with index first_a + i, and b[i], with index first_b + i. */
static inline void store_larger(int count, const float *restrict a, int first_a,
                                const float *restrict b, int first_b, float *restrict value,
                                int32_t *restrict place) {
  for (int i = 0; i < count; i++) {
    float x = a[i], y = b[i];
    bool take = dg_is_larger(y, x);
    value[i] = take ? y : x;
    place[i] = (take ? first_b : first_a) + i;
  }
}

/** One line: the rows of one row of windows. */
static inline void max_line(const dg_window *w, int count, int oy, const float *x, float *value,
                            int32_t *place) {
  dg_range taps = dg_pool_taps(oy, w->kernel_h, w->stride_h, w->pad_h, w->height);
  int top = (oy * w->stride_h - w->pad_h) * w->width;
  int first = top + taps.begin * w->width;
  int second = taps.begin + 1 < taps.end ? first + w->width : first;
  store_larger(count, x + first, first, x + second, second, value, place);
  for (int ky = taps.begin + 2; ky < taps.end; ky++)
    dg_pool_take_row(count, x + top + ky * w->width, top + ky * w->width, value, place);
}

static void fill_padding(int count, float *value, int32_t *place) {
  for (int i = 0; i < count; i++) value[i] = -INFINITY, place[i] = NOWHERE;
}

/**
 * The columns of a plane; `readable` elements of x may be read, at least a plane. Lines are
 * processed in whole blocks if that reads no further; a block may write past the end of its line,
 * and the next line overwrites that.
 */
static void max_down(const dg_window *w, const float *x, size_t readable, const columns *c) {
  int count = dg_at_most(w->width, c->pitch - w->pad_w), blocks = (count + BLOCK - 1) / BLOCK;
  for (int oy = 0; oy < w->out_h; oy++) {
    float *value = c->value + oy * c->pitch;
    int32_t *place = c->place + oy * c->pitch;
    int last_row = oy * w->stride_h - w->pad_h + w->kernel_h - 1;
    if ((size_t)(last_row * w->width + blocks * BLOCK) <= readable)
      max_line(w, blocks * BLOCK, oy, x, value + w->pad_w, place + w->pad_w);
    else
      max_line(w, count, oy, x, value + w->pad_w, place + w->pad_w);
    if (c->pitch > count) {
      int end = w->pad_w + count;
      fill_padding(w->pad_w, value, place);
      fill_padding(c->pitch - end, value + end, place + end);
    }
  }
}

/** Outputs from a line: the largest of `kernel` columns; of equal ones, that with the smallest
    index. */
static inline void take_columns(int count, int stride, int kernel, const float *restrict value,
                                const int32_t *restrict place, float *restrict y,
                                int32_t *restrict y_place) {
  for (int i = 0; i < count; i++) {
    float best = value[i * stride];
    int32_t best_place = place[i * stride];
    for (int k = 1; k < kernel; k++) {
      float x = value[i * stride + k];
      int32_t x_place = place[i * stride + k];
      bool take = dg_is_larger(x, best) | (dg_is_equal(x, best) & (x_place < best_place));
      best = take ? x : best;
      best_place = take ? x_place : best_place;
    }
    y[i] = best;
    y_place[i] = best_place;
  }
}

static void max_across(const dg_window *w, int count, const float *value, const int32_t *place,
                       float *y, int32_t *y_place) {
  if (w->stride_w == 2 && w->kernel_w == 2)
    take_columns(count, 2, 2, value, place, y, y_place);
  else
    take_columns(count, w->stride_w, w->kernel_w, value, place, y, y_place);
}

/** One plane; y_place: the index in the plane of the maximum of each output. */
static void forward_plane(const dg_window *w, const float *x, size_t readable, const columns *c,
                          float *y, int32_t *y_place) {
  max_down(w, x, readable, c);
  if (c->pitch == w->out_w * w->stride_w)
    max_across(w, w->out_h * w->out_w, c->value, c->place, y, y_place);
  else
    for (int oy = 0; oy < w->out_h; oy++)
      max_across(w, w->out_w, c->value + oy * c->pitch, c->place + oy * c->pitch, y + oy * w->out_w,
                 y_place + oy * w->out_w);
}

/** Floats of a worker's workspace: columns, and indices that aren't needed. */
static size_t worker_floats(const dg_window *w) {
  return 2 * columns_floats(w) + dg_round_up(w->out_plane);
}

static bool prepare_forward(dg_cpu_op *op, dg_error *err) {
  (void)err;
  dg_window w = dg_pool_window(&op->desc.pool2d);
  op->needs.workspace = (size_t)op->device->threads * worker_floats(&w) * sizeof(float);
  return true;
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_op_buffers *buffers = region->buffers;
  dg_window w = dg_pool_window(&region->op->desc.pool2d);
  size_t floats = columns_floats(&w),
         all = region->step->n * (size_t)region->op->desc.pool2d.channels;
  const float *x = dg_floats(buffers->in[0]);
  float *y = dg_floats(buffers->out[0]);
  bool keeps = region->step->train && buffers->saved;
  int32_t *saved = keeps ? (int32_t *)buffers->saved->data : NULL;
  float *own = dg_floats(buffers->workspace) + worker * worker_floats(&w);
  columns c = {.pitch = pitch_of(&w), .value = own, .place = (int32_t *)(own + floats)};
  int32_t *unwanted = c.place + floats;
  dg_span planes = dg_pool_planes(region, piece);
  for (size_t p = planes.begin; p < planes.end; p++)
    forward_plane(&w, x + p * w.in_plane, (all - p) * w.in_plane, &c, y + p * w.out_plane,
                  saved ? saved + p * w.out_plane : unwanted);
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_cpu_run_region(op, buffers, step, dg_pool_pieces(op, step), forward_piece);
}

/** The index of each maximum in its plane is saved. */
static bool prepare_backward(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.saved = (size_t)op->max_n * op->desc.pool2d.channels *
                    dg_pool_window(&op->desc.pool2d).out_plane * sizeof(int32_t);
  return true;
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  dg_window w = dg_pool_window(&region->op->desc.pool2d);
  const int32_t *places = (const int32_t *)region->buffers->saved->data;
  const float *d_y = dg_floats(region->buffers->d_out);
  float *dx = dg_floats(region->buffers->d_in[0]);
  dg_grad_mode mode = region->op->desc.d_in[0];
  dg_span planes = dg_pool_planes(region, piece);
  (void)worker;
  for (size_t p = planes.begin; p < planes.end; p++) {
    float *plane = dx + p * w.in_plane;
    if (mode == DG_GRAD_WRITE) memset(plane, 0, w.in_plane * sizeof *dx);
    for (size_t i = p * w.out_plane; i < (p + 1) * w.out_plane; i++) plane[places[i]] += d_y[i];
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_cpu_run_region(op, buffers, step, dg_pool_pieces(op, step), backward_piece);
}

static const dg_cpu_implementation forward_by_planes = {"planes", NULL, prepare_forward, forward},
                                   backward_by_planes = {"planes", NULL, prepare_backward,
                                                         backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_maxpool2d) = {
    dg_pool_supports, {&forward_by_planes}, {&backward_by_planes}};
