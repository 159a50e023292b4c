/**
 * A polynomial of degree < 6 is determined by its values at six points; the value at infinity is
 * its highest coefficient. With points in pairs of opposite signs, even and odd coefficients can be
 * evaluated separately.
 */
#include "backends/cpu/conv2d/winograd/winograd.h"
#include "backends/cpu/gemm/micro_kernel.h"

#define INLINE static inline __attribute__((always_inline))

/** The points a and b, and their squares. */
static const float A = 0.70710678f, B = 1.41421356f, A2 = 0.5f, B2 = 2;

/** The factors of a kernel's values at 0, +-a, +-b, infinity: 1 / the product of the point's
    differences from the other points. */
static const float factor[DG_WINO_SIDE] = {1, -1 / 1.5f, -1 / 1.5f, 1 / 6.0f, 1 / 6.0f, 1};

typedef dg_vector six[DG_WINO_SIDE];

/** The values of the polynomial with the `count` coefficients c, 2 <= count <= 5. */
INLINE void evaluate(const size_t count, const dg_vector *c, dg_vector *value) {
  dg_vector even_a = c[0], even_b = c[0], odd_a = c[1], odd_b = c[1];
  if (count > 4) {
    even_a += A2 * (c[2] + A2 * c[4]), even_b += B2 * (c[2] + B2 * c[4]);
  } else if (count > 2) {
    even_a += A2 * c[2], even_b += B2 * c[2];
  }
  if (count > 3) odd_a += A2 * c[3], odd_b += B2 * c[3];
  value[0] = c[0];
  value[1] = even_a + A * odd_a, value[2] = even_a - A * odd_a;
  value[3] = even_b + B * odd_b, value[4] = even_b - B * odd_b;
  value[5] = c[count - 1];
}

/** The transpose of evaluate. */
INLINE void combine(const size_t count, const dg_vector *value, dg_vector *c) {
  dg_vector even_a = value[1] + value[2], odd_a = A * (value[1] - value[2]);
  dg_vector even_b = value[3] + value[4], odd_b = B * (value[3] - value[4]);
  c[0] = value[0] + even_a + even_b;
  c[1] = odd_a + odd_b;
  if (count > 2) c[2] = A2 * even_a + B2 * even_b;
  if (count > 3) c[3] = A2 * odd_a + B2 * odd_b;
  if (count > 4) c[4] = A2 * A2 * even_a + B2 * B2 * even_b;
  c[count - 1] += value[5];
}

/** The input transform: the transpose of interpolation, except for `factor`. */
INLINE void transform_line(const dg_vector *x, dg_vector *value) {
  dg_vector even_a = x[4] - B2 * x[2], odd_a = A * (x[3] - B2 * x[1]);
  dg_vector even_b = x[4] - A2 * x[2], odd_b = B * (x[3] - A2 * x[1]);
  value[0] = x[4] + (A2 * B2) * x[0] - (A2 + B2) * x[2];
  value[1] = even_a + odd_a, value[2] = even_a - odd_a;
  value[3] = even_b + odd_b, value[4] = even_b - odd_b;
  value[5] = x[5] + (A2 * B2) * x[1] - (A2 + B2) * x[3];
}

INLINE dg_vector load(const float *from) {
  return *(const dg_vector *)from;
}

INLINE void store(float *to, dg_vector x) {
  *(dg_vector *)to = x;
}

void dg_wino_input_transform(const float *image, size_t row, float *transformed, size_t step) {
  six column[DG_WINO_SIDE];
  for (size_t x = 0; x < DG_WINO_SIDE; x++) {
    six in;
    for (size_t y = 0; y < DG_WINO_SIDE; y++) in[y] = load(image + y * row + x * DG_VECTOR);
    transform_line(in, column[x]);
  }
  for (size_t i = 0; i < DG_WINO_SIDE; i++) {
    six in, out;
    for (size_t x = 0; x < DG_WINO_SIDE; x++) in[x] = column[x][i];
    transform_line(in, out);
    for (size_t j = 0; j < DG_WINO_SIDE; j++)
      store(transformed + (i * DG_WINO_SIDE + j) * step, out[j]);
  }
}

