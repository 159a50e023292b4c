#include "backends/cpu/cpu.h"
#include "backends/cpu/isa.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/** What the loops over a plane's windows need. */
typedef struct {
  int height, width, out_h, out_w;
  int kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
} window;

static window window_of(const dg_pool2d_desc *d) {
  return (window){
      .height = (int)d->height,
      .width = (int)d->width,
      .out_h = (int)dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h),
      .out_w = (int)dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w),
      .kernel_h = (int)d->kernel_h,
      .kernel_w = (int)d->kernel_w,
      .stride_h = (int)d->stride_h,
      .stride_w = (int)d->stride_w,
      .pad_h = (int)d->pad_h,
      .pad_w = (int)d->pad_w,
  };
}

/** A part of a row or column of outputs or inputs: [begin, end). */
typedef struct {
  int begin, end;
} range;

static int at_least(int value, int low) {
  return value < low ? low : value;
}

static int at_most(int value, int high) {
  return value > high ? high : value;
}

/** The outputs of [first, last) whose element `tap` of the window lies inside `size` inputs. */
static range outputs_inside(int first, int last, int tap, int stride, int pad, int size) {
  int begin = tap >= pad ? 0 : (pad - tap + stride - 1) / stride;
  int end = size + pad > tap ? (size + pad - tap + stride - 1) / stride : 0;
  return (range){at_least(begin, first), at_most(end, last)};
}

/** The elements of the window of output `o` that lie inside `size` inputs. */
static range taps_inside(int o, int kernel, int stride, int pad, int size) {
  int first = o * stride - pad;
  return (range){at_least(-first, 0), at_most(size - first, kernel)};
}

/* ---- maximum ------------------------------------------------------------ */

/**
 * The maximum is taken down the windows first, over whole rows, then across. Of each largest
 * element its place in the plane is carried along: among equals the smallest place is the first in
 * row-major order, whichever way one goes. A NaN is larger than all numbers.
 */
typedef struct {
  int pitch;      /**< elements of a line: what the windows of a row of outputs reach over */
  float *value;   /**< [out_h, pitch] */
  int32_t *place; /**< [out_h, pitch] */
} columns;

/** Larger than the place of any element. */
enum { NOWHERE = INT32_MAX };

static int pitch_of(const window *w) {
  return w->out_w * w->stride_w + at_least(w->kernel_w - w->stride_w, 0);
}

static size_t columns_floats(const window *w) {
  return dg_round_up((size_t)(w->out_h * pitch_of(w)));
}

/** Takes row[i], whose place is first + i, for value[i] where it is larger. */
static void take_row(int count, const float *restrict row, int first, float *restrict value,
                     int32_t *restrict place) {
  for (int i = 0; i < count; i++) {
    float x = row[i], old = value[i];
    bool take = (place[i] == NOWHERE) | (x > old) | ((x != x) & (old == old));
    value[i] = take ? x : old;
    place[i] = take ? first + i : place[i];
  }
}

/** Takes x[i * stride] for value[i] where it is larger, or as large and before it. */
static inline void take_columns(int count, int stride, const float *restrict x,
                                const int32_t *restrict x_place, float *restrict value,
                                int32_t *restrict place) {
  for (int i = 0; i < count; i++) {
    float new = x[i * stride], old = value[i];
    int32_t new_place = x_place[i * stride];
    bool before = new_place < place[i];
    bool take = (new > old) | ((new == old) & before) | ((new != new) & ((old == old) | before));
    value[i] = take ? new : old;
    place[i] = take ? new_place : place[i];
  }
}

/** The largest elements of the columns of all windows. */
static void max_down(const window *w, const float *x, const columns *c) {
  int skip = w->pad_w, count = at_most(w->width, c->pitch - skip);
  for (int i = 0; i < w->out_h * c->pitch; i++) c->value[i] = -INFINITY, c->place[i] = NOWHERE;
  for (int oy = 0; oy < w->out_h; oy++) {
    range taps = taps_inside(oy, w->kernel_h, w->stride_h, w->pad_h, w->height);
    int line = oy * c->pitch + skip;
    for (int ky = taps.begin; ky < taps.end; ky++) {
      int row = (oy * w->stride_h - w->pad_h + ky) * w->width;
      take_row(count, x + row, row, c->value + line, c->place + line);
    }
  }
}

