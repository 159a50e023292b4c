/** Functions of single numbers whose derivative needs the input. */
#ifndef DG_OP_ELTWISE_H
#define DG_OP_ELTWISE_H

#include <math.h>

#include "core/op/traits.h"

/** Formulas and derivatives where a function has a kink are those of PyTorch 2. */
typedef enum {
  DG_ELTWISE_GELU,         /**< x P(x), P the normal distribution: x / 2 (1 + erf(x / sqrt(2))) */
  DG_ELTWISE_GELU_TANH,    /**< x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) */
  DG_ELTWISE_SILU,         /**< x sigmoid(x) */
  DG_ELTWISE_ELU,          /**< x > 0 ? scale x : alpha (exp(beta x) - 1), all three above 0;
                                derivative alpha beta at 0 */
  DG_ELTWISE_SOFTPLUS,     /**< log(1 + exp(beta x)) / beta; beta above 0 */
  DG_ELTWISE_SOFTSIGN,     /**< x / (1 + |x|) */
  DG_ELTWISE_MISH,         /**< x tanh(log(1 + exp(x))) */
  DG_ELTWISE_HARD_SIGMOID, /**< x <= -3 ? 0 : x >= 3 ? 1 : x / 6 + 1 / 2; derivative 0 at -3, 3 */
  DG_ELTWISE_HARD_SWISH,   /**< x times that; derivative 0 at -3, 1 at 3 */
  DG_ELTWISE_CLIP,   /**< min(max(x, alpha), beta), alpha <= beta; derivative 1 at both ends */
  DG_ELTWISE_AFFINE, /**< scale x + alpha */
  DG_ELTWISE_KINDS
} dg_eltwise_kind;

/** in [n, count], out [n, count] = f(in). Parameters that a function doesn't have are ignored. */
typedef struct {
  uint32_t count;
  dg_eltwise_kind kind;
  float alpha, beta, scale;
} dg_eltwise_desc;

static inline dg_op_sizes dg_eltwise_sizes(const void *desc) {
  return dg_op_same_sizes(((const dg_eltwise_desc *)desc)->count);
}

static inline bool dg_eltwise_agrees(const void *desc) {
  const dg_eltwise_desc *d = desc;
  if (!isfinite(d->alpha) || !isfinite(d->beta) || !isfinite(d->scale)) return false;
  if ((unsigned)d->kind >= DG_ELTWISE_KINDS) return false;
  if (d->kind == DG_ELTWISE_ELU) return d->alpha > 0 && d->beta > 0 && d->scale > 0;
  if (d->kind == DG_ELTWISE_SOFTPLUS) return d->beta > 0;
  return d->kind != DG_ELTWISE_CLIP || d->alpha <= d->beta;
}

static const dg_op_traits dg_eltwise_traits = {
    .sizes = dg_eltwise_sizes, .agrees = dg_eltwise_agrees, .keeps_shape = true};

#endif
