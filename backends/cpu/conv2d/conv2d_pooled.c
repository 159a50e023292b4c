#include "backends/cpu/conv2d/conv2d_pooled.h"

#include "backends/cpu/elementwise/act.h"
#include "backends/cpu/gemm/micro_kernel.h"
#include "backends/cpu/pool/pool2d.h"

/** Columns of sums, and outputs, that are computed at a time. */
enum { COLUMNS = 2 * DG_VECTOR, WINDOWS = DG_VECTOR };

/** Filters whose sums fit into registers: two vectors of two rows for each. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define FILTER_COUNTS(X) X(1) X(2) X(3) X(4) X(5) X(6)
enum { FILTERS = 6 };
#else
#define FILTER_COUNTS(X) X(1) X(2) X(3)
enum { FILTERS = 3 };
#endif

/** Of two vectors, one after the other. */
#if defined(__AVX512F__)
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD_LANES 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#elif defined(__AVX2__)
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14
#define ODD_LANES 1, 3, 5, 7, 9, 11, 13, 15
#else
#define EVEN_LANES 0, 2, 4, 6
#define ODD_LANES 1, 3, 5, 7
#endif

/** Of one filter. */
typedef float two_rows[2][COLUMNS];

/** The sums of `filters` <= FILTERS, a constant after inlining. */
static inline __attribute__((always_inline)) void sum_block(const int filters,
                                                            const dg_correlation *k,
                                                            const float *from, const float *weights,
                                                            const float *bias, two_rows *sums) {
  dg_vector sum[FILTERS][2][2] = {0};
  for (size_t t = 0; t < k->taps; t++) {
    const float *upper = from + k->tap[t], *lower = upper + k->row_step;
    const dg_vector x[2][2] = {
        {*(const dg_vector *)upper, *(const dg_vector *)(upper + DG_VECTOR)},
        {*(const dg_vector *)lower, *(const dg_vector *)(lower + DG_VECTOR)}};
    for (int f = 0; f < filters; f++)
      for (int i = 0; i < 4; i++)
        sum[f][i / 2][i % 2] += weights[(size_t)f * k->taps + t] * x[i / 2][i % 2];
  }
  for (int f = 0; f < filters; f++)
    for (int i = 0; i < 4; i++)
      *(dg_vector *)&sums[f][i / 2][i % 2 * DG_VECTOR] =
          sum[f][i / 2][i % 2] + (bias ? bias[f] : 0);
}

static void sum_filters(size_t filters, const dg_correlation *k, const float *from,
                        const float *weights, const float *bias, two_rows *sums) {
  switch (filters) {
#define SUM(n)                                                                                     \
  case n:                                                                                          \
    sum_block(n, k, from, weights, bias, sums);                                                    \
    break;
    FILTER_COUNTS(SUM)
#undef SUM
  }
}

/** A vector of integers: indices, or masks. */
typedef int32_t places __attribute__((vector_size(sizeof(dg_vector))));

/** Where y is larger than x, by the definition of dg_is_larger. */
static inline places is_larger(dg_vector y, dg_vector x) {
  return (y > x) | ((y != y) & (x == x));
}

static inline places choose_places(places mask, places yes, places no) {
  return (mask & yes) | (~mask & no);
}

static inline dg_vector choose(places mask, dg_vector yes, dg_vector no) {
  return (dg_vector)choose_places(mask, (places)yes, (places)no);
}

/** The maxima of two rows, a vector of columns, and the row that each comes from: 0 or 2. */
static inline dg_vector larger_row(const two_rows x, int v, places *row) {
  dg_vector upper = *(const dg_vector *)(x[0] + v * DG_VECTOR);
  dg_vector lower = *(const dg_vector *)(x[1] + v * DG_VECTOR);
  places take = is_larger(lower, upper);
  *row = take & 2;
  return choose(take, lower, upper);
}

/** The maximum of each window; place: its index in the window, the first of equal ones. */
static inline dg_vector max_windows(const two_rows x, places *place) {
  places rows[2];
  dg_vector high[2];
  for (int v = 0; v < 2; v++) high[v] = larger_row(x, v, &rows[v]);
  dg_vector left = __builtin_shufflevector(high[0], high[1], EVEN_LANES);
  dg_vector ok = __builtin_shufflevector(high[0], high[1], ODD_LANES);
  places left_place = __builtin_shufflevector(rows[0], rows[1], EVEN_LANES);
  places right_place = __builtin_shufflevector(rows[0], rows[1], ODD_LANES) + 1;
  places equal = (ok == left) | ((ok != ok) & (left != left));
  places take = is_larger(ok, left) | (equal & (right_place < left_place));
  *place = choose_places(take, right_place, left_place);
  return choose(take, ok, left);
}

enum { HALF = WINDOWS / 2 };

/** Half of the windows' results, at any address. */
typedef float half_floats __attribute__((vector_size(HALF * sizeof(float)), aligned(4), may_alias));
typedef uint8_t half_bytes __attribute__((vector_size(HALF), aligned(1), may_alias));
typedef uint8_t bytes __attribute__((vector_size(WINDOWS), may_alias));

/** Stores the first `count` <= WINDOWS of them: usually as two halves that overlap. */
static inline void copy_floats(const float *from, size_t count, float *to) {
  for (size_t i = 0; i < (count < HALF ? count : 0); i++) to[i] = from[i];
  if (count < HALF) return;
  *(half_floats *)to = *(const half_floats *)from;
  *(half_floats *)(to + count - HALF) = *(const half_floats *)(from + count - HALF);
}

static inline void copy_bytes(const uint8_t *from, size_t count, uint8_t *to) {
  for (size_t i = 0; i < (count < HALF ? count : 0); i++) to[i] = from[i];
  if (count < HALF) return;
  *(half_bytes *)to = *(const half_bytes *)from;
  *(half_bytes *)(to + count - HALF) = *(const half_bytes *)(from + count - HALF);
}

/** Pools the first `count` windows of two rows of a filter. */
static inline void store_windows(const two_rows x, size_t count, float *y, uint8_t *saved) {
  places place;
  dg_vector value = max_windows(x, &place);
  copy_floats((const float *)&value, count, y);
  if (!saved) return;
  bytes of_place = __builtin_convertvector(place, bytes);
  copy_bytes((const uint8_t *)&of_place, count, saved);
}

void dg_conv_pooled(const dg_correlation *k, const dg_conv_epilogue *e, dg_span rows,
                    const float *padded, const float *weights, const float *bias, float *out,
                    uint8_t *saved) {
  two_rows sums[FILTERS];
  size_t plane = e->out_h * e->out_w, blocks = (k->channels + FILTERS - 1) / FILTERS;
  for (size_t y = rows.begin; y < rows.end; y++)
    for (size_t x = 0; x < e->out_w; x += WINDOWS) {
      const float *from = padded + 2 * y * k->row_step + 2 * x;
      size_t count = e->out_w - x < WINDOWS ? e->out_w - x : WINDOWS;
      for (size_t b = 0; b < blocks; b++) {
        size_t first = k->channels * b / blocks, filters = k->channels * (b + 1) / blocks - first;
        size_t at = first * plane + y * e->out_w + x;
        sum_filters(filters, k, from, weights + first * k->taps, bias ? bias + first : NULL, sums);
        dg_act_forward(e->act, filters * 2 * COLUMNS, sums[0][0], sums[0][0]);
        for (size_t f = 0; f < filters; f++)
          store_windows(sums[f], count, out + at + f * plane,
                        saved ? saved + at + f * plane : NULL);
      }
    }
}