INLINE void output_transform(const size_t side, const float *transformed, size_t step, float *out,
                             size_t row) {
  six line[DG_WINO_SIDE];
  for (size_t i = 0; i < DG_WINO_SIDE; i++) {
    six in;
    for (size_t j = 0; j < DG_WINO_SIDE; j++)
      in[j] = load(transformed + (i * DG_WINO_SIDE + j) * step);
    combine(side, in, line[i]);
  }
  for (size_t x = 0; x < side; x++) {
    six in, column;
    for (size_t i = 0; i < DG_WINO_SIDE; i++) in[i] = line[i][x];
    combine(side, in, column);
    for (size_t y = 0; y < side; y++) store(out + y * row + x * DG_VECTOR, column[y]);
  }
}

void dg_wino_output_transform(size_t side, const float *transformed, size_t step, float *out,
                              size_t row) {
  if (side == 4)
    output_transform(4, transformed, step, out, row);
  else if (side == 3)
    output_transform(3, transformed, step, out, row);
  else
    output_transform(2, transformed, step, out, row);
}

INLINE void output_transform_backward(const size_t side, const float *d_out, size_t row,
                                      float *transformed, size_t step) {
  six column[DG_WINO_SIDE];
  for (size_t x = 0; x < side; x++) {
    six in;
    for (size_t y = 0; y < side; y++) in[y] = load(d_out + y * row + x * DG_VECTOR);
    evaluate(side, in, column[x]);
  }
  for (size_t i = 0; i < DG_WINO_SIDE; i++) {
    six in, out;
    for (size_t x = 0; x < side; x++) in[x] = column[x][i];
    evaluate(side, in, out);
    for (size_t j = 0; j < DG_WINO_SIDE; j++)
      store(transformed + (i * DG_WINO_SIDE + j) * step, out[j]);
  }
}

void dg_wino_output_transform_backward(size_t side, const float *d_out, size_t row,
                                       float *transformed, size_t step) {
  if (side == 4)
    output_transform_backward(4, d_out, row, transformed, step);
  else
    output_transform_backward(2, d_out, row, transformed, step);
}

INLINE void weight_transform(const size_t side, const float *taps, float *transformed,
                             size_t step) {
  six column[DG_WINO_SIDE];
  for (size_t x = 0; x < side; x++) {
    six in;
    for (size_t y = 0; y < side; y++) in[y] = load(taps + (y * side + x) * DG_VECTOR);
    evaluate(side, in, column[x]);
  }
  for (size_t i = 0; i < DG_WINO_SIDE; i++) {
    six in, out;
    for (size_t x = 0; x < side; x++) in[x] = column[x][i];
    evaluate(side, in, out);
    for (size_t j = 0; j < DG_WINO_SIDE; j++)
      store(transformed + (i * DG_WINO_SIDE + j) * step, factor[i] * factor[j] * out[j]);
  }
}

void dg_wino_weight_transform(size_t side, const float *taps, float *transformed, size_t step) {
  if (side == 3)
    weight_transform(3, taps, transformed, step);
  else if (side == 4)
    weight_transform(4, taps, transformed, step);
  else
    weight_transform(5, taps, transformed, step);
}

INLINE void weight_transform_backward(const size_t side, const float *transformed, size_t step,
                                      float *taps) {
  six line[DG_WINO_SIDE];
  for (size_t i = 0; i < DG_WINO_SIDE; i++) {
    six in;
    for (size_t j = 0; j < DG_WINO_SIDE; j++)
      in[j] = factor[i] * factor[j] * load(transformed + (i * DG_WINO_SIDE + j) * step);
    combine(side, in, line[i]);
  }
  for (size_t x = 0; x < side; x++) {
    six in, column;
    for (size_t i = 0; i < DG_WINO_SIDE; i++) in[i] = line[i][x];
    combine(side, in, column);
    for (size_t y = 0; y < side; y++) store(taps + (y * side + x) * DG_VECTOR, column[y]);
  }
}

void dg_wino_weight_transform_backward(size_t side, const float *transformed, size_t step,
                                       float *taps) {
  if (side == 3)
    weight_transform_backward(3, transformed, step, taps);
  else
    weight_transform_backward(5, transformed, step, taps);
}
