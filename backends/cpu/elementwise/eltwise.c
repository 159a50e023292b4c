#include <string.h>

#include "backends/cpu/elementwise/vector_math.h"
#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

/** Numbers processed at a time. */
enum { BLOCK = 256 };

/** A function, or the derivative of one. */
typedef dg_vector function(const dg_eltwise_desc *d, dg_vector x);

static inline dg_vector splat(float x) {
  return x - (dg_vector){0};
}

/** a where the mask is set, b elsewhere. */
static inline dg_vector pick(dg_int_vector mask, dg_vector a, dg_vector b) {
  return (dg_vector)(((dg_int_vector)a & mask) | ((dg_int_vector)b & ~mask));
}

static inline dg_vector magnitude(dg_vector x) {
  return (dg_vector)((dg_int_vector)x & 0x7fffffff);
}

/* ---- gelu --------------------------------------------------------------- */

/** The normal distribution by erfc of Press et al., Numerical Recipes in C, 6.2, whose relative
    error is below 1.2e-7. */
static inline dg_vector normal(dg_vector x) {
  static const float terms[] = {-0.82215223f, 1.48851587f, -1.13520398f, 0.27886807f, -0.18628806f,
                                0.09678418f,  0.37409196f, 1.00002368f,  -1.26551223f};
  const dg_vector z = magnitude(x) * 0x1.6a09e6p-1f, t = 1.0f / (1.0f + 0.5f * z);
  dg_vector sum = splat(0.17087277f);
  for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) sum = sum * t + terms[i];
  const dg_vector tail = 0.5f * t * dg_exp(sum - z * z);
  return pick(x < 0, tail, 1.0f - tail);
}

static inline dg_vector gelu(const dg_eltwise_desc *d, dg_vector x) {
  (void)d;
  return x * normal(x);
}

static inline dg_vector gelu_slope(const dg_eltwise_desc *d, dg_vector x) {
  (void)d;
  return normal(x) + x * (0x1.988454p-2f * dg_exp(-0.5f * x * x)); /* 1 / sqrt(2 pi) */
}

static const float root = 0x1.988454p-1f, cubic = 0.044715f; /* sqrt(2 / pi) */

static inline dg_vector gelu_tanh(const dg_eltwise_desc *d, dg_vector x) {
  (void)d;
  return 0.5f * x * (1.0f + dg_tanh(root * (x + cubic * x * x * x)));
}

static inline dg_vector gelu_tanh_slope(const dg_eltwise_desc *d, dg_vector x) {
  (void)d;
  const dg_vector t = dg_tanh(root * (x + cubic * x * x * x));
  const dg_vector inner = root * (1.0f + 3 * cubic * x * x);
  return 0.5f * (1.0f + t) + 0.5f * x * ((1.0f - t * t) * inner);
}

/* ---- exponentials ------------------------------------------------------- */

/** The sigmoid, also where it is so small that only a factor of x shows it. */
static inline dg_vector sigmoid(dg_vector x) {
  const dg_vector e = dg_exp(-magnitude(x)), inverse = 1.0f / (1.0f + e);
  return pick(x < 0, e * inverse, inverse);
}

static inline dg_vector silu(const dg_eltwise_desc *d, dg_vector x) {
  (void)d;
  return x * sigmoid(x);
}

static inline dg_vector silu_slope(const dg_eltwise_desc *d, dg_vector x) {
  (void)d;
  const dg_vector s = sigmoid(x);
  return s * (1.0f + x * (1.0f - s));
}

static inline dg_vector elu(const dg_eltwise_desc *d, dg_vector x) {
  const dg_vector below = d->alpha * dg_exp_minus_1(dg_clip(d->beta * x, -87, 0));
  return pick(x > 0, d->scale * x, below);
}

static inline dg_vector elu_slope(const dg_eltwise_desc *d, dg_vector x) {
  return pick(x > 0, splat(d->scale), d->alpha * d->beta * dg_exp(d->beta * x));
}

/** log(1 + exp(x)). log(1 + u) is 2 atanh(u / (2 + u)), whose series ends with the 13th power since
    u <= 1. */
