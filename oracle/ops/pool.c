/* The oracle's poolings. */
#include <math.h>

#include "oracle/family.h"

static oracle_window pool_window(const dg_pool2d_desc *d) {
  return (oracle_window){d->height,
                         d->width,
                         dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h),
                         dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w),
                         d->kernel_h,
                         d->kernel_w,
                         d->stride_h,
                         d->stride_w,
                         d->pad_h,
                         d->pad_w};
}

static void pool_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  oracle_window w = pool_window(&desc->pool2d);
  z->in[0] = (size_t)desc->pool2d.channels * w.height * w.width;
  z->out = (size_t)desc->pool2d.channels * w.out_h * w.out_w;
}

/** The index in a plane of a window's maximum: the first largest, or a NaN. */
static size_t window_max(const oracle_window *w, const double *plane, uint32_t oy, uint32_t ox) {
  long best = -1;
  for (uint32_t ky = 0; ky < w->kernel_h; ky++)
    for (uint32_t kx = 0; kx < w->kernel_w; kx++) {
      long at = oracle_tap(w, oy, ox, ky, kx);
      if (at < 0) continue;
      if (best < 0 || plane[at] > plane[best] || (isnan(plane[at]) && !isnan(plane[best])))
        best = at;
    }
  return (size_t)best;
}

static void maxpool_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const dg_pool2d_desc *d = &desc->pool2d;
  oracle_window w = pool_window(d);
  size_t in_plane = (size_t)w.height * w.width, out = 0;
  for (size_t p = 0; p < (size_t)step->n * d->channels; p++)
    for (uint32_t oy = 0; oy < w.out_h; oy++)
      for (uint32_t ox = 0; ox < w.out_w; ox++) {
        const double *plane = t->in[0] + p * in_plane;
        t->out[out++] = plane[window_max(&w, plane, oy, ox)];
      }
}

static void avgpool_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const dg_pool2d_desc *d = &desc->pool2d;
  oracle_window w = pool_window(d);
  size_t in_plane = (size_t)w.height * w.width, out = 0;
  for (size_t p = 0; p < (size_t)step->n * d->channels; p++)
    for (uint32_t oy = 0; oy < w.out_h; oy++)
      for (uint32_t ox = 0; ox < w.out_w; ox++) {
        double sum = 0;
        for (uint32_t ky = 0; ky < w.kernel_h; ky++)
          for (uint32_t kx = 0; kx < w.kernel_w; kx++) {
            long at = oracle_tap(&w, oy, ox, ky, kx);
            if (at >= 0) sum += t->in[0][p * in_plane + (size_t)at];
          }
        t->out[out++] = sum / (w.kernel_h * w.kernel_w);
      }
}

static void maxpool_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                             const dg_step *step) {
  const dg_pool2d_desc *d = &desc->pool2d;
  oracle_window w = pool_window(d);
  size_t in_plane = (size_t)w.height * w.width, out = 0;
  for (size_t p = 0; t->d_in[0] && p < (size_t)step->n * d->channels; p++)
    for (uint32_t oy = 0; oy < w.out_h; oy++)
      for (uint32_t ox = 0; ox < w.out_w; ox++) {
        size_t at = window_max(&w, t->in[0] + p * in_plane, oy, ox);
        t->d_in[0][p * in_plane + at] += dz[out++];
      }
}

static void avgpool_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                             const dg_step *step) {
  const dg_pool2d_desc *d = &desc->pool2d;
  oracle_window w = pool_window(d);
  size_t in_plane = (size_t)w.height * w.width, out = 0;
  for (size_t p = 0; t->d_in[0] && p < (size_t)step->n * d->channels; p++)
    for (uint32_t oy = 0; oy < w.out_h; oy++)
      for (uint32_t ox = 0; ox < w.out_w; ox++, out++)
        for (uint32_t ky = 0; ky < w.kernel_h; ky++)
          for (uint32_t kx = 0; kx < w.kernel_w; kx++) {
            long at = oracle_tap(&w, oy, ox, ky, kx);
            if (at >= 0)
              t->d_in[0][p * in_plane + (size_t)at] += dz[out] / (w.kernel_h * w.kernel_w);
          }
}

const oracle_family oracle_maxpool2d = {pool_sizes, maxpool_forward, maxpool_backward};
const oracle_family oracle_avgpool2d = {pool_sizes, avgpool_forward, avgpool_backward};
