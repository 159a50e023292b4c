/* The oracle's upsampling. */
#include "oracle/family.h"

/** The index of the input's number that is copied to number `i` of the output. */
static size_t source(const dg_upsample2d_desc *d, size_t i) {
  size_t wide = (size_t)d->width * d->scale, high = (size_t)d->height * d->scale;
  size_t column = i % wide, row = i / wide % high, plane = i / wide / high;
  return (plane * d->height + row / d->scale) * d->width + column / d->scale;
}

static void sizes(const dg_op_desc *desc, oracle_sizes *z) {
  const dg_upsample2d_desc *d = &desc->upsample2d;
  z->in[0] = (size_t)d->channels * d->height * d->width;
  z->out = z->in[0] * d->scale * d->scale;
}

static void forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  oracle_sizes z = {0};
  sizes(desc, &z);
  for (size_t i = 0; i < step->n * z.out; i++) t->out[i] = t->in[0][source(&desc->upsample2d, i)];
}

static void backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                     const dg_step *step) {
  oracle_sizes z = {0};
  sizes(desc, &z);
  for (size_t i = 0; t->d_in[0] && i < step->n * z.out; i++)
    t->d_in[0][source(&desc->upsample2d, i)] += dz[i];
}

const oracle_family oracle_upsample2d = {sizes, forward, backward};
