#include "tests/oracle.h"

#include <math.h>
#include <stdlib.h>

#include "core/support/philox.h"

double oracle_activate(dg_act act, double x) {
  switch (act.kind) {
  case DG_ACT_RELU:
    return x > 0 ? x : 0;
  case DG_ACT_LEAKY_RELU:
    return x > 0 ? x : act.slope * x;
  case DG_ACT_SIGMOID:
    return 1 / (1 + exp(-x));
  case DG_ACT_TANH:
    return tanh(x);
  default:
    return x;
  }
}

double oracle_derivative(dg_act act, double x) {
  double y = oracle_activate(act, x);
  switch (act.kind) {
  case DG_ACT_RELU:
    return x > 0 ? 1 : 0;
  case DG_ACT_LEAKY_RELU:
    return x > 0 ? 1 : act.slope;
  case DG_ACT_SIGMOID:
    return y * (1 - y);
  case DG_ACT_TANH:
    return 1 - y * y;
  default:
    return 1;
  }
}

dg_act *oracle_act(dg_op_desc *desc) {
  switch (desc->kind) {
  case DG_OP_LINEAR:
    return &desc->linear.act;
  case DG_OP_CONV2D:
    return &desc->conv2d.act;
  case DG_OP_ACTIVATION:
    return &desc->activation.act;
  default:
    return NULL;
  }
}

bool oracle_dropped(const dg_dropout_desc *desc, const dg_step *step, uint32_t s, uint32_t e) {
  uint32_t key[2] = {step->seed, desc->stream}, words[4];
  dg_philox((uint32_t[4]){e / 4, step->place + s, step->step, 0}, key, words);
  return words[e % 4] < floor(desc->rate * 0x1p32);
}

/* ---- sizes -------------------------------------------------------------- */

/** A window op seen from its geometry: conv2d and both poolings. */
typedef struct {
  uint32_t height, width, out_h, out_w;
  uint32_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
} window;

