/* The oracle's embedding. */
#include <math.h>

#include "oracle/family.h"

static void sizes(const dg_op_desc *desc, oracle_sizes *z) {
  const dg_embedding_desc *d = &desc->embedding;
  z->in[0] = d->steps;
  z->out = (size_t)d->steps * d->width;
  z->params = 1;
  z->param[0] = (size_t)d->words * d->width;
}

/** Where the row of place i of all samples begins. */
static size_t row(const dg_embedding_desc *d, const oracle_tensors *t, size_t i) {
  const double word = fmin(fmax(floor(t->in[0][i]), 0), (double)d->words - 1);
  return (size_t)word * d->width;
}

static void forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const dg_embedding_desc *d = &desc->embedding;
  for (size_t i = 0; i < (size_t)step->n * d->steps; i++)
    for (size_t f = 0; f < d->width; f++) t->out[i * d->width + f] = t->param[0][row(d, t, i) + f];
}

static void backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                     const dg_step *step) {
  const dg_embedding_desc *d = &desc->embedding;
  for (size_t i = 0; i < (size_t)step->n * d->steps; i++)
    for (size_t f = 0; f < d->width; f++) t->d_param[0][row(d, t, i) + f] += dz[i * d->width + f];
}

const oracle_family oracle_embedding = {sizes, forward, backward};
