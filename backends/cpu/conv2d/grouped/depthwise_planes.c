/** Copies of planes of depthwise convolutions. */
#include <string.h>

#include "backends/cpu/conv2d/grouped/depthwise.h"

#if defined(__AVX512F__)
#define FIRST 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define SECOND 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif defined(__AVX2__)
#define FIRST 0, 2, 4, 6, 8, 10, 12, 14
#define SECOND 1, 3, 5, 7, 9, 11, 13, 15
#define LOW 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#define FIRST 0, 2, 4, 6
#define SECOND 1, 3, 5, 7
#define LOW 0, 4, 1, 5
#define HIGH 2, 6, 3, 7
#endif

/** Columns i to i + 2 DG_VECTOR of a row, in steps of 2, sorted into phases that are `step` apart.
 */
static inline void split_two(const float *x, size_t i, size_t step, float *to) {
  const dg_vector a = *(const dg_vector *)(x + i), b = *(const dg_vector *)(x + i + DG_VECTOR);
  *(dg_vector *)(to + i / 2) = __builtin_shufflevector(a, b, FIRST);
  *(dg_vector *)(to + i / 2 + step) = __builtin_shufflevector(a, b, SECOND);
}

/** Sorts a row of columns into phases that are `step` apart. */
static void split_row(size_t width, size_t stride, const float *x, size_t step, float *to) {
  const size_t chunk = 2 * DG_VECTOR;
  size_t i = 0;
  if (stride == 2)
    for (; i + chunk <= width; i += chunk) split_two(x, i, step, to);
  if (i && i < width && width % 2 == 0) { /* some of these once more */
    split_two(x, width - chunk, step, to);
    return;
  }
  for (size_t phase = 0; phase < stride; phase++, to += step) /* i is a multiple of the stride */
    for (size_t q = i / stride; q * stride + phase < width; q++) to[q] = x[q * stride + phase];
}

void dg_depthwise_pad(const dg_grouped_conv2d_desc *d, const dg_depthwise_plan *plan,
                      const float *x, float *phases) {
  const size_t width = d->width, stride = plan->phases_w, plane = plan->x.floats;
  float *first = phases + plan->x.front;
  if (stride == 1 && plan->phases_h == 1 && width == plan->pitch) {
    memcpy(first, x, d->height * width * sizeof *x);
    return;
  }
  for (size_t y = 0; y < d->height; y++, x += width) {
    float *to = first + y % plan->phases_h * stride * plane + y / plan->phases_h * plan->pitch;
    if (stride == 1)
      memcpy(to, x, width * sizeof *x);
    else
      split_row(width, stride, x, plane, to);
  }
}

/** The other way. */
static inline void join_two(dg_grad_mode mode, const float *from, size_t i, size_t step, float *x) {
  const dg_vector a = *(const dg_vector *)(from + i / 2),
                  b = *(const dg_vector *)(from + i / 2 + step);
  dg_vector low = __builtin_shufflevector(a, b, LOW), high = __builtin_shufflevector(a, b, HIGH),
            *to = (dg_vector *)(x + i);
  if (mode == DG_GRAD_ADD) low += to[0], high += to[1];
  to[0] = low, to[1] = high;
}

static void join_row(size_t width, size_t stride, dg_grad_mode mode, const float *from, size_t step,
                     float *x) {
  const size_t chunk = 2 * DG_VECTOR;
  size_t i = 0;
  if (stride == 2)
    for (; i + chunk <= width; i += chunk) join_two(mode, from, i, step, x);
  if (i && i < width && width % 2 == 0 && mode == DG_GRAD_WRITE) { /* some of these once more */
    join_two(mode, from, width - chunk, step, x);
    return;
  }
  for (size_t phase = 0; phase < stride; phase++, from += step)
    for (size_t q = i / stride; q * stride + phase < width; q++) {
      float *to = x + q * stride + phase;
      *to = mode == DG_GRAD_ADD ? *to + from[q] : from[q];
    }
}

void dg_depthwise_unpad(const dg_grouped_conv2d_desc *d, const dg_depthwise_plan *plan,
                        size_t phase, dg_grad_mode mode, const float *rows, float *x) {
  const size_t step = plan->rows * plan->pitch;
  for (size_t y = phase; y < d->height; y += plan->phases_h, rows += plan->pitch)
    join_row(d->width, plan->phases_w, mode, rows, step, x + y * d->width);
}
