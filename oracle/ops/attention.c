/* The oracle's attention. */
#include <math.h>
#include <stdlib.h>

#include "oracle/family.h"

static void sizes(const dg_op_desc *desc, oracle_sizes *z) {
  const dg_attention_desc *d = &desc->attention;
  z->out = (size_t)d->steps * d->heads * d->width;
  z->in[0] = 3 * z->out;
  z->inputs = d->lengths ? 2 : 1;
  z->in[1] = d->lengths;
}

/** One head of a sample: the query (0), key (1) or value (2) of step i begins at x + at(i, 0..2),
    its output at out + i * width_of_all. */
typedef struct {
  size_t x, out;      /**< where the sample and head begin */
  size_t all;         /**< numbers of a query of all heads */
  size_t width, keys; /**< keys: steps that are there */
  bool causal;
} head;

static size_t at(const head *h, size_t step, size_t part) {
  return h->x + (step * 3 + part) * h->all;
}

static head head_of(const dg_attention_desc *d, const oracle_tensors *t, size_t s, size_t index) {
  head h = {
      .all = (size_t)d->heads * d->width, .width = d->width, .keys = d->steps, .causal = d->causal};
  h.out = s * d->steps * h.all + index * d->width;
  h.x = 3 * s * d->steps * h.all + index * d->width;
  if (d->lengths) h.keys = t->in[1][s] < d->steps ? (size_t)t->in[1][s] : d->steps;
  return h;
}

static double dot(const double *a, const double *b, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

/** The weights of a query's keys; returns how many there are. */
static size_t weigh(const head *h, const double *x, size_t query, double *weights) {
  size_t keys = h->causal ? query + 1 : h->keys;
  double most = -INFINITY, sum = 0;
  for (size_t k = 0; k < keys; k++) {
    weights[k] = dot(x + at(h, query, 0), x + at(h, k, 1), h->width) / sqrt((double)h->width);
    most = fmax(most, weights[k]);
  }
  for (size_t k = 0; k < keys; k++) sum += weights[k] = exp(weights[k] - most);
  for (size_t k = 0; k < keys; k++) weights[k] /= sum;
  return keys;
}

static void forward_head(const head *h, const double *x, double *weights, double *out) {
  for (size_t i = 0; i < h->keys; i++) {
    const size_t keys = weigh(h, x, i, weights);
    for (size_t k = 0; k < keys; k++)
      for (size_t f = 0; f < h->width; f++)
        out[h->out + i * h->all + f] += weights[k] * x[at(h, k, 2) + f];
  }
}

/** The derivative of the softmax: score k has weight_k (g_k - sum of all weight g). */
static void backward_head(const head *h, const double *x, const double *dz, double *weights,
                          double *dx) {
  double *g = weights + h->keys;
  for (size_t i = 0; i < h->keys; i++) {
    const double *d_out = dz + h->out + i * h->all;
    const size_t keys = weigh(h, x, i, weights);
    for (size_t k = 0; k < keys; k++) g[k] = dot(d_out, x + at(h, k, 2), h->width);
    const double mean = dot(weights, g, keys);
    for (size_t k = 0; k < keys; k++) {
      const double d_score = weights[k] * (g[k] - mean) / sqrt((double)h->width);
      for (size_t f = 0; f < h->width; f++) {
        dx[at(h, k, 2) + f] += weights[k] * d_out[f];
        dx[at(h, i, 0) + f] += d_score * x[at(h, k, 1) + f];
        dx[at(h, k, 1) + f] += d_score * x[at(h, i, 0) + f];
      }
    }
  }
}

static void forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const dg_attention_desc *d = &desc->attention;
  double *weights = malloc(d->steps * sizeof *weights);
  for (size_t i = 0; i < (size_t)step->n * d->steps * d->heads * d->width; i++) t->out[i] = 0;
  for (size_t s = 0; s < step->n; s++)
    for (size_t k = 0; k < d->heads; k++) {
      const head h = head_of(d, t, s, k);
      forward_head(&h, t->in[0], weights, t->out);
    }
  free(weights);
}

static void backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                     const dg_step *step) {
  const dg_attention_desc *d = &desc->attention;
  double *weights = malloc(2 * d->steps * sizeof *weights);
  for (size_t s = 0; t->d_in[0] && s < step->n; s++)
    for (size_t k = 0; k < d->heads; k++) {
      const head h = head_of(d, t, s, k);
      backward_head(&h, t->in[0], dz, weights, t->d_in[0]);
    }
  free(weights);
}

const oracle_family oracle_attention = {sizes, forward, backward};
