/* Functions of single numbers, and their derivatives. */

/* The dg_eltwise_kind of core/op. */
enum {
  ELTWISE_GELU,
  ELTWISE_GELU_TANH,
  ELTWISE_SILU,
  ELTWISE_ELU,
  ELTWISE_SOFTPLUS,
  ELTWISE_SOFTSIGN,
  ELTWISE_MISH,
  ELTWISE_HARD_SIGMOID,
  ELTWISE_HARD_SWISH,
  ELTWISE_CLIP,
  ELTWISE_AFFINE
};

/* The normal distribution by erfc of Press et al., Numerical Recipes in C, 6.2, whose relative
 * error is below 1.2e-7.
 */
inline floatw normal(floatw x) {
  const floatw z = fabs(x) * M_SQRT1_2_F, t = 1.0f / (1.0f + 0.5f * z);
  floatw sum = t * 0.17087277f - 0.82215223f;
  sum = sum * t + 1.48851587f;
  sum = sum * t - 1.13520398f;
  sum = sum * t + 0.27886807f;
  sum = sum * t - 0.18628806f;
  sum = sum * t + 0.09678418f;
  sum = sum * t + 0.37409196f;
  sum = sum * t + 1.00002368f;
  sum = sum * t - 1.26551223f;
  const floatw tail = 0.5f * t * exp(sum - z * z);
  return x < 0.0f ? tail : 1.0f - tail;
}

/* The inner part of gelu with tanh; SQRT_2_PI is sqrt(2 / pi). */
#define SQRT_2_PI 0.79788456f
#define CUBIC 0.044715f

inline floatw gelu_tanh_of(floatw x) {
  return tanh(SQRT_2_PI * (x + CUBIC * x * x * x));
}

/* With e = exp(x) and m = e^2 + 2 e + 2, tanh(log(1 + e)) is 1 - 2 / m; beyond 20 it is 1. */
inline floatw mish_part(floatw x) {
  const floatw e = exp(x > 20.0f ? (floatw)(20.0f) : x);
  return e * (e + 2.0f);
}

inline floatw eltwise(floatw x, uint kind, float alpha, float beta, float scale) {
  floatw v;
  switch (kind) {
  case ELTWISE_GELU:
    return x * normal(x);
  case ELTWISE_GELU_TANH:
    return 0.5f * x * (1.0f + gelu_tanh_of(x));
  case ELTWISE_SILU:
    return x * activate(x, ACT_SIGMOID, 0.0f);
  case ELTWISE_ELU:
    return x > 0.0f ? scale * x : alpha * expm1(beta * x);
  case ELTWISE_SOFTPLUS:
    v = beta * x;
    return ((v > 0.0f ? v : (floatw)(0.0f)) + log1p(exp(-fabs(v)))) / beta;
  case ELTWISE_SOFTSIGN:
    return x / (1.0f + fabs(x));
  case ELTWISE_MISH:
    v = mish_part(x);
    return x * (v / (v + 2.0f));
  case ELTWISE_HARD_SIGMOID:
    v = x * (1.0f / 6) + 0.5f;
    return x <= -3.0f ? (floatw)(0.0f) : x >= 3.0f ? (floatw)(1.0f) : v;
  case ELTWISE_HARD_SWISH:
    v = x * (x * (1.0f / 6) + 0.5f);
    return x <= -3.0f ? (floatw)(0.0f) : x >= 3.0f ? x : v;
  case ELTWISE_CLIP:
    v = x < alpha ? (floatw)(alpha) : x; /* NaN is propagated */
    return v > beta ? (floatw)(beta) : v;
  default:
    return scale * x + alpha;
  }
}

inline floatw eltwise_slope(floatw x, uint kind, float alpha, float beta, float scale) {
  floatw v, w;
  switch (kind) {
  case ELTWISE_GELU: /* the density is exp(-x^2 / 2) / sqrt(2 pi) */
    return normal(x) + x * (0.39894228f * exp(-0.5f * x * x));
  case ELTWISE_GELU_TANH:
    v = gelu_tanh_of(x);
    w = x > 5.0f ? (floatw)(5.0f) : x; /* beyond 5, where 1 - v * v is 0 but for its rounding */
    w = w < -5.0f ? (floatw)(-5.0f) : w;
    w = w * (SQRT_2_PI * (1.0f + 3 * CUBIC * w * w));
    return 0.5f * (1.0f + v) + 0.5f * ((1.0f - v * v) * w);
  case ELTWISE_SILU:
    v = activate(x, ACT_SIGMOID, 0.0f);
    return v * (1.0f + x * (1.0f - v));
  case ELTWISE_ELU:
    return x > 0.0f ? (floatw)(scale) : alpha * beta * exp(beta * x);
  case ELTWISE_SOFTPLUS:
    return activate(beta * x, ACT_SIGMOID, 0.0f);
  case ELTWISE_SOFTSIGN:
    v = 1.0f / (1.0f + fabs(x));
    return v * v;
  case ELTWISE_MISH:
    v = mish_part(x);
    w = v + 2.0f;
    return v / w + x * (4.0f * (w - 1.0f) / (w * w)) * activate(x, ACT_SIGMOID, 0.0f);
  case ELTWISE_HARD_SIGMOID:
    v = x >= 3.0f ? (floatw)(0.0f) : (floatw)(1.0f / 6);
    return x <= -3.0f ? (floatw)(0.0f) : v;
  case ELTWISE_HARD_SWISH:
    v = x >= 3.0f ? (floatw)(1.0f) : x * (1.0f / 3) + 0.5f;
    return x <= -3.0f ? (floatw)(0.0f) : v;
  case ELTWISE_CLIP:
    v = x <= beta ? (floatw)(1.0f) : (floatw)(0.0f);
    return x >= alpha ? v : (floatw)(0.0f);
  default:
    return scale;
  }
}

/* y[i] = f(x[i]) */
kernel void eltwise_forward(global const float *x, global float *y, uint count, uint kind,
                            float alpha, float beta, float scale) {
  const uint i = get_global_id(0) * WIDTH;
  if (i >= count) return;
  store_block(eltwise(load_block(x + i, count - i), kind, alpha, beta, scale), y + i, count - i);
}

/* dx[i] (+)= dy[i] f'(x[i]) */
kernel void eltwise_backward(global const float *x, global const float *dy, global float *dx,
                             uint count, uint kind, float alpha, float beta, float scale,
                             uint add) {
  const uint i = get_global_id(0) * WIDTH;
  if (i >= count) return;
  const uint left = count - i;
  const floatw slopes = eltwise_slope(load_block(x + i, left), kind, alpha, beta, scale);
  store_gradient(load_block(dy + i, left) * slopes, dx + i, left, add);
}
