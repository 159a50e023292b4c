/* The oracle's functions of single numbers. */
#include <math.h>

#include "oracle/family.h"

typedef struct {
  double value, derivative;
} point;

static point gelu(double x) {
  const double share = 0.5 * erfc(-x / sqrt(2)), density = exp(-x * x / 2) / sqrt(2 * acos(-1));
  return (point){x * share, share + x * density};
}

static point gelu_tanh(double x) {
  const double root = sqrt(2 / acos(-1)), t = tanh(root * (x + 0.044715 * x * x * x));
  const double inner = root * (1 + 3 * 0.044715 * x * x);
  return (point){0.5 * x * (1 + t), 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner};
}

static double sigmoid(double x) {
  return 1 / (1 + exp(-x));
}

static double softplus(double x) {
  return fmax(x, 0) + log1p(exp(-fabs(x)));
}

static point silu(double x) {
  const double s = sigmoid(x);
  return (point){x * s, s * (1 + x * (1 - s))};
}

static point mish(double x) {
  const double t = tanh(softplus(x));
  return (point){x * t, t + x * (1 - t * t) * sigmoid(x)};
}

static point elu(const dg_eltwise_desc *d, double x) {
  if (x > 0) return (point){d->scale * x, d->scale};
  return (point){d->alpha * expm1(d->beta * x), d->alpha * d->beta * exp(d->beta * x)};
}

static point hard_sigmoid(double x) {
  if (x <= -3 || x >= 3) return (point){x >= 3, 0};
  return (point){x / 6 + 0.5, 1.0 / 6};
}

static point hard_swish(double x) {
  if (x <= -3 || x >= 3) return (point){x >= 3 ? x : 0, x >= 3};
  return (point){x * (x / 6 + 0.5), x / 3 + 0.5};
}

static point clip(const dg_eltwise_desc *d, double x) {
  return (point){x < d->alpha  ? d->alpha
                 : x > d->beta ? d->beta
                               : x,
                 x >= d->alpha && x <= d->beta};
}

static point apply(const dg_eltwise_desc *d, double x) {
  const double magnitude = 1 + fabs(x);
  switch (d->kind) {
  case DG_ELTWISE_GELU:
    return gelu(x);
  case DG_ELTWISE_GELU_TANH:
    return gelu_tanh(x);
  case DG_ELTWISE_SILU:
    return silu(x);
  case DG_ELTWISE_ELU:
    return elu(d, x);
  case DG_ELTWISE_SOFTPLUS:
    return (point){softplus(d->beta * x) / d->beta, sigmoid(d->beta * x)};
  case DG_ELTWISE_SOFTSIGN:
    return (point){x / magnitude, 1 / (magnitude * magnitude)};
  case DG_ELTWISE_MISH:
    return mish(x);
  case DG_ELTWISE_HARD_SIGMOID:
    return hard_sigmoid(x);
  case DG_ELTWISE_HARD_SWISH:
    return hard_swish(x);
  case DG_ELTWISE_CLIP:
    return clip(d, x);
  default:
    return (point){d->scale * x + d->alpha, d->scale};
  }
}

static void sizes(const dg_op_desc *desc, oracle_sizes *z) {
  z->in[0] = z->out = desc->eltwise.count;
}

static void forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const size_t count = (size_t)step->n * desc->eltwise.count;
  for (size_t i = 0; i < count; i++) t->out[i] = apply(&desc->eltwise, t->in[0][i]).value;
}

static void backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                     const dg_step *step) {
  const size_t count = (size_t)step->n * desc->eltwise.count;
  for (size_t i = 0; t->d_in[0] && i < count; i++)
    t->d_in[0][i] += dz[i] * apply(&desc->eltwise, t->in[0][i]).derivative;
}

const oracle_family oracle_eltwise = {sizes, forward, backward};
