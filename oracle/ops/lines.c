/* The oracle's ops along a dimension: softmax, reduce, prelu and glu. */
#include <math.h>

#include "oracle/family.h"

/** Numbers along a dimension: the first one, and how many there are how far apart. */
typedef struct {
  size_t first, count, apart;
} line;

/** Line `i` of all in [outer, count, inner]. */
static line line_of(size_t i, size_t count, size_t inner) {
  return (line){i / inner * count * inner + i % inner, count, inner};
}

/* ---- softmax ------------------------------------------------------------ */

static void softmax_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  const dg_softmax_desc *d = &desc->softmax;
  z->in[0] = z->out = (size_t)d->outer * d->count * d->inner;
}

static void softmax_line(bool log_of, line l, const double *x, double *y) {
  double most = -INFINITY, sum = 0;
  for (size_t k = 0; k < l.count; k++) most = fmax(most, x[l.first + k * l.apart]);
  for (size_t k = 0; k < l.count; k++) sum += exp(x[l.first + k * l.apart] - most);
  for (size_t k = 0; k < l.count; k++) {
    double above = x[l.first + k * l.apart] - most;
    y[l.first + k * l.apart] = log_of ? above - log(sum) : exp(above) / sum;
  }
}

static void softmax_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const dg_softmax_desc *d = &desc->softmax;
  for (size_t i = 0; i < (size_t)step->n * d->outer * d->inner; i++)
    softmax_line(d->log, line_of(i, d->count, d->inner), t->in[0], t->out);
}

/** The derivative of result j by number k is y_j (1[j = k] - y_k), of its logarithm 1[j = k] - y_k.
 */
static void softmax_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                             const dg_step *step) {
  const dg_softmax_desc *d = &desc->softmax;
  for (size_t i = 0; t->d_in[0] && i < (size_t)step->n * d->outer * d->inner; i++) {
    line l = line_of(i, d->count, d->inner);
    double most = -INFINITY, sum = 0, all = 0;
    for (size_t k = 0; k < l.count; k++) most = fmax(most, t->in[0][l.first + k * l.apart]);
    for (size_t k = 0; k < l.count; k++) sum += exp(t->in[0][l.first + k * l.apart] - most);
    for (size_t k = 0; k < l.count; k++) {
      size_t at = l.first + k * l.apart;
      all += d->log ? dz[at] : dz[at] * exp(t->in[0][at] - most) / sum;
    }
    for (size_t k = 0; k < l.count; k++) {
      size_t at = l.first + k * l.apart;
      double y = exp(t->in[0][at] - most) / sum;
      t->d_in[0][at] += d->log ? dz[at] - y * all : y * (dz[at] - all);
    }
  }
}

const oracle_family oracle_softmax = {softmax_sizes, softmax_forward, softmax_backward};

/* ---- reduce ------------------------------------------------------------- */

static void reduce_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  const dg_reduce_desc *d = &desc->reduce;
  z->in[0] = (size_t)d->outer * d->count * d->inner;
  z->out = (size_t)d->outer * d->inner;
}

/** The index of the first largest number of a line; a NaN is the largest. */
static size_t largest(line l, const double *x) {
  size_t best = l.first;
  for (size_t k = 1; k < l.count && !isnan(x[best]); k++) {
    size_t at = l.first + k * l.apart;
    if (isnan(x[at]) || x[at] > x[best]) best = at;
  }
  return best;
}

static void reduce_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const dg_reduce_desc *d = &desc->reduce;
  for (size_t i = 0; i < (size_t)step->n * d->outer * d->inner; i++) {
    line l = line_of(i, d->count, d->inner);
    double sum = 0;
    for (size_t k = 0; k < l.count; k++) sum += t->in[0][l.first + k * l.apart];
    t->out[i] = d->kind == DG_REDUCE_MAX    ? t->in[0][largest(l, t->in[0])]
                : d->kind == DG_REDUCE_MEAN ? sum / d->count
                                            : sum;
  }
}

static void reduce_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                            const dg_step *step) {
  const dg_reduce_desc *d = &desc->reduce;
  for (size_t i = 0; t->d_in[0] && i < (size_t)step->n * d->outer * d->inner; i++) {
    line l = line_of(i, d->count, d->inner);
    if (d->kind == DG_REDUCE_MAX) t->d_in[0][largest(l, t->in[0])] += dz[i];
    for (size_t k = 0; d->kind != DG_REDUCE_MAX && k < l.count; k++)
      t->d_in[0][l.first + k * l.apart] += d->kind == DG_REDUCE_MEAN ? dz[i] / d->count : dz[i];
  }
}

const oracle_family oracle_reduce = {reduce_sizes, reduce_forward, reduce_backward};

/* ---- prelu -------------------------------------------------------------- */

static void prelu_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  const dg_prelu_desc *d = &desc->prelu;
  z->in[0] = z->out = (size_t)d->rows * d->channels * d->plane;
  z->param[0] = d->channels, z->params = 1;
}

static void prelu_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const dg_prelu_desc *d = &desc->prelu;
  for (size_t i = 0; i < (size_t)step->n * d->rows * d->channels * d->plane; i++) {
    double x = t->in[0][i];
    t->out[i] = x > 0 ? x : t->param[0][i / d->plane % d->channels] * x;
  }
}

static void prelu_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                           const dg_step *step) {
  const dg_prelu_desc *d = &desc->prelu;
  for (size_t i = 0; i < (size_t)step->n * d->rows * d->channels * d->plane; i++) {
    size_t c = i / d->plane % d->channels;
    double x = t->in[0][i];
    if (t->d_in[0]) t->d_in[0][i] += x > 0 ? dz[i] : dz[i] * t->param[0][c];
    t->d_param[0][c] += x > 0 ? 0 : dz[i] * x;
  }
}

const oracle_family oracle_prelu = {prelu_sizes, prelu_forward, prelu_backward};

/* ---- glu ---------------------------------------------------------------- */

static void glu_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  z->out = (size_t)desc->glu.rows * desc->glu.count;
  z->in[0] = 2 * z->out;
}

static double gate(double x) {
  return 1 / (1 + exp(-x));
}

static void glu_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  size_t count = desc->glu.count;
  for (size_t i = 0; i < (size_t)step->n * desc->glu.rows * count; i++) {
    const double *a = t->in[0] + i / count * 2 * count + i % count;
    t->out[i] = a[0] * gate(a[count]);
  }
}

static void glu_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                         const dg_step *step) {
  size_t count = desc->glu.count;
  for (size_t i = 0; t->d_in[0] && i < (size_t)step->n * desc->glu.rows * count; i++) {
    size_t at = i / count * 2 * count + i % count;
    double a = t->in[0][at], s = gate(t->in[0][at + count]);
    t->d_in[0][at] += dz[i] * s;
    t->d_in[0][at + count] += dz[i] * a * s * (1 - s);
  }
}

const oracle_family oracle_glu = {glu_sizes, glu_forward, glu_backward};
