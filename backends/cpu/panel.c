#include "backends/cpu/panel.h"

#include "backends/cpu/cpu.h"
#include "backends/cpu/tile.h"

#include <string.h>

/** Four neighbours anywhere in an array of floats. */
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

static void transpose_slowly(size_t rows, size_t columns, const float *from, size_t from_row,
                             float *to, size_t to_row) {
  for (size_t c = 0; c < columns; c++)
    for (size_t r = 0; r < rows; r++) to[c * to_row + r] = from[r * from_row + c];
}

void dg_transpose(size_t rows, size_t columns, const float *from, size_t from_row, float *to,
                  size_t to_row) {
  size_t whole_rows = rows / 4 * 4, whole_columns = columns / 4 * 4;
  for (size_t c = 0; c < whole_columns; c += 4)
    for (size_t r = 0; r < whole_rows; r += 4)
      transpose_4x4(from + r * from_row + c, from_row, to + c * to_row + r, to_row);
  transpose_slowly(rows, columns - whole_columns, from + whole_columns, from_row,
                   to + whole_columns * to_row, to_row);
  transpose_slowly(rows - whole_rows, whole_columns, from + whole_rows * from_row, from_row,
                   to + whole_rows, to_row);
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

void dg_put_rows(bool add, size_t rows, size_t columns, const float *tile, float *to,
                 size_t to_row) {
  for (size_t j = 0; j < rows; j++)
    dg_grad_put(add ? DG_GRAD_ADD : DG_GRAD_WRITE, columns, tile + j * DG_TILE_WIDTH,
                to + j * to_row);
}

void dg_put_transposed(bool add, size_t rows, size_t columns, const float *tile, float *to,
                       size_t to_row) {
  float turned[DG_TILE_WIDTH * DG_TILE_WIDTH];
  if (!add) {
    dg_transpose(rows, columns, tile, DG_TILE_WIDTH, to, to_row);
    return;
  }
  dg_transpose(rows, columns, tile, DG_TILE_WIDTH, turned, DG_TILE_WIDTH);
  for (size_t v = 0; v < columns; v++)
    dg_grad_put(DG_GRAD_ADD, rows, turned + v * DG_TILE_WIDTH, to + v * to_row);
}
