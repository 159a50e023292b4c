/* Code shared by the kernels of recurrent layers: the layout of their numbers, and a step for one
 * hidden unit, or for LANES adjacent ones.
 *
 * Build options: CELL (the dg_cell_kind of backend.h), HARD_SIGMOID, RESET_BEFORE, LANES, and
 * SAMPLES, the samples of a tile, which are processed together. dg_recurrent_desc defines the
 * cells; with W_g x + b_g and U_g h + c_g the two parts of a gate, there are
 *
 *   SUMS  sums that a step begins with: both parts together for each gate, except for the GRU that
 *         resets after the product: it has W_n x + b_n, r, z, U_n h + c_n, so that the sums with a
 *         part of x are contiguous, and those with a part of h too; and as many gradients of them
 *   SAVED  numbers that a step leaves for the next one and for backward, h first:
 *           RNN h; LSTM h, c, i, f, g, o; GRU h, r, z, n and U_n h + c_n, or r h if RESET_BEFORE
 *
 * The numbers of a tile at one time step are [block of 16 units][which][sample][16], so that data
 * used together is contiguous; the last block is padded with zeros, and `padded` is the number of
 * units including them. Samples past the last one repeat it.
 */

#if LANES == 1
#define real float
#define as_real as_float
#define as_whole as_int
#else
#define real JOIN(float, LANES)
#define as_real JOIN(as_float, LANES)
#define as_whole JOIN(as_int, LANES)
#endif

#define RNN 0
#define GRU 1
#define LSTM 2
#define RESET_AFTER (CELL == GRU && !RESET_BEFORE)

#if CELL == RNN
#define GATES 1
#define SUMS 1
#define SAVED 1
#elif CELL == GRU
#define GATES 3
#define SUMS (GATES + RESET_AFTER)
#define SAVED 5
#else
#define GATES 4
#define SUMS 4
#define SAVED 6
#endif

/* Gates computed from h itself, not from r h. */
#define GATES_OF_H (GATES - RESET_BEFORE)

/* Gradients that backward carries to the previous step: of h, and of the LSTM's c; for the GRU with
   RESET_BEFORE also that of r h. */
#define CARRIED (1 + (CELL == LSTM) + RESET_BEFORE)

/* The offset of a vector of 16 units, with `count` numbers per unit and sample. */
inline uint place(uint unit, uint count, uint which, uint sample) {
  return ((unit / 16 * count + which) * SAMPLES + sample) * 16;
}

/* The number of steps that backward runs before it computes their contribution to the gradients of
   the weights. */
#define STEPS 14

/* The data of a tile in backward. */
typedef struct {
  uint steps, reverse, padded, in_padded;
  global const float *saved; /* of all time steps, saved_size apart */
  uint saved_size;
  global float *grads, *inputs; /* of STEPS steps, grads_size and inputs_size apart */
  uint grads_size, inputs_size;
  global float *carry;
} tile_state;

inline uint time_of(const tile_state *t, uint step) {
  return t->reverse ? t->steps - 1 - step : step;
}

/* The data saved by a step, and by the previous one; at the first step its own, which isn't
   read. */
inline global const float *saved_of(const tile_state *t, uint step) {
  return t->saved + (size_t)time_of(t, step) * t->saved_size;
}
inline global const float *saved_before(const tile_state *t, uint step) {
  return saved_of(t, step > 0 ? step - 1 : step);
}

/* exp(x) - 1, with an error below 2e-7, for -87 <= x <= `most` < 88; other x are clamped to this
   range. With k = round(x / ln 2) and r = x - k ln 2 it is 2^k (exp(r) - 1) + (2^k - 1), where
   exp(r) - 1 is a truncated series. NaN is propagated. */
inline real exp_less_one(real x, float most) {
  const float shifter = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
  x = x > (real)(most) ? (real)(most) : x;
  x = x < (real)(-87.0f) ? (real)(-87.0f) : x;
  const real shifted = MULTIPLY_ADD(x, (real)(1.44269504f), (real)(shifter)), k = shifted - shifter;
  const real r = MULTIPLY_ADD(k, (real)(2.12194440e-4f), MULTIPLY_ADD(k, (real)(-0.693359375f), x));
  real p = MULTIPLY_ADD(r, (real)(1.0f / 5040), (real)(1.0f / 720));
  p = MULTIPLY_ADD(r, p, (real)(1.0f / 120));
  p = MULTIPLY_ADD(r, p, (real)(1.0f / 24));
  p = MULTIPLY_ADD(r, p, (real)(1.0f / 6));
  p = MULTIPLY_ADD(r, p, (real)(0.5f));
  p = MULTIPLY_ADD(r * r, p, r);
  const real power = as_real((as_whole(shifted) << 23) + as_whole((real)(1.0f)));
  return MULTIPLY_ADD(power, p, power - 1.0f);
}

