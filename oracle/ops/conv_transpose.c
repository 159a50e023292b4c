/* The oracle's transposed convolutions, and those of sequences in groups: pairs of numbers that a
 * weight connects, one of a large tensor and one of a small one, the output of a convolution of the
 * large one. */
#include "oracle/family.h"

/** Sizes for images; those of sequences have a height of 1. */
typedef struct {
  dg_grouped_conv2d_desc d;
  bool channels_last;
  size_t out[2], per_group[2]; /**< channels and filters of a group */
} pairs;

static size_t out_of(size_t size, size_t padding, size_t dilation, size_t kernel, size_t stride) {
  return (size + padding - dilation * (kernel - 1) - 1) / stride + 1;
}

static pairs pairs_of_images(const dg_grouped_conv2d_desc *d) {
  const size_t out_h =
      out_of(d->height, (size_t)d->pad_h + d->end_h, d->dilation_h, d->kernel_h, d->stride_h);
  const size_t out_w =
      out_of(d->width, (size_t)d->pad_w + d->end_w, d->dilation_w, d->kernel_w, d->stride_w);
  return (pairs){*d, false, {out_h, out_w}, {d->channels / d->groups, d->filters / d->groups}};
}

static pairs pairs_of(const dg_op_desc *desc) {
  const dg_grouped_conv1d_desc *d = &desc->grouped_conv1d;
  if (desc->kind == DG_OP_CONV_TRANSPOSE2D) return pairs_of_images(&desc->grouped_conv2d);
  const dg_grouped_conv2d_desc image = {.channels = d->channels,
                                        .height = 1,
                                        .width = d->steps,
                                        .filters = d->filters,
                                        .groups = d->groups,
                                        .kernel_h = 1,
                                        .kernel_w = d->kernel,
                                        .stride_h = 1,
                                        .stride_w = d->stride,
                                        .dilation_h = 1,
                                        .dilation_w = d->dilation,
                                        .pad_w = d->pad,
                                        .end_w = d->end,
                                        .bias = d->bias};
  pairs p = pairs_of_images(&image);
  p.channels_last = true;
  return p;
}

static bool is_transposed(const dg_op_desc *desc) {
  return desc->kind != DG_OP_GROUPED_CONV1D;
}

static size_t large_of(const pairs *p) {
  return (size_t)p->d.channels * p->d.height * p->d.width;
}

static size_t small_of(const pairs *p) {
  return (size_t)p->d.filters * p->out[0] * p->out[1];
}

static void sizes(const dg_op_desc *desc, oracle_sizes *z) {
  const pairs p = pairs_of(desc);
  const bool transposed = is_transposed(desc);
  z->in[0] = transposed ? small_of(&p) : large_of(&p);
  z->out = transposed ? large_of(&p) : small_of(&p);
  z->param[0] = p.d.filters * p.per_group[0] * p.d.kernel_h * p.d.kernel_w;
  z->param[1] = transposed ? p.d.channels : p.d.filters;
  z->params = p.d.bias ? 2 : 1;
}

/** What is done with the number `large`, the number `small` and the weight between them. */
typedef void visit(const oracle_tensors *t, const double *dz, size_t large, size_t small,
                   size_t weight);

static size_t index_of(bool channels_last, size_t channels, size_t plane, size_t sample,
                       size_t channel, size_t at) {
  return sample * channels * plane +
         (channels_last ? at * channels + channel : channel * plane + at);
}

/** All numbers that filter f connects with its output at (oy, ox). */
static void each_tap(const pairs *p, const oracle_tensors *t, const double *dz, size_t s, size_t f,
                     size_t oy, size_t ox, visit *call) {
  const dg_grouped_conv2d_desc *d = &p->d;
  const size_t taps = (size_t)d->kernel_h * d->kernel_w, plane = (size_t)d->height * d->width;
  const size_t small =
      index_of(p->channels_last, d->filters, p->out[0] * p->out[1], s, f, oy * p->out[1] + ox);
  for (size_t c = 0; c < p->per_group[0]; c++)
    for (size_t k = 0; k < taps; k++) {
      const size_t ky = k / d->kernel_w, kx = k % d->kernel_w;
      const long y = (long)(oy * d->stride_h + ky * d->dilation_h) - (long)d->pad_h;
      const long x = (long)(ox * d->stride_w + kx * d->dilation_w) - (long)d->pad_w;
      if (y < 0 || y >= (long)d->height || x < 0 || x >= (long)d->width) continue;
      const size_t channel = f / p->per_group[1] * p->per_group[0] + c;
      const size_t large = index_of(p->channels_last, d->channels, plane, s, channel,
                                    (size_t)y * d->width + (size_t)x);
      call(t, dz, large, small, (f * p->per_group[0] + c) * taps + k);
    }
}

static void each(const pairs *p, const oracle_tensors *t, const double *dz, size_t n, visit *call) {
  for (size_t i = 0; i < n * small_of(p); i++) {
    const size_t ox = i % p->out[1], oy = i / p->out[1] % p->out[0];
    const size_t plane = i / p->out[1] / p->out[0];
    each_tap(p, t, dz, plane / p->d.filters, plane % p->d.filters, oy, ox, call);
  }
}

static void from_large(const oracle_tensors *t, const double *dz, size_t large, size_t small,
                       size_t weight) {
  (void)dz;
  t->out[small] += t->in[0][large] * t->param[0][weight];
}

static void from_small(const oracle_tensors *t, const double *dz, size_t large, size_t small,
                       size_t weight) {
  (void)dz;
  t->out[large] += t->in[0][small] * t->param[0][weight];
}

static void to_large(const oracle_tensors *t, const double *dz, size_t large, size_t small,
                     size_t weight) {
  if (t->d_in[0]) t->d_in[0][large] += dz[small] * t->param[0][weight];
  t->d_param[0][weight] += dz[small] * t->in[0][large];
}

static void to_small(const oracle_tensors *t, const double *dz, size_t large, size_t small,
                     size_t weight) {
  if (t->d_in[0]) t->d_in[0][small] += dz[large] * t->param[0][weight];
  t->d_param[0][weight] += dz[large] * t->in[0][small];
}

/** The channel of number i of the output. */
static size_t channel_of(const pairs *p, bool transposed, size_t i) {
  const size_t channels = transposed ? p->d.channels : p->d.filters;
  const size_t plane = (transposed ? large_of(p) : small_of(p)) / channels;
  return (p->channels_last ? i : i / plane) % channels;
}

static void forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const pairs p = pairs_of(desc);
  const bool transposed = is_transposed(desc);
  const size_t count = step->n * (transposed ? large_of(&p) : small_of(&p));
  for (size_t i = 0; i < count; i++)
    t->out[i] = p.d.bias ? t->param[1][channel_of(&p, transposed, i)] : 0;
  each(&p, t, NULL, step->n, transposed ? from_small : from_large);
}

static void backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                     const dg_step *step) {
  const pairs p = pairs_of(desc);
  const bool transposed = is_transposed(desc);
  const size_t count = step->n * (transposed ? large_of(&p) : small_of(&p));
  for (size_t i = 0; p.d.bias && i < count; i++)
    t->d_param[1][channel_of(&p, transposed, i)] += dz[i];
  each(&p, t, dz, step->n, transposed ? to_small : to_large);
}

const oracle_family oracle_conv_transpose2d = {sizes, forward, backward},
                    oracle_grouped_conv1d = {sizes, forward, backward},
                    oracle_conv_transpose1d = {sizes, forward, backward};