/** `count` outputs from one line. */
static void max_across(const window *w, int count, const float *value, const int32_t *place,
                       float *y, int32_t *y_place) {
  for (int i = 0; i < count; i++) y[i] = -INFINITY, y_place[i] = NOWHERE;
  for (int kx = 0; kx < w->kernel_w; kx++) {
    if (w->stride_w == 2)
      take_columns(count, 2, value + kx, place + kx, y, y_place);
    else
      take_columns(count, w->stride_w, value + kx, place + kx, y, y_place);
  }
}

/** One plane; y_place: where the largest element of each output lies in the plane. */
static void max_forward(const window *w, const float *x, const columns *c, float *y,
                        int32_t *y_place) {
  max_down(w, x, c);
  if (c->pitch == w->out_w * w->stride_w)
    max_across(w, w->out_h * w->out_w, c->value, c->place, y, y_place);
  else
    for (int oy = 0; oy < w->out_h; oy++)
      max_across(w, w->out_w, c->value + oy * c->pitch, c->place + oy * c->pitch, y + oy * w->out_w,
                 y_place + oy * w->out_w);
}

static void max_backward(const window *w, const int32_t *places, const float *d_y, float *dx) {
  for (int i = 0; i < w->out_h * w->out_w; i++) dx[places[i]] += d_y[i];
}

/* ---- average ------------------------------------------------------------ */

static float window_scale(const window *w) {
  return 1.0f / ((float)w->kernel_h * (float)w->kernel_w);
}

static void avg_forward(const window *w, const float *x, float *y) {
  for (int oy = 0; oy < w->out_h; oy++) {
    range rows = taps_inside(oy, w->kernel_h, w->stride_h, w->pad_h, w->height);
    float *to = y + oy * w->out_w;
    for (int ox = 0; ox < w->out_w; ox++) to[ox] = 0;
    for (int ky = rows.begin; ky < rows.end; ky++) {
      const float *from = x + (oy * w->stride_h - w->pad_h + ky) * w->width - w->pad_w;
      for (int kx = 0; kx < w->kernel_w; kx++) {
        range o = outputs_inside(0, w->out_w, kx, w->stride_w, w->pad_w, w->width);
        for (int ox = o.begin; ox < o.end; ox++) to[ox] += from[ox * w->stride_w + kx];
      }
    }
    for (int ox = 0; ox < w->out_w; ox++) to[ox] *= window_scale(w);
  }
}

static void avg_backward(const window *w, const float *d_y, float *dx) {
  for (int oy = 0; oy < w->out_h; oy++) {
    range rows = taps_inside(oy, w->kernel_h, w->stride_h, w->pad_h, w->height);
    const float *from = d_y + oy * w->out_w;
    for (int ky = rows.begin; ky < rows.end; ky++) {
      float *to = dx + (oy * w->stride_h - w->pad_h + ky) * w->width;
      for (int kx = 0; kx < w->kernel_w; kx++) {
        range o = outputs_inside(0, w->out_w, kx, w->stride_w, w->pad_w, w->width);
        for (int ox = o.begin; ox < o.end; ox++)
          to[ox * w->stride_w + kx - w->pad_w] += from[ox] * window_scale(w);
      }
    }
  }
}

static bool supports(const dg_op_desc *desc) {
  const dg_pool2d_desc *d = &desc->pool2d;
  return d->channels > 0 && d->height > 0 && d->width > 0 && d->stride_h > 0 && d->stride_w > 0 &&
         d->kernel_h > 0 && d->kernel_w > 0 && 2 * (uint64_t)d->pad_h <= d->kernel_h &&
         2 * (uint64_t)d->pad_w <= d->kernel_w &&
         ((uint64_t)d->height + d->kernel_h) * ((uint64_t)d->width + d->kernel_w) < INT32_MAX &&
         dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h) > 0 &&
         dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w) > 0;
}

static size_t kept_count(const dg_cpu_op *op, const window *w, size_t n) {
  return n * op->base.desc.pool2d.channels * (size_t)(w->out_h * w->out_w);
}