static inline dg_vector softplus_of(dg_vector x) {
  const dg_vector u = dg_exp(-magnitude(x)), s = u / (2.0f + u), q = s * s;
  dg_vector sum = q * (1.0f / 13) + 1.0f / 11;
  sum = sum * q + 1.0f / 9;
  sum = sum * q + 1.0f / 7;
  sum = sum * q + 1.0f / 5;
  sum = sum * q + 1.0f / 3;
  sum = sum * q + 1.0f;
  return dg_clip(x, 0, __FLT_MAX__) + 2.0f * s * sum;
}

static inline dg_vector softplus(const dg_eltwise_desc *d, dg_vector x) {
  return softplus_of(d->beta * x) / d->beta;
}

static inline dg_vector softplus_slope(const dg_eltwise_desc *d, dg_vector x) {
  return dg_sigmoid(d->beta * x);
}

/** With e = exp(x) and m = e^2 + 2 e + 2, tanh(log(1 + e)) is 1 - 2 / m; beyond 20 it is 1. */
static inline dg_vector mish(const dg_eltwise_desc *d, dg_vector x) {
  (void)d;
  const dg_vector e = dg_exp(dg_clip(x, -100, 20)), part = e * (e + 2.0f);
  return x * (part / (part + 2.0f));
}

static inline dg_vector mish_slope(const dg_eltwise_desc *d, dg_vector x) {
  (void)d;
  const dg_vector e = dg_exp(dg_clip(x, -100, 20)), part = e * (e + 2.0f), m = part + 2.0f;
  return part / m + x * (4.0f * (m - 1.0f) / (m * m)) * sigmoid(x);
}

/* ---- the rest ----------------------------------------------------------- */

static inline dg_vector softsign(const dg_eltwise_desc *d, dg_vector x) {
  (void)d;
  return x / (1.0f + magnitude(x));
}

static inline dg_vector softsign_slope(const dg_eltwise_desc *d, dg_vector x) {
  (void)d;
  const dg_vector inverse = 1.0f / (1.0f + magnitude(x));
  return inverse * inverse;
}

static inline dg_vector hard_sigmoid(const dg_eltwise_desc *d, dg_vector x) {
  (void)d;
  return pick(x <= -3, splat(0), pick(x >= 3, splat(1), x * (1.0f / 6) + 0.5f));
}

static inline dg_vector hard_sigmoid_slope(const dg_eltwise_desc *d, dg_vector x) {
  (void)d;
  return pick((x <= -3) | (x >= 3), splat(0), splat(1.0f / 6));
}

static inline dg_vector hard_swish(const dg_eltwise_desc *d, dg_vector x) {
  (void)d;
  return pick(x <= -3, splat(0), pick(x >= 3, x, x * (x * (1.0f / 6) + 0.5f)));
}

static inline dg_vector hard_swish_slope(const dg_eltwise_desc *d, dg_vector x) {
  (void)d;
  return pick(x <= -3, splat(0), pick(x >= 3, splat(1), x * (1.0f / 3) + 0.5f));
}

static inline dg_vector clip(const dg_eltwise_desc *d, dg_vector x) {
  return dg_clip(x, d->alpha, d->beta);
}

static inline dg_vector clip_slope(const dg_eltwise_desc *d, dg_vector x) {
  return pick((x >= d->alpha) & (x <= d->beta), splat(1), splat(0));
}

static inline dg_vector affine(const dg_eltwise_desc *d, dg_vector x) {
  return d->scale * x + d->alpha;
}

static inline dg_vector affine_slope(const dg_eltwise_desc *d, dg_vector x) {
  (void)x;
  return splat(d->scale);
}

/* ---- arrays ------------------------------------------------------------- */

/** y[i] = f(x[i]); the compiler makes a loop for each function. */
static inline __attribute__((always_inline)) void map(const dg_eltwise_desc *d, size_t count,
                                                      const float *x, float *y, function *f) {
  size_t i = 0;
  for (; i + DG_VECTOR <= count; i += DG_VECTOR)
    *(dg_vector *)(y + i) = f(d, *(const dg_vector *)(x + i));
  if (i == count) return;
  dg_vector last = {0};
  memcpy(&last, x + i, (count - i) * sizeof *x);
  last = f(d, last);
  memcpy(y + i, &last, (count - i) * sizeof *y);
}