inline real tanh_of(real x) {
  const real e = exp_less_one(2.0f * x, 40.0f);
  return e / (e + 2.0f);
}

/* NaN is propagated here, too. */
inline real sigmoid(real x) {
#if HARD_SIGMOID
  const real y = 0.2f * x + 0.5f;
  return y < (real)(0.0f) ? (real)(0.0f) : y > (real)(1.0f) ? (real)(1.0f) : y;
#else
  return 1.0f / (2.0f + exp_less_one(-x, 87.0f));
#endif
}

/* The derivative of the sigmoid, from its value. */
inline real sigmoid_slope(real y) {
#if HARD_SIGMOID
  return y > (real)(0.0f) && y < (real)(1.0f) ? (real)(0.2f) : (real)(0.0f);
#else
  return y * (1.0f - y);
#endif
}

inline real tanh_slope(real y) {
  return 1.0f - y * y;
}

/* The end of a GRU's step: interpolates between n and the previous state. */
inline real blend(real z, real n, real h) {
  return n + z * (h - n);
}

/* Computes what is saved from the sums of a step and the previous state, `h` and the LSTM's `c`.
   With RESET_BEFORE the GRU's step isn't complete: n is only its part of x, and there is no new
   state yet. */
inline void cell_forward(const real *sums, real h, real c, real *saved) {
#if CELL == RNN
  saved[0] = tanh_of(sums[0]);
#elif CELL == GRU
  saved[1] = sigmoid(sums[RESET_AFTER]);
  saved[2] = sigmoid(sums[RESET_AFTER + 1]);
#if RESET_BEFORE
  saved[3] = sums[2];
  saved[4] = saved[1] * h;
#else
  saved[3] = tanh_of(sums[0] + saved[1] * sums[3]);
  saved[4] = sums[3];
  saved[0] = blend(saved[2], saved[3], h);
#endif
#else
  saved[2] = sigmoid(sums[0]);
  saved[3] = sigmoid(sums[1]);
  saved[4] = tanh_of(sums[2]);
  saved[5] = sigmoid(sums[3]);
  saved[1] = saved[3] * c + saved[2] * saved[4];
  saved[0] = saved[5] * tanh_of(saved[1]);
#endif
}

/* Computes the gradients of the sums, and the part of the previous state's gradient that doesn't go
   through a product, from what a step saved, the previous state and the gradient of the new one,
   `d_h` and the LSTM's `carried[1]`. With RESET_BEFORE the GRU's r is omitted. */
inline void cell_backward(const real *saved, real h, real c, real d_h, real *carried, real *grads) {
#if CELL == RNN
  grads[0] = d_h * tanh_slope(saved[0]);
  carried[0] = 0.0f;
#elif CELL == GRU
  const real r = saved[1], z = saved[2], n = saved[3];
  const real d_n = d_h * (1.0f - z) * tanh_slope(n), d_z = d_h * (h - n) * sigmoid_slope(z);
  carried[0] = d_h * z;
#if RESET_BEFORE
  grads[1] = d_z;
  grads[2] = d_n;
#else
  grads[0] = d_n;
  grads[1] = d_n * saved[4] * sigmoid_slope(r);
  grads[2] = d_z;
  grads[3] = d_n * r;
#endif
#else
  const real i = saved[2], f = saved[3], g = saved[4], o = saved[5], tanh_c = tanh_of(saved[1]);
  const real d_c = carried[1] + d_h * o * tanh_slope(tanh_c);
  grads[0] = d_c * g * sigmoid_slope(i);
  grads[1] = d_c * c * sigmoid_slope(f);
  grads[2] = d_c * i * tanh_slope(g);
  grads[3] = d_h * tanh_c * sigmoid_slope(o);
  carried[0] = 0.0f;
  carried[1] = d_c * f;
#endif
}
