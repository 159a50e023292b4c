#include "backends/cpu/cpu.h"
#include "backends/cpu/isa.h"

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

/** The part of a window that lies inside the plane: rows [y0, y1), columns [x0, x1). */
typedef struct {
  int y0, y1, x0, x1;
} box;

static int clamp(int value, int low, int high) {
  return value < low ? low : value > high ? high : value;
}

static box box_at(const window *w, int oy, int ox) {
  int y = oy * w->stride_h - w->pad_h, x = ox * w->stride_w - w->pad_w;
  return (box){clamp(y, 0, w->height), clamp(y + w->kernel_h, 0, w->height), clamp(x, 0, w->width),
               clamp(x + w->kernel_w, 0, w->width)};
}

/** Place in the plane of a window's first largest element; of its first NaN where it has one. */
static int first_largest(const window *w, box b, const float *plane) {
  int best = b.y0 * w->width + b.x0;
  for (int y = b.y0; y < b.y1; y++)
    for (int x = b.x0; x < b.x1; x++) {
      int i = y * w->width + x;
      if (plane[best] != plane[best]) return best;
      if (!(plane[i] <= plane[best])) best = i;
    }
  return best;
}

static void max_forward(const window *w, const float *x, float *y) {
  for (int oy = 0; oy < w->out_h; oy++)
    for (int ox = 0; ox < w->out_w; ox++)
      y[oy * w->out_w + ox] = x[first_largest(w, box_at(w, oy, ox), x)];
}

static void max_backward(const window *w, const float *x, const float *d_y, float *dx) {
  for (int oy = 0; oy < w->out_h; oy++)
    for (int ox = 0; ox < w->out_w; ox++)
      dx[first_largest(w, box_at(w, oy, ox), x)] += d_y[oy * w->out_w + ox];
}

static void avg_forward(const window *w, const float *x, float *y) {
  float scale = 1.0f / ((float)w->kernel_h * (float)w->kernel_w);
  for (int oy = 0; oy < w->out_h; oy++)
    for (int ox = 0; ox < w->out_w; ox++) {
      box b = box_at(w, oy, ox);
      float sum = 0;
      for (int i = b.y0; i < b.y1; i++)
        for (int j = b.x0; j < b.x1; j++) sum += x[i * w->width + j];
      y[oy * w->out_w + ox] = sum * scale;
    }
}

static void avg_backward(const window *w, const float *x, const float *d_y, float *dx) {
  (void)x;
  float scale = 1.0f / ((float)w->kernel_h * (float)w->kernel_w);
  for (int oy = 0; oy < w->out_h; oy++)
    for (int ox = 0; ox < w->out_w; ox++) {
      box b = box_at(w, oy, ox);
      for (int i = b.y0; i < b.y1; i++)
        for (int j = b.x0; j < b.x1; j++) dx[i * w->width + j] += d_y[oy * w->out_w + ox] * scale;
    }
}

static bool supports(const dg_op_desc *desc) {
  const dg_pool2d_desc *d = &desc->pool2d;
  return d->channels > 0 && d->height > 0 && d->width > 0 && d->stride_h > 0 && d->stride_w > 0 &&
         d->kernel_h > 0 && d->kernel_w > 0 && 2 * d->pad_h <= d->kernel_h &&
         2 * d->pad_w <= d->kernel_w && (uint64_t)d->height * d->width < INT32_MAX &&
         dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h) > 0 &&
         dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w) > 0;
}

static bool prepare(dg_cpu_op *op, bool train, dg_error *err) {
  (void)err;
  op->base.needs.backward_reads_in = train && op->base.desc.kind == DG_OP_MAXPOOL2D;
  return true;
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  window w = window_of(&op->base.desc.pool2d);
  bool max = op->base.desc.kind == DG_OP_MAXPOOL2D;
  size_t planes = (size_t)step->n * op->base.desc.pool2d.channels;
  size_t in_plane = (size_t)w.height * w.width, out_plane = (size_t)w.out_h * w.out_w;
  const float *x = dg_floats(buffers->in[0]);
  float *y = dg_floats(buffers->out[0]);
#pragma omp parallel for schedule(static) num_threads(dg_cpu_threads(op->device, planes *in_plane))
  for (size_t p = 0; p < planes; p++)
    (max ? max_forward : avg_forward)(&w, x + p * in_plane, y + p * out_plane);
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  window w = window_of(&op->base.desc.pool2d);
  bool max = op->base.desc.kind == DG_OP_MAXPOOL2D;
  size_t planes = (size_t)step->n * op->base.desc.pool2d.channels;
  size_t in_plane = (size_t)w.height * w.width, out_plane = (size_t)w.out_h * w.out_w;
  const float *x = dg_floats(buffers->in[0]), *d_y = dg_floats(buffers->d_out);
  float *dx = dg_floats(buffers->d_in[0]);
  dg_grad_mode mode = op->base.desc.d_in[0];
  if (mode == DG_GRAD_NONE) return;
#pragma omp parallel for schedule(static) num_threads(dg_cpu_threads(op->device, planes *in_plane))
  for (size_t p = 0; p < planes; p++) {
    float *plane = dx + p * in_plane;
    if (mode == DG_GRAD_WRITE)
      for (size_t i = 0; i < in_plane; i++) plane[i] = 0;
    (max ? max_backward : avg_backward)(&w, max ? x + p * in_plane : NULL, d_y + p * out_plane,
                                        plane);
  }
}

const dg_cpu_family DG_ISA_NAME(dg_cpu_maxpool2d) = {supports, prepare, forward, backward};
const dg_cpu_family DG_ISA_NAME(dg_cpu_avgpool2d) = {supports, prepare, forward, backward};
