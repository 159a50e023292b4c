/* The oracle's products: linear, conv2d and conv1d. */
#include "oracle/family.h"

/* ---- linear ------------------------------------------------------------- */

static void linear_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  const dg_linear_desc *d = &desc->linear;
  size_t rows = d->rows > 1 ? d->rows : 1;
  z->in[0] = rows * d->in, z->out = rows * d->out;
  z->param[0] = (size_t)d->in * d->out, z->param[1] = d->out;
  z->params = d->bias ? 2 : 1;
}

static void linear_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const dg_linear_desc *d = &desc->linear;
  for (size_t s = 0; s < (size_t)step->n * (d->rows > 1 ? d->rows : 1); s++)
    for (uint32_t o = 0; o < d->out; o++) {
      double sum = d->bias ? t->param[1][o] : 0;
      for (uint32_t i = 0; i < d->in; i++)
        sum += t->in[0][s * d->in + i] * t->param[0][(size_t)o * d->in + i];
      t->out[s * d->out + o] = sum;
    }
}

static void linear_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                            const dg_step *step) {
  const dg_linear_desc *d = &desc->linear;
  for (size_t s = 0; s < (size_t)step->n * (d->rows > 1 ? d->rows : 1); s++)
    for (uint32_t o = 0; o < d->out; o++) {
      double g = dz[s * d->out + o];
      for (uint32_t i = 0; i < d->in; i++) {
        size_t at = s * d->in + i, weight = (size_t)o * d->in + i;
        if (t->d_in[0]) t->d_in[0][at] += g * t->param[0][weight];
        t->d_param[0][weight] += g * t->in[0][at];
      }
      if (d->bias) t->d_param[1][o] += g;
    }
}

const oracle_family oracle_linear = {linear_sizes, linear_forward, linear_backward};

/* ---- conv2d ------------------------------------------------------------- */

static oracle_window conv_window(const dg_conv2d_desc *d) {
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

static void conv_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  const dg_conv2d_desc *d = &desc->conv2d;
  oracle_window w = conv_window(d);
  z->in[0] = (size_t)d->channels * d->height * d->width;
  z->out = (size_t)d->filters * w.out_h * w.out_w;
  z->param[0] = (size_t)d->filters * d->channels * d->kernel_h * d->kernel_w;
  z->param[1] = d->filters;
  z->params = d->bias ? 2 : 1;
}

/** Calls `visit` for every product of a convolution, with indices in output, input and weight. */
typedef void conv_visit(const oracle_tensors *t, const double *dz, size_t out, size_t in,
                        size_t weight);

static void conv_each(const dg_conv2d_desc *d, const oracle_tensors *t, const double *dz,
                      uint32_t n, conv_visit *visit) {
  oracle_window w = conv_window(d);
  size_t plane = (size_t)w.height * w.width;
  for (uint32_t s = 0; s < n; s++)
    for (uint32_t f = 0; f < d->filters; f++)
      for (uint32_t oy = 0; oy < w.out_h; oy++)
        for (uint32_t ox = 0; ox < w.out_w; ox++)
          for (uint32_t c = 0; c < d->channels; c++)
            for (uint32_t ky = 0; ky < w.kernel_h; ky++)
              for (uint32_t kx = 0; kx < w.kernel_w; kx++) {
                long at = oracle_tap(&w, oy, ox, ky, kx);
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

static void conv_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const dg_conv2d_desc *d = &desc->conv2d;
  oracle_window w = conv_window(d);
  size_t pixels = (size_t)w.out_h * w.out_w;
  for (size_t i = 0; i < step->n * d->filters * pixels; i++)
    t->out[i] = d->bias ? t->param[1][i / pixels % d->filters] : 0;
  conv_each(d, t, NULL, step->n, conv_product);
}

static void conv_gradient(const oracle_tensors *t, const double *dz, size_t out, size_t in,
                          size_t weight) {
  if (t->d_in[0]) t->d_in[0][in] += dz[out] * t->param[0][weight];
  t->d_param[0][weight] += dz[out] * t->in[0][in];
}

static void conv_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                          const dg_step *step) {
  const dg_conv2d_desc *d = &desc->conv2d;
  oracle_window w = conv_window(d);
  size_t pixels = (size_t)w.out_h * w.out_w;
  conv_each(d, t, dz, step->n, conv_gradient);
  for (size_t i = 0; d->bias && i < step->n * d->filters * pixels; i++)
    t->d_param[1][i / pixels % d->filters] += dz[i];
}

const oracle_family oracle_conv2d = {conv_sizes, conv_forward, conv_backward};

/* ---- conv1d ------------------------------------------------------------- */

static uint32_t conv1d_out(const dg_conv1d_desc *d) {
  return dg_window_out(d->steps, d->kernel, d->stride, d->pad);
}

static void conv1d_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  const dg_conv1d_desc *d = &desc->conv1d;
  z->in[0] = (size_t)d->steps * d->in;
  z->out = (size_t)conv1d_out(d) * d->filters;
  z->param[0] = (size_t)d->filters * d->in * d->kernel;
  z->param[1] = d->filters;
  z->params = d->bias ? 2 : 1;
}

/** As conv_each. */
static void conv1d_each(const dg_conv1d_desc *d, const oracle_tensors *t, const double *dz,
                        uint32_t n, conv_visit *visit) {
  for (uint32_t s = 0; s < n; s++)
    for (uint32_t o = 0; o < conv1d_out(d); o++)
      for (uint32_t f = 0; f < d->filters; f++)
        for (uint32_t k = 0; k < d->kernel; k++) {
          long at = (long)o * d->stride + k - d->pad;
          if (at < 0 || at >= (long)d->steps) continue;
          for (uint32_t i = 0; i < d->in; i++)
            visit(t, dz, ((size_t)s * conv1d_out(d) + o) * d->filters + f,
                  ((size_t)s * d->steps + (size_t)at) * d->in + i,
                  ((size_t)f * d->in + i) * d->kernel + k);
        }
}

static void conv1d_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const dg_conv1d_desc *d = &desc->conv1d;
  size_t count = (size_t)step->n * conv1d_out(d) * d->filters;
  for (size_t i = 0; i < count; i++) t->out[i] = d->bias ? t->param[1][i % d->filters] : 0;
  conv1d_each(d, t, NULL, step->n, conv_product);
}

static void conv1d_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                            const dg_step *step) {
  const dg_conv1d_desc *d = &desc->conv1d;
  size_t count = (size_t)step->n * conv1d_out(d) * d->filters;
  conv1d_each(d, t, dz, step->n, conv_gradient);
  for (size_t i = 0; d->bias && i < count; i++) t->d_param[1][i % d->filters] += dz[i];
}

const oracle_family oracle_conv1d = {conv1d_sizes, conv1d_forward, conv1d_backward};
