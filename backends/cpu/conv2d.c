#include "backends/cpu/activation.h"
#include "backends/cpu/cpu.h"

#include <string.h>

static bool supports(const dg_op_desc *desc) {
  const dg_conv2d_desc *d = &desc->conv2d;
  return d->channels > 0 && d->filters > 0 && d->height > 0 && d->width > 0 && d->kernel_h > 0 &&
         d->kernel_w > 0 && d->stride_h > 0 && d->stride_w > 0 && dg_act_known(d->act) &&
         dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h) > 0 &&
         dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w) > 0;
}

static size_t out_count(const dg_conv2d_desc *d) {
  return (size_t)d->filters * dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h) *
         dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
}

static bool prepare(dg_cpu_op *op, bool train, dg_error *err) {
  (void)err;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  bool act = d->act.kind != DG_ACT_NONE;
  op->base.needs.backward_reads_in = train;
  op->base.needs.backward_reads_out = train && act;
  if (train && act)
    op->base.needs.backward_workspace = op->base.max_n * out_count(d) * sizeof(float);
  return true;
}

/** Calls `visit` with the places in x, weight and y of every product of one sample. */
#define FOR_EACH_PRODUCT(d, body)                                                                  \
  for (uint32_t f = 0; f < (d)->filters; f++)                                                      \
    for (uint32_t oy = 0; oy < out_h; oy++)                                                        \
      for (uint32_t ox = 0; ox < out_w; ox++)                                                      \
        for (uint32_t c = 0; c < (d)->channels; c++)                                               \
          for (uint32_t ky = 0; ky < (d)->kernel_h; ky++)                                          \
            for (uint32_t kx = 0; kx < (d)->kernel_w; kx++) {                                      \
              int64_t iy = (int64_t)oy * (d)->stride_h + ky - (d)->pad_h;                          \
              int64_t ix = (int64_t)ox * (d)->stride_w + kx - (d)->pad_w;                          \
              if (iy < 0 || ix < 0 || iy >= (d)->height || ix >= (d)->width) continue;             \
              size_t xi = ((size_t)c * (d)->height + (size_t)iy) * (d)->width + (size_t)ix;        \
              size_t wi =                                                                          \
                  (((size_t)f * (d)->channels + c) * (d)->kernel_h + ky) * (d)->kernel_w + kx;     \
              size_t yi = ((size_t)f * out_h + oy) * out_w + ox;                                   \
              body;                                                                                \
            }

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  uint32_t out_h = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h);
  uint32_t out_w = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  size_t in = (size_t)d->channels * d->height * d->width, out = out_count(d);
  const float *bias = dg_floats(buffers->param[1]), *weight = dg_floats(buffers->param[0]);
#pragma omp parallel for schedule(static) num_threads(op->device->threads)
  for (size_t s = 0; s < step->n; s++) {
    const float *x = dg_floats(buffers->in[0]) + s * in;
    float *y = dg_floats(buffers->out[0]) + s * out;
    for (size_t i = 0; i < out; i++) y[i] = d->bias ? bias[i / (out_h * out_w)] : 0;
    FOR_EACH_PRODUCT(d, y[yi] += x[xi] * weight[wi])
    dg_act_forward(d->act, out, y, y);
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  dg_grad_mode mode = op->base.desc.d_in[0];
  uint32_t out_h = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h);
  uint32_t out_w = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  size_t in = (size_t)d->channels * d->height * d->width, out = out_count(d);
  size_t taps = (size_t)d->channels * d->kernel_h * d->kernel_w;
  const float *weight = dg_floats(buffers->param[0]);
  float *d_weight = dg_floats(buffers->d_param[0]), *d_bias = dg_floats(buffers->d_param[1]);
  memset(d_weight, 0, d->filters * taps * sizeof *d_weight);
  if (d->bias) memset(d_bias, 0, d->filters * sizeof *d_bias);
  for (size_t s = 0; s < step->n; s++) {
    const float *x = dg_floats(buffers->in[0]) + s * in, *dz = dg_floats(buffers->d_out) + s * out;
    float *dx = mode == DG_GRAD_NONE ? NULL : dg_floats(buffers->d_in[0]) + s * in;
    if (d->act.kind != DG_ACT_NONE) {
      float *scratch = dg_floats(buffers->workspace) + s * out;
      dg_act_backward(d->act, out, dg_floats(buffers->out[0]) + s * out, dz, scratch);
      dz = scratch;
    }
    if (d->bias)
      for (size_t i = 0; i < out; i++) d_bias[i / (out_h * out_w)] += dz[i];
    if (mode == DG_GRAD_WRITE) memset(dx, 0, in * sizeof *dx);
    FOR_EACH_PRODUCT(d, d_weight[wi] += x[xi] * dz[yi])
    if (dx) FOR_EACH_PRODUCT(d, dx[xi] += weight[wi] * dz[yi])
  }
}

const dg_cpu_family dg_cpu_conv2d = {supports, prepare, forward, backward};