/* Every function with its derivative. */
#define FUNCTIONS(X)                                                                               \
  X(DG_ELTWISE_GELU, gelu)                                                                         \
  X(DG_ELTWISE_GELU_TANH, gelu_tanh)                                                               \
  X(DG_ELTWISE_SILU, silu)                                                                         \
  X(DG_ELTWISE_ELU, elu)                                                                           \
  X(DG_ELTWISE_SOFTPLUS, softplus)                                                                 \
  X(DG_ELTWISE_SOFTSIGN, softsign)                                                                 \
  X(DG_ELTWISE_MISH, mish)                                                                         \
  X(DG_ELTWISE_HARD_SIGMOID, hard_sigmoid)                                                         \
  X(DG_ELTWISE_HARD_SWISH, hard_swish)                                                             \
  X(DG_ELTWISE_CLIP, clip)                                                                         \
  X(DG_ELTWISE_AFFINE, affine)

typedef void array_function(const dg_eltwise_desc *d, size_t count, const float *x, float *y);

#define ARRAYS(kind, name)                                                                         \
  static void name##_array(const dg_eltwise_desc *d, size_t count, const float *x, float *y) {     \
    map(d, count, x, y, name);                                                                     \
  }                                                                                                \
  static void name##_slopes(const dg_eltwise_desc *d, size_t count, const float *x, float *y) {    \
    map(d, count, x, y, name##_slope);                                                             \
  }
FUNCTIONS(ARRAYS)

#define FORWARD(kind, name) [kind] = name##_array,
#define SLOPES(kind, name) [kind] = name##_slopes,
static array_function *const values_of[DG_ELTWISE_KINDS] = {FUNCTIONS(FORWARD)},
                             *const slopes_of[DG_ELTWISE_KINDS] = {FUNCTIONS(SLOPES)};

/* ---- the op ------------------------------------------------------------- */

static bool supports(const dg_op_desc *desc) {
  return desc->eltwise.count > 0 && (unsigned)desc->eltwise.kind < DG_ELTWISE_KINDS;
}

static bool prepare_backward(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.reads_in = true;
  return true;
}

static size_t total_of(const dg_cpu_op *op, const dg_step *step) {
  return (size_t)step->n * op->desc.eltwise.count;
}

/** Pieces of both directions; a number costs about as much as ten copies. */
static size_t pieces_of(const dg_cpu_op *op, const dg_step *step) {
  const size_t total = total_of(op, step);
  return dg_cpu_pieces(total, 10 * total);
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_eltwise_desc *d = &region->op->desc.eltwise;
  const dg_span part =
      dg_cpu_grains(total_of(region->op, region->step), BLOCK, region->pieces, piece);
  (void)worker;
  values_of[d->kind](d, part.end - part.begin, dg_floats(region->buffers->in[0]) + part.begin,
                     dg_floats(region->buffers->out[0]) + part.begin);
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step), forward_piece);
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_eltwise_desc *d = &region->op->desc.eltwise;
  const float *x = dg_floats(region->buffers->in[0]), *d_y = dg_floats(region->buffers->d_out);
  float *dx = dg_floats(region->buffers->d_in[0]), block[BLOCK];
  const dg_span part =
      dg_cpu_grains(total_of(region->op, region->step), BLOCK, region->pieces, piece);
  (void)worker;
  for (size_t i = part.begin; i < part.end; i += BLOCK) {
    const size_t count = part.end - i < BLOCK ? part.end - i : BLOCK;
    slopes_of[d->kind](d, count, x + i, block);
    for (size_t k = 0; k < count; k++) block[k] *= d_y[i + k];
    dg_grad_store(region->op->desc.d_in[0], count, block, dx + i);
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step), backward_piece);
}

static const dg_cpu_implementation forward_by_elements = {"elements", NULL, NULL, forward},
                                   backward_by_elements = {"elements", NULL, prepare_backward,
                                                           backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_eltwise) = {
    supports, {&forward_by_elements}, {&backward_by_elements}};