/** Of a largest element, its place in the plane is kept. */
static bool prepare(dg_cpu_op *op, bool train, dg_error *err) {
  (void)err;
  window w = window_of(&op->base.desc.pool2d);
  size_t places = dg_round_up((size_t)(w.out_h * w.out_w)), threads = (size_t)op->device->threads;
  if (op->base.desc.kind != DG_OP_MAXPOOL2D) return true;
  op->base.needs.forward_workspace = threads * (2 * columns_floats(&w) + places) * sizeof(float);
  if (train) op->base.needs.kept = kept_count(op, &w, op->base.max_n) * sizeof(int32_t);
  return true;
}

static void max_forward_all(const dg_cpu_op *op, const dg_op_buffers *buffers,
                            const dg_step *step) {
  window w = window_of(&op->base.desc.pool2d);
  size_t planes = (size_t)step->n * op->base.desc.pool2d.channels;
  size_t in_plane = (size_t)(w.height * w.width), out_plane = (size_t)(w.out_h * w.out_w);
  size_t room = columns_floats(&w);
  const float *x = dg_floats(buffers->in[0]);
  float *y = dg_floats(buffers->out[0]), *workspace = dg_floats(buffers->workspace);
  int32_t *kept = step->train && buffers->kept ? (int32_t *)buffers->kept->data : NULL;
#pragma omp parallel num_threads(dg_cpu_threads(op->device, planes *in_plane))
  {
    size_t thread = (size_t)omp_get_thread_num();
    float *own = workspace + thread * (2 * room + dg_round_up(out_plane));
    columns c = {.pitch = pitch_of(&w), .value = own, .place = (int32_t *)(own + room)};
    int32_t *unwanted = c.place + room;
#pragma omp for schedule(static)
    for (size_t p = 0; p < planes; p++)
      max_forward(&w, x + p * in_plane, &c, y + p * out_plane,
                  kept ? kept + p * out_plane : unwanted);
  }
}

static void avg_forward_all(const dg_cpu_op *op, const dg_op_buffers *buffers,
                            const dg_step *step) {
  window w = window_of(&op->base.desc.pool2d);
  size_t planes = (size_t)step->n * op->base.desc.pool2d.channels;
  size_t in_plane = (size_t)(w.height * w.width), out_plane = (size_t)(w.out_h * w.out_w);
  const float *x = dg_floats(buffers->in[0]);
  float *y = dg_floats(buffers->out[0]);
#pragma omp parallel for schedule(static) num_threads(dg_cpu_threads(op->device, planes *in_plane))
  for (size_t p = 0; p < planes; p++) avg_forward(&w, x + p * in_plane, y + p * out_plane);
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  window w = window_of(&op->base.desc.pool2d);
  bool max = op->base.desc.kind == DG_OP_MAXPOOL2D;
  size_t planes = (size_t)step->n * op->base.desc.pool2d.channels;
  size_t in_plane = (size_t)(w.height * w.width), out_plane = (size_t)(w.out_h * w.out_w);
  const int32_t *places = max ? (const int32_t *)buffers->kept->data : NULL;
  const float *d_y = dg_floats(buffers->d_out);
  float *dx = dg_floats(buffers->d_in[0]);
  dg_grad_mode mode = op->base.desc.d_in[0];
  if (mode == DG_GRAD_NONE) return;
#pragma omp parallel for schedule(static) num_threads(dg_cpu_threads(op->device, planes *in_plane))
  for (size_t p = 0; p < planes; p++) {
    if (mode == DG_GRAD_WRITE) memset(dx + p * in_plane, 0, in_plane * sizeof *dx);
    if (max)
      max_backward(&w, places + p * out_plane, d_y + p * out_plane, dx + p * in_plane);
    else
      avg_backward(&w, d_y + p * out_plane, dx + p * in_plane);
  }
}

const dg_cpu_family DG_ISA_NAME(dg_cpu_maxpool2d) = {supports, prepare, max_forward_all, backward};
const dg_cpu_family DG_ISA_NAME(dg_cpu_avgpool2d) = {supports, prepare, avg_forward_all, backward};
