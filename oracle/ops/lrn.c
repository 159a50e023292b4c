/* The oracle's local response normalization. */
#include <math.h>

#include "oracle/family.h"

static void sizes(const dg_op_desc *desc, oracle_sizes *z) {
  z->in[0] = z->out = (size_t)desc->lrn.channels * desc->lrn.plane;
}

/** Does channel `other` count for `channel`? */
static bool counts(const dg_lrn_desc *d, long channel, long other) {
  long before = d->size / 2, after = (d->size - 1) / 2;
  return channel - before <= other && other <= channel + after;
}

/** What number `i` of all samples is divided by a power of. */
static double base_of(const dg_lrn_desc *d, const double *x, size_t i) {
  size_t plane = d->plane, first = i / plane / d->channels * d->channels;
  long channel = (long)(i / plane - first);
  double sum = 0;
  for (size_t c = 0; c < d->channels; c++) {
    double other = x[(first + c) * plane + i % plane];
    if (counts(d, channel, (long)c)) sum += other * other;
  }
  return d->k + (double)d->alpha / d->size * sum;
}

static void forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const dg_lrn_desc *d = &desc->lrn;
  for (size_t i = 0; i < (size_t)step->n * d->channels * d->plane; i++)
    t->out[i] = t->in[0][i] / pow(base_of(d, t->in[0], i), d->beta);
}

static void backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                     const dg_step *step) {
  const dg_lrn_desc *d = &desc->lrn;
  const double *x = t->in[0];
  size_t plane = d->plane;
  for (size_t i = 0; t->d_in[0] && i < (size_t)step->n * d->channels * plane; i++) {
    size_t first = i / plane / d->channels * d->channels;
    double base = base_of(d, x, i), slope = d->beta * pow(base, -(double)d->beta - 1);
    t->d_in[0][i] += dz[i] * pow(base, -(double)d->beta);
    for (size_t c = 0; c < d->channels; c++) {
      size_t other = (first + c) * plane + i % plane;
      if (counts(d, (long)(i / plane - first), (long)c))
        t->d_in[0][other] -= dz[i] * x[i] * slope * d->alpha / d->size * 2 * x[other];
    }
  }
}

const oracle_family oracle_lrn = {sizes, forward, backward};