static window conv_window(const dg_conv2d_desc *d) {
  return (window){d->height,
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

static window pool_window(const dg_pool2d_desc *d) {
  return (window){d->height,
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

/** Where the tap (ky, kx) of the window of (oy, ox) lies in a plane; -1 in the padding. */
static long tap(const window *w, uint32_t oy, uint32_t ox, uint32_t ky, uint32_t kx) {
  long y = (long)oy * w->stride_h + ky - w->pad_h;
  long x = (long)ox * w->stride_w + kx - w->pad_w;
  bool inside = y >= 0 && y < (long)w->height && x >= 0 && x < (long)w->width;
  return inside ? y * w->width + x : -1;
}

oracle_sizes oracle_sizes_of(const dg_op_desc *desc) {
  oracle_sizes z = {.inputs = 1};
  switch (desc->kind) {
  case DG_OP_LINEAR:
    z.in = desc->linear.in, z.out = desc->linear.out;
    z.param[0] = z.in * z.out, z.param[1] = z.out;
    z.params = desc->linear.bias ? 2 : 1;
    break;
  case DG_OP_CONV2D: {
    const dg_conv2d_desc *d = &desc->conv2d;
    window w = conv_window(d);
    z.in = (size_t)d->channels * d->height * d->width;
    z.out = (size_t)d->filters * w.out_h * w.out_w;
    z.param[0] = (size_t)d->filters * d->channels * d->kernel_h * d->kernel_w;
    z.param[1] = d->filters;
    z.params = d->bias ? 2 : 1;
    break;
  }
  case DG_OP_MAXPOOL2D:
  case DG_OP_AVGPOOL2D: {
    window w = pool_window(&desc->pool2d);
    z.in = (size_t)desc->pool2d.channels * w.height * w.width;
    z.out = (size_t)desc->pool2d.channels * w.out_h * w.out_w;
    break;
  }
  case DG_OP_ACTIVATION:
    z.in = z.out = desc->activation.count;
    break;
  case DG_OP_DROPOUT:
    z.in = z.out = desc->dropout.count;
    break;
  case DG_OP_CHW_TO_HWC:
    z.in = z.out = (size_t)desc->chw.channels * desc->chw.height * desc->chw.width;
    break;
  case DG_OP_ADD:
    z.in = z.out = desc->add.count;
    z.inputs = desc->add.inputs;
    break;
  case DG_OP_RECURRENT:
    return oracle_recurrent_sizes(&desc->recurrent);
  default:
    z.inputs = 0;
    break;
  }
  return z;
}

/* ---- forward, before the fused activation ------------------------------- */

static void linear_forward(const dg_linear_desc *d, const oracle_tensors *t, uint32_t n) {
  for (uint32_t s = 0; s < n; s++)
    for (uint32_t o = 0; o < d->out; o++) {
      double sum = d->bias ? t->param[1][o] : 0;
      for (uint32_t i = 0; i < d->in; i++)
        sum += t->in[0][(size_t)s * d->in + i] * t->param[0][(size_t)o * d->in + i];
      t->out[(size_t)s * d->out + o] = sum;
    }
}

/** Calls `visit` for every product of a convolution: places in the output, input and weight. */
typedef void conv_visit(const oracle_tensors *t, const double *dz, size_t out, size_t in,
                        size_t weight);

static void conv_each(const dg_conv2d_desc *d, const oracle_tensors *t, const double *dz,
                      uint32_t n, conv_visit *visit) {
  window w = conv_window(d);
  size_t plane = (size_t)w.height * w.width;
  for (uint32_t s = 0; s < n; s++)
    for (uint32_t f = 0; f < d->filters; f++)
      for (uint32_t oy = 0; oy < w.out_h; oy++)
        for (uint32_t ox = 0; ox < w.out_w; ox++)
          for (uint32_t c = 0; c < d->channels; c++)
            for (uint32_t ky = 0; ky < w.kernel_h; ky++)
              for (uint32_t kx = 0; kx < w.kernel_w; kx++) {
                long at = tap(&w, oy, ox, ky, kx);
                if (at < 0) continue;
                size_t out = (((size_t)s * d->filters + f) * w.out_h + oy) * w.out_w + ox;
                size_t in = ((size_t)s * d->channels + c) * plane + (size_t)at;
                size_t weight = (((size_t)f * d->channels + c) * w.kernel_h + ky) * w.kernel_w + kx;
                visit(t, dz, out, in, weight);
              }
}

static void conv_product(const oracle_tensors *t, const double *dz, size_t out, size_t in,
                         size_t weight) {
  (void)dz;
  t->out[out] += t->in[0][in] * t->param[0][weight];
}

static void conv_forward(const dg_conv2d_desc *d, const oracle_tensors *t, uint32_t n) {
  window w = conv_window(d);
  size_t pixels = (size_t)w.out_h * w.out_w;
  for (size_t i = 0; i < n * d->filters * pixels; i++)
    t->out[i] = d->bias ? t->param[1][i / pixels % d->filters] : 0;
  conv_each(d, t, NULL, n, conv_product);
}

/** The place in a plane of a window's maximum: the first largest, or a NaN. */
static size_t window_max(const window *w, const double *plane, uint32_t oy, uint32_t ox) {
  long best = -1;
  for (uint32_t ky = 0; ky < w->kernel_h; ky++)
    for (uint32_t kx = 0; kx < w->kernel_w; kx++) {
      long at = tap(w, oy, ox, ky, kx);
      if (at < 0) continue;
      if (best < 0 || plane[at] > plane[best] || (isnan(plane[at]) && !isnan(plane[best])))
        best = at;
    }
  return (size_t)best;
}

static void maxpool_forward(const dg_pool2d_desc *d, const oracle_tensors *t, uint32_t n) {
  window w = pool_window(d);
  size_t in_plane = (size_t)w.height * w.width, out = 0;
  for (size_t p = 0; p < (size_t)n * d->channels; p++)
    for (uint32_t oy = 0; oy < w.out_h; oy++)
      for (uint32_t ox = 0; ox < w.out_w; ox++) {
        const double *plane = t->in[0] + p * in_plane;
        t->out[out++] = plane[window_max(&w, plane, oy, ox)];
      }
}

static void avgpool_forward(const dg_pool2d_desc *d, const oracle_tensors *t, uint32_t n) {
  window w = pool_window(d);
  size_t in_plane = (size_t)w.height * w.width, out = 0;
  for (size_t p = 0; p < (size_t)n * d->channels; p++)
    for (uint32_t oy = 0; oy < w.out_h; oy++)
      for (uint32_t ox = 0; ox < w.out_w; ox++) {
        double sum = 0;
        for (uint32_t ky = 0; ky < w.kernel_h; ky++)
          for (uint32_t kx = 0; kx < w.kernel_w; kx++) {
            long at = tap(&w, oy, ox, ky, kx);
            if (at >= 0) sum += t->in[0][p * in_plane + (size_t)at];
          }
        t->out[out++] = sum / (w.kernel_h * w.kernel_w);
      }
}

/** What an element of dropout is multiplied by. */
static double dropout_factor(const dg_dropout_desc *d, const dg_step *step, size_t i) {
  if (!step->train) return 1;
  bool dropped = oracle_dropped(d, step, (uint32_t)(i / d->count), (uint32_t)(i % d->count));
  return dropped ? 0 : 1 / (1 - (double)d->rate);
}

/** Where element i of a [n, channels, height, width] tensor lies in [n, height, width, channels].
 */
static size_t hwc_place(const dg_chw_desc *d, size_t i) {
  size_t x = i % d->width, y = i / d->width % d->height;
  size_t c = i / d->width / d->height % d->channels, s = i / d->width / d->height / d->channels;
  return ((s * d->height + y) * d->width + x) * d->channels + c;
}

static void forward_without_act(const dg_op_desc *desc, const oracle_tensors *t,
                                const dg_step *step) {
  size_t count = step->n * oracle_sizes_of(desc).out;
  switch (desc->kind) {
  case DG_OP_LINEAR:
    linear_forward(&desc->linear, t, step->n);
    break;
  case DG_OP_CONV2D:
    conv_forward(&desc->conv2d, t, step->n);
    break;
  case DG_OP_MAXPOOL2D:
    maxpool_forward(&desc->pool2d, t, step->n);
    break;
  case DG_OP_AVGPOOL2D:
    avgpool_forward(&desc->pool2d, t, step->n);
    break;
  case DG_OP_DROPOUT:
    for (size_t i = 0; i < count; i++)
      t->out[i] = t->in[0][i] * dropout_factor(&desc->dropout, step, i);
    break;
  case DG_OP_CHW_TO_HWC:
    for (size_t i = 0; i < count; i++) t->out[hwc_place(&desc->chw, i)] = t->in[0][i];
    break;
  case DG_OP_ADD:
    for (size_t i = 0; i < count; i++) {
      t->out[i] = 0;
      for (uint32_t k = 0; k < desc->add.inputs; k++) t->out[i] += t->in[k][i];
    }
    break;
  case DG_OP_RECURRENT:
    oracle_recurrent_forward(&desc->recurrent, t, step->n);
    break;
  default:
    for (size_t i = 0; i < count; i++) t->out[i] = t->in[0][i];
    break;
  }
}

void oracle_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  forward_without_act(desc, t, step);
  const dg_act *act = oracle_act((dg_op_desc *)desc);
  if (!act) return;
  size_t count = step->n * oracle_sizes_of(desc).out;
  for (size_t i = 0; i < count; i++) t->out[i] = oracle_activate(*act, t->out[i]);
}

/* ---- backward: `dz` is the gradient before the fused activation ---------- */

static void linear_backward(const dg_linear_desc *d, const oracle_tensors *t, const double *dz,
                            uint32_t n) {
  for (uint32_t s = 0; s < n; s++)
    for (uint32_t o = 0; o < d->out; o++) {
      double g = dz[(size_t)s * d->out + o];
      for (uint32_t i = 0; i < d->in; i++) {
        size_t at = (size_t)s * d->in + i, weight = (size_t)o * d->in + i;
        if (t->d_in[0]) t->d_in[0][at] += g * t->param[0][weight];
        t->d_param[0][weight] += g * t->in[0][at];
      }
      if (d->bias) t->d_param[1][o] += g;
    }
}

static void conv_gradient(const oracle_tensors *t, const double *dz, size_t out, size_t in,
                          size_t weight) {
  if (t->d_in[0]) t->d_in[0][in] += dz[out] * t->param[0][weight];
  t->d_param[0][weight] += dz[out] * t->in[0][in];
}

static void conv_backward(const dg_conv2d_desc *d, const oracle_tensors *t, const double *dz,
                          uint32_t n) {
  window w = conv_window(d);
  size_t pixels = (size_t)w.out_h * w.out_w;
  conv_each(d, t, dz, n, conv_gradient);
  for (size_t i = 0; d->bias && i < n * d->filters * pixels; i++)
    t->d_param[1][i / pixels % d->filters] += dz[i];
}

static void maxpool_backward(const dg_pool2d_desc *d, const oracle_tensors *t, const double *dz,
                             uint32_t n) {
  window w = pool_window(d);
  size_t in_plane = (size_t)w.height * w.width, out = 0;
  for (size_t p = 0; p < (size_t)n * d->channels; p++)
    for (uint32_t oy = 0; oy < w.out_h; oy++)
      for (uint32_t ox = 0; ox < w.out_w; ox++) {
        size_t at = window_max(&w, t->in[0] + p * in_plane, oy, ox);
        t->d_in[0][p * in_plane + at] += dz[out++];
      }
}

static void avgpool_backward(const dg_pool2d_desc *d, const oracle_tensors *t, const double *dz,
                             uint32_t n) {
  window w = pool_window(d);
  size_t in_plane = (size_t)w.height * w.width, out = 0;
  for (size_t p = 0; p < (size_t)n * d->channels; p++)
    for (uint32_t oy = 0; oy < w.out_h; oy++)
      for (uint32_t ox = 0; ox < w.out_w; ox++, out++)
        for (uint32_t ky = 0; ky < w.kernel_h; ky++)
          for (uint32_t kx = 0; kx < w.kernel_w; kx++) {
            long at = tap(&w, oy, ox, ky, kx);
            if (at >= 0)
              t->d_in[0][p * in_plane + (size_t)at] += dz[out] / (w.kernel_h * w.kernel_w);
          }
}

/** The gradient before the fused activation, at the output the op has without it. */
static double *gradient_before_act(const dg_op_desc *desc, const oracle_tensors *t,
                                   const dg_step *step) {
  size_t count = step->n * oracle_sizes_of(desc).out;
  double *dz = malloc(count * sizeof *dz);
  double *z = malloc(count * sizeof *z);
  oracle_tensors before = *t;
  before.out = z;
  const dg_act *act = oracle_act((dg_op_desc *)desc);
  if (act) forward_without_act(desc, &before, step);
  for (size_t i = 0; i < count; i++)
    dz[i] = t->d_out[i] * (act ? oracle_derivative(*act, z[i]) : 1);
  free(z);
  return dz;
}

/** Adds the gradients to d_in and d_param. */
static void add_gradients(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                          const dg_step *step) {
  size_t count = step->n * oracle_sizes_of(desc).in;
  if (desc->kind == DG_OP_LINEAR) {
    linear_backward(&desc->linear, t, dz, step->n);
    return;
  }
  if (desc->kind == DG_OP_CONV2D) {
    conv_backward(&desc->conv2d, t, dz, step->n);
    return;
  }
  if (desc->kind == DG_OP_RECURRENT) {
    oracle_recurrent_backward(&desc->recurrent, t, dz, step->n);
    return;
  }
  for (uint32_t k = 0; k < oracle_sizes_of(desc).inputs; k++) {
    double *d_in = t->d_in[k];
    if (!d_in) continue;
    if (desc->kind == DG_OP_MAXPOOL2D)
      maxpool_backward(&desc->pool2d, t, dz, step->n);
    else if (desc->kind == DG_OP_AVGPOOL2D)
      avgpool_backward(&desc->pool2d, t, dz, step->n);
    else
      for (size_t i = 0; i < count; i++) {
        if (desc->kind == DG_OP_DROPOUT)
          d_in[i] += dz[i] * dropout_factor(&desc->dropout, step, i);
        else if (desc->kind == DG_OP_CHW_TO_HWC)
          d_in[i] += dz[hwc_place(&desc->chw, i)];
        else
          d_in[i] += dz[i];
      }
  }
}

void oracle_backward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  oracle_sizes z = oracle_sizes_of(desc);
  oracle_tensors wanted = *t;
  for (uint32_t k = 0; k < z.inputs; k++) {
    if (desc->d_in[k] == DG_GRAD_NONE) wanted.d_in[k] = NULL;
    for (size_t i = 0; desc->d_in[k] == DG_GRAD_WRITE && i < step->n * z.in; i++)
      wanted.d_in[k][i] = 0;
  }
  for (uint32_t k = 0; k < z.params; k++)
    for (size_t i = 0; i < z.param[k]; i++) wanted.d_param[k][i] = 0;
  double *dz = gradient_before_act(desc, t, step);
  add_gradients(desc, &wanted, dz, step);
  free(dz);
}
