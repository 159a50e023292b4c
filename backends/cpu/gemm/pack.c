#include "backends/cpu/gemm/pack.h"

#include "backends/cpu/gemm/micro_kernel.h"
#include "backends/cpu/runtime/op.h"

#include <string.h>

/** Four adjacent floats at any address. */
typedef float four __attribute__((vector_size(16), aligned(4), may_alias));

static inline void transpose_4x4(const float *from, size_t from_row, float *to, size_t to_row) {
  four r0 = *(const four *)from, r1 = *(const four *)(from + from_row);
  four r2 = *(const four *)(from + 2 * from_row), r3 = *(const four *)(from + 3 * from_row);
  four low01 = __builtin_shufflevector(r0, r1, 0, 4, 1, 5);
  four low23 = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
  four high01 = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
  four high23 = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
  *(four *)to = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
  *(four *)(to + to_row) = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
  *(four *)(to + 2 * to_row) = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
  *(four *)(to + 3 * to_row) = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
}

#ifdef __AVX512F__
typedef float eight __attribute__((vector_size(32), aligned(4), may_alias));

/** Loads four adjacent floats from each of four rows. */
static inline dg_vector four_rows(const float *from, size_t row) {
  four r0 = *(const four *)from, r1 = *(const four *)(from + row);
  four r2 = *(const four *)(from + 2 * row), r3 = *(const four *)(from + 3 * row);
  eight low = __builtin_shufflevector(r0, r1, 0, 1, 2, 3, 4, 5, 6, 7);
  eight high = __builtin_shufflevector(r2, r3, 0, 1, 2, 3, 4, 5, 6, 7);
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

/** transpose_4x4 in each quarter of the vectors. */
static inline void transpose_16x4(const float *from, size_t from_row, float *to, size_t to_row) {
  dg_vector r0 = four_rows(from, 4 * from_row), r1 = four_rows(from + from_row, 4 * from_row);
  dg_vector r2 = four_rows(from + 2 * from_row, 4 * from_row);
  dg_vector r3 = four_rows(from + 3 * from_row, 4 * from_row);
#define PAIRS(a, b, i)                                                                             \
  __builtin_shufflevector(a, b, i, i + 16, i + 1, i + 17, i + 4, i + 20, i + 5, i + 21, i + 8,     \
                          i + 24, i + 9, i + 25, i + 12, i + 28, i + 13, i + 29)
#define HALVES(a, b, i)                                                                            \
  __builtin_shufflevector(a, b, i, i + 1, i + 16, i + 17, i + 4, i + 5, i + 20, i + 21, i + 8,     \
                          i + 9, i + 24, i + 25, i + 12, i + 13, i + 28, i + 29)
  dg_vector low01 = PAIRS(r0, r1, 0), low23 = PAIRS(r2, r3, 0);
  dg_vector high01 = PAIRS(r0, r1, 2), high23 = PAIRS(r2, r3, 2);
  *(dg_vector *)to = HALVES(low01, low23, 0);
  *(dg_vector *)(to + to_row) = HALVES(low01, low23, 2);
  *(dg_vector *)(to + 2 * to_row) = HALVES(high01, high23, 0);
  *(dg_vector *)(to + 3 * to_row) = HALVES(high01, high23, 2);
#undef PAIRS
#undef HALVES
}

#endif

static void transpose_slowly(size_t rows, size_t columns, const float *from, size_t from_row,
                             float *to, size_t to_row) {
  for (size_t c = 0; c < columns; c++)
    for (size_t r = 0; r < rows; r++) to[c * to_row + r] = from[r * from_row + c];
}

/** All rows, at least four, of four columns; the last block overlaps the previous one. */
static inline void transpose_strip(size_t rows, const float *from, size_t from_row, float *to,
                                   size_t to_row) {
  size_t r = 0;
#ifdef __AVX512F__
  for (; r + 16 <= rows; r += 16) transpose_16x4(from + r * from_row, from_row, to + r, to_row);
#endif
  for (; r + 4 <= rows; r += 4) transpose_4x4(from + r * from_row, from_row, to + r, to_row);
  if (r < rows) transpose_4x4(from + (rows - 4) * from_row, from_row, to + rows - 4, to_row);
}

void dg_transpose(size_t rows, size_t columns, const float *from, size_t from_row, float *to,
                  size_t to_row) {
  if (rows < 4 || columns < 4) {
    transpose_slowly(rows, columns, from, from_row, to, to_row);
    return;
  }
  size_t c = 0;
  for (; c + 4 <= columns; c += 4)
    transpose_strip(rows, from + c, from_row, to + c * to_row, to_row);
  if (c < columns)
    transpose_strip(rows, from + columns - 4, from_row, to + (columns - 4) * to_row, to_row);
}

void dg_pack_rows(size_t depth, size_t columns, const float *from, size_t from_row, float *panel) {
  size_t width = dg_panel_width(columns);
  for (size_t k = 0; k < depth; k++, from += from_row, panel += width) {
    if (columns == DG_TILE_WIDTH) {
      memcpy(panel, from, DG_TILE_WIDTH * sizeof *panel);
    } else {
      for (size_t v = 0; v < columns; v++) panel[v] = from[v];
      for (size_t v = columns; v < width; v++) panel[v] = 0;
    }
  }
}

void dg_pack_columns(size_t depth, size_t columns, const float *from, size_t from_row,
                     float *panel) {
  size_t width = dg_panel_width(columns);
  dg_transpose(columns, depth, from, from_row, panel, width);
  for (size_t k = 0; k < depth && columns < width; k++)
    for (size_t v = columns; v < width; v++) panel[k * width + v] = 0;
}

void dg_add_row_bias(size_t rows, const float *bias, float *tile) {
  for (size_t j = 0; j < rows; j++)
    for (size_t v = 0; v < DG_TILE_WIDTH; v++) tile[j * DG_TILE_WIDTH + v] += bias[j];
}

void dg_add_column_bias(size_t rows, size_t columns, const float *bias, float *tile) {
  for (size_t j = 0; j < rows; j++)
    for (size_t v = 0; v < columns; v++) tile[j * DG_TILE_WIDTH + v] += bias[v];
}

void dg_store_rows(bool add, size_t rows, size_t columns, const float *tile, float *to,
                   size_t to_row) {
  for (size_t j = 0; j < rows; j++)
    dg_grad_store(add ? DG_GRAD_ADD : DG_GRAD_WRITE, columns, tile + j * DG_TILE_WIDTH,
                  to + j * to_row);
}

void dg_store_transposed(bool add, size_t rows, size_t columns, const float *tile, float *to,
                         size_t to_row) {
  enum { ROW = (int)DG_TILE_ROWS > (int)DG_TILE_WIDTH ? (int)DG_TILE_ROWS : (int)DG_TILE_WIDTH };
  float transposed[DG_TILE_WIDTH * ROW];
  if (!add) {
    dg_transpose(rows, columns, tile, DG_TILE_WIDTH, to, to_row);
    return;
  }
  dg_transpose(rows, columns, tile, DG_TILE_WIDTH, transposed, ROW);
  for (size_t v = 0; v < columns; v++)
    dg_grad_store(DG_GRAD_ADD, rows, transposed + v * ROW, to + v * to_row);
}
