/* The oracle's padding and bilinear upsampling. */
#include <math.h>

#include "oracle/family.h"

/* ---- padding ------------------------------------------------------------ */

static void pad_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  const dg_pad_desc *d = &desc->pad;
  const size_t height = (size_t)d->top + d->height + d->bottom;
  const size_t width = (size_t)d->left + d->width + d->right;
  z->in[0] = (size_t)d->outer * d->height * d->width * d->inner;
  z->out = d->outer * height * width * d->inner;
}

/** The place in a line of `size` that is copied to place `at` of the padded one; -1: none. */
static long copied(dg_pad_mode mode, long at, long before, long size) {
  const long place = at - before;
  if (place >= 0 && place < size) return place;
  if (mode == DG_PAD_ZEROS) return -1;
  if (mode == DG_PAD_REPLICATE) return place < 0 ? 0 : size - 1;
  return place < 0 ? -place : 2 * (size - 1) - place;
}

/** The index of the number that is copied to number `i`; -1: none. */
static long copied_to(const dg_pad_desc *d, size_t i) {
  const size_t width = (size_t)d->left + d->width + d->right;
  const size_t height = (size_t)d->top + d->height + d->bottom;
  const size_t at = i / d->inner, plane = at / width / height;
  const long y = copied(d->mode, (long)(at / width % height), d->top, d->height);
  const long x = copied(d->mode, (long)(at % width), d->left, d->width);
  if (y < 0 || x < 0) return -1;
  return (((long)plane * d->height + y) * d->width + x) * d->inner + (long)(i % d->inner);
}

static void pad_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  oracle_sizes z = {0};
  pad_sizes(desc, &z);
  for (size_t i = 0; i < step->n * z.out; i++) {
    const long from = copied_to(&desc->pad, i);
    t->out[i] = from < 0 ? 0 : t->in[0][from];
  }
}

static void pad_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                         const dg_step *step) {
  oracle_sizes z = {0};
  pad_sizes(desc, &z);
  for (size_t i = 0; t->d_in[0] && i < step->n * z.out; i++) {
    const long from = copied_to(&desc->pad, i);
    if (from >= 0) t->d_in[0][from] += dz[i];
  }
}

const oracle_family oracle_pad = {pad_sizes, pad_forward, pad_backward};

/* ---- bilinear upsampling ------------------------------------------------ */

/** The two numbers of a line that give one of the scaled line, and their weights. */
typedef struct {
  size_t from[2];
  double weight[2];
} blend;

static blend blend_of(size_t at, size_t size, size_t scale) {
  const double place = ((double)at + 0.5) / (double)scale - 0.5, below = floor(place);
  blend b = {.weight = {1 - (place - below), place - below}};
  for (int k = 0; k < 2; k++) {
    const double inside = fmin(fmax(below + k, 0), (double)size - 1);
    b.from[k] = (size_t)inside;
  }
  return b;
}

static void bilinear_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  const dg_upsample2d_desc *d = &desc->upsample2d;
  z->in[0] = (size_t)d->channels * d->height * d->width;
  z->out = z->in[0] * d->scale * d->scale;
}

/** Adds what one number of the output gets, forward; or gives its gradient back, if dz isn't
    NULL. */
static void each_of_four(const dg_upsample2d_desc *d, const oracle_tensors *t, const double *dz,
                         size_t i) {
  const size_t wide = (size_t)d->width * d->scale, high = (size_t)d->height * d->scale;
  const blend x = blend_of(i % wide, d->width, d->scale);
  const blend y = blend_of(i / wide % high, d->height, d->scale);
  const size_t plane = i / wide / high;
  for (int k = 0; k < 4; k++) {
    const size_t from = (plane * d->height + y.from[k / 2]) * d->width + x.from[k % 2];
    const double weight = y.weight[k / 2] * x.weight[k % 2];
    if (dz)
      t->d_in[0][from] += weight * dz[i];
    else
      t->out[i] += weight * t->in[0][from];
  }
}

static void bilinear_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  oracle_sizes z = {0};
  bilinear_sizes(desc, &z);
  for (size_t i = 0; i < step->n * z.out; i++) {
    t->out[i] = 0;
    each_of_four(&desc->upsample2d, t, NULL, i);
  }
}

static void bilinear_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                              const dg_step *step) {
  oracle_sizes z = {0};
  bilinear_sizes(desc, &z);
  for (size_t i = 0; t->d_in[0] && i < step->n * z.out; i++)
    each_of_four(&desc->upsample2d, t, dz, i);
}

const oracle_family oracle_upsample_bilinear2d = {bilinear_sizes, bilinear_forward,
                                                  bilinear_backward};
