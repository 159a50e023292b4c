/* The oracle's positions. */
#include <math.h>

#include "oracle/family.h"

static void sizes(const dg_op_desc *desc, oracle_sizes *z) {
  const dg_positions_desc *d = &desc->positions;
  z->in[0] = z->out = (size_t)d->steps * d->width;
  z->params = d->sinusoidal ? 0 : 1;
  z->param[0] = d->sinusoidal ? 0 : z->out;
}

/** Pairs of features have one wave: a sine and a cosine of 10000 ^ (pair / pairs) steps. */
static double wave(const dg_positions_desc *d, size_t i) {
  const double pair = floor((double)(i % d->width) / 2), step = floor((double)i / d->width);
  const double angle = step / exp(log(10000) * 2 * pair / d->width);
  return i % d->width % 2 == 0 ? sin(angle) : cos(angle);
}

static void forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const dg_positions_desc *d = &desc->positions;
  const size_t count = (size_t)d->steps * d->width;
  for (size_t i = 0; i < step->n * count; i++)
    t->out[i] = t->in[0][i] + (d->sinusoidal ? wave(d, i % count) : t->param[0][i % count]);
}

static void backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                     const dg_step *step) {
  const dg_positions_desc *d = &desc->positions;
  const size_t count = (size_t)d->steps * d->width;
  for (size_t i = 0; i < step->n * count; i++) {
    if (t->d_in[0]) t->d_in[0][i] += dz[i];
    if (!d->sinusoidal) t->d_param[0][i % count] += dz[i];
  }
}

const oracle_family oracle_positions = {sizes, forward, backward};
