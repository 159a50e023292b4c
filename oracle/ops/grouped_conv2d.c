/* The oracle's convolution in groups. */
#include "oracle/family.h"

typedef struct {
  size_t out_h, out_w, channels, filters; /**< the last two of a group */
} sizes_of_group;

static size_t out_of(size_t size, size_t padding, size_t dilation, size_t kernel, size_t stride) {
  return (size + padding - dilation * (kernel - 1) - 1) / stride + 1;
}

static sizes_of_group group_of(const dg_grouped_conv2d_desc *d) {
  return (sizes_of_group){
      out_of(d->height, (size_t)d->pad_h + d->end_h, d->dilation_h, d->kernel_h, d->stride_h),
      out_of(d->width, (size_t)d->pad_w + d->end_w, d->dilation_w, d->kernel_w, d->stride_w),
      d->channels / d->groups, d->filters / d->groups};
}

static void sizes(const dg_op_desc *desc, oracle_sizes *z) {
  const dg_grouped_conv2d_desc *d = &desc->grouped_conv2d;
  const sizes_of_group g = group_of(d);
  z->in[0] = (size_t)d->channels * d->height * d->width;
  z->out = d->filters * g.out_h * g.out_w;
  z->param[0] = d->filters * g.channels * d->kernel_h * d->kernel_w;
  z->param[1] = d->filters;
  z->params = d->bias ? 2 : 1;
}

/** Adds the products of one output, forward; or the gradients of its factors, if dz isn't NULL. */
static void visit(const dg_grouped_conv2d_desc *d, const oracle_tensors *t, const double *dz,
                  size_t out, size_t s, size_t f, size_t oy, size_t ox) {
  const sizes_of_group g = group_of(d);
  for (size_t c = 0; c < g.channels; c++)
    for (size_t ky = 0; ky < d->kernel_h; ky++)
      for (size_t kx = 0; kx < d->kernel_w; kx++) {
        const long y = (long)(oy * d->stride_h + ky * d->dilation_h) - (long)d->pad_h;
        const long x = (long)(ox * d->stride_w + kx * d->dilation_w) - (long)d->pad_w;
        if (y < 0 || y >= (long)d->height || x < 0 || x >= (long)d->width) continue;
        const size_t channel = s * d->channels + f / g.filters * g.channels + c;
        const size_t in = (channel * d->height + (size_t)y) * d->width + (size_t)x;
        const size_t weight = ((f * g.channels + c) * d->kernel_h + ky) * d->kernel_w + kx;
        if (!dz) t->out[out] += t->in[0][in] * t->param[0][weight];
        if (dz && t->d_in[0]) t->d_in[0][in] += dz[out] * t->param[0][weight];
        if (dz) t->d_param[0][weight] += dz[out] * t->in[0][in];
      }
}

static void each(const dg_grouped_conv2d_desc *d, const oracle_tensors *t, const double *dz,
                 size_t n) {
  const sizes_of_group g = group_of(d);
  for (size_t i = 0; i < n * d->filters * g.out_h * g.out_w; i++) {
    const size_t ox = i % g.out_w, oy = i / g.out_w % g.out_h;
    const size_t f = i / g.out_w / g.out_h % d->filters;
    if (!dz) t->out[i] = d->bias ? t->param[1][f] : 0;
    if (dz && d->bias) t->d_param[1][f] += dz[i];
    visit(d, t, dz, i, i / g.out_w / g.out_h / d->filters, f, oy, ox);
  }
}

static void forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  each(&desc->grouped_conv2d, t, NULL, step->n);
}

static void backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                     const dg_step *step) {
  each(&desc->grouped_conv2d, t, dz, step->n);
}

const oracle_family oracle_grouped_conv2d = {sizes, forward, backward};
