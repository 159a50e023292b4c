#include <string.h>

#include "backends/cpu/elementwise/sum.h"
#include "backends/cpu/pool/pool2d.h"

static float scale_of(const dg_window *w) {
  return 1.0f / ((float)w->kernel_h * (float)w->kernel_w);
}

/** The outputs of a row for which element kx of the window is inside the input. */
static dg_range outputs_of(const dg_window *w, int kx) {
  int before = dg_at_least(w->pad_w - kx, 0), inside = w->width + w->pad_w - kx;
  return (dg_range){(before + w->stride_w - 1) / w->stride_w,
                    dg_at_most((dg_at_least(inside, 0) + w->stride_w - 1) / w->stride_w, w->out_w)};
}

/** Does one window cover the plane? */
static bool is_whole(const dg_window *w) {
  return w->kernel_h == w->height && w->kernel_w == w->width && w->pad_h == 0 && w->pad_w == 0;
}

static void forward_plane(const dg_window *w, const float *x, float *y) {
  float scale = scale_of(w);
  if (is_whole(w)) {
    *y = (float)dg_sum(w->in_plane, x) * scale;
    return;
  }
  for (int oy = 0; oy < w->out_h; oy++) {
    dg_range rows = dg_pool_taps(oy, w->kernel_h, w->stride_h, w->pad_h, w->height);
    float *to = y + oy * w->out_w;
    for (int ox = 0; ox < w->out_w; ox++) to[ox] = 0;
    for (int ky = rows.begin; ky < rows.end; ky++) {
      const float *from = x + (oy * w->stride_h - w->pad_h + ky) * w->width - w->pad_w;
      for (int kx = 0; kx < w->kernel_w; kx++) {
        dg_range o = outputs_of(w, kx);
        for (int ox = o.begin; ox < o.end; ox++) to[ox] += from[ox * w->stride_w + kx];
      }
    }
    for (int ox = 0; ox < w->out_w; ox++) to[ox] *= scale;
  }
}

/** Adds to dx. */
static void backward_plane(const dg_window *w, const float *d_y, float *dx) {
  float scale = scale_of(w);
  if (is_whole(w)) {
    float share = *d_y * scale;
    for (size_t i = 0; i < w->in_plane; i++) dx[i] += share;
    return;
  }
  for (int oy = 0; oy < w->out_h; oy++) {
    dg_range rows = dg_pool_taps(oy, w->kernel_h, w->stride_h, w->pad_h, w->height);
    const float *from = d_y + oy * w->out_w;
    for (int ky = rows.begin; ky < rows.end; ky++) {
      float *to = dx + (oy * w->stride_h - w->pad_h + ky) * w->width;
      for (int kx = 0; kx < w->kernel_w; kx++) {
        dg_range o = outputs_of(w, kx);
        for (int ox = o.begin; ox < o.end; ox++)
          to[ox * w->stride_w + kx - w->pad_w] += from[ox] * scale;
      }
    }
  }
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  dg_window w = dg_pool_window(&region->op->desc.pool2d);
  const float *x = dg_floats(region->buffers->in[0]);
  float *y = dg_floats(region->buffers->out[0]);
  dg_span planes = dg_pool_planes(region, piece);
  (void)worker;
  for (size_t p = planes.begin; p < planes.end; p++)
    forward_plane(&w, x + p * w.in_plane, y + p * w.out_plane);
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_cpu_run_region(op, buffers, step, dg_pool_pieces(op, step), forward_piece);
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  dg_window w = dg_pool_window(&region->op->desc.pool2d);
  const float *d_y = dg_floats(region->buffers->d_out);
  float *dx = dg_floats(region->buffers->d_in[0]);
  dg_grad_mode mode = region->op->desc.d_in[0];
  dg_span planes = dg_pool_planes(region, piece);
  (void)worker;
  for (size_t p = planes.begin; p < planes.end; p++) {
    if (mode == DG_GRAD_WRITE) memset(dx + p * w.in_plane, 0, w.in_plane * sizeof *dx);
    backward_plane(&w, d_y + p * w.out_plane, dx + p * w.in_plane);
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_cpu_run_region(op, buffers, step, dg_pool_pieces(op, step), backward_piece);
}

static const dg_cpu_implementation forward_by_planes = {"planes", NULL, NULL, forward},
                                   backward_by_planes = {"planes", NULL, NULL, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_avgpool2d) = {
    dg_pool_supports, {&forward_by_planes}, {&backward_by_planes}};
