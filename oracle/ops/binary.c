/* The oracle's functions of two numbers. */
#include "oracle/family.h"

/** The numbers of a sample's output, and the place in each input that number `i` of it reads. */
typedef struct {
  size_t count, in[2];
} place;

static place place_of(const dg_binary_desc *d, size_t i) {
  place p = {.count = 1};
  size_t size[2] = {1, 1};
  for (int dim = 2; dim >= 0; dim--) {
    const uint32_t a = d->dim[0][dim], b = d->dim[1][dim], out = a > b ? a : b;
    const size_t at = i / p.count % out;
    for (int k = 0; k < 2; k++) {
      if (d->dim[k][dim] > 1) p.in[k] += at * size[k];
      size[k] *= d->dim[k][dim];
    }
    p.count *= out;
  }
  for (int k = 0; k < 2; k++) p.in[k] += i / p.count * size[k];
  return p;
}

static void sizes(const dg_op_desc *desc, oracle_sizes *z) {
  const dg_binary_desc *d = &desc->binary;
  z->inputs = 2;
  for (int k = 0; k < 2; k++) z->in[k] = (size_t)d->dim[k][0] * d->dim[k][1] * d->dim[k][2];
  z->out = place_of(d, 0).count;
}

static double value(dg_binary_kind kind, double a, double b) {
  switch (kind) {
  case DG_BINARY_ADD:
    return a + b;
  case DG_BINARY_SUBTRACT:
    return a - b;
  case DG_BINARY_MULTIPLY:
    return a * b;
  default:
    return a / b;
  }
}

/** The gradient of input `k`. */
static double gradient(dg_binary_kind kind, int k, double g, double a, double b) {
  switch (kind) {
  case DG_BINARY_ADD:
    return g;
  case DG_BINARY_SUBTRACT:
    return k ? -g : g;
  case DG_BINARY_MULTIPLY:
    return g * (k ? a : b);
  default:
    return k ? -g * (a / b / b) : g / b;
  }
}

static void forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const dg_binary_desc *d = &desc->binary;
  const size_t count = step->n * place_of(d, 0).count;
  for (size_t i = 0; i < count; i++) {
    const place p = place_of(d, i);
    t->out[i] = value(d->kind, t->in[0][p.in[0]], t->in[1][p.in[1]]);
  }
}

static void backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                     const dg_step *step) {
  const dg_binary_desc *d = &desc->binary;
  const size_t count = step->n * place_of(d, 0).count;
  for (size_t i = 0; i < count; i++) {
    const place p = place_of(d, i);
    const double a = t->in[0][p.in[0]], b = t->in[1][p.in[1]];
    for (int k = 0; k < 2; k++)
      if (t->d_in[k]) t->d_in[k][p.in[k]] += gradient(d->kind, k, dz[i], a, b);
  }
}

const oracle_family oracle_binary = {sizes, forward, backward};
