/** Packing and products of the blocks of attention. */
#include "backends/cpu/attention/attention_blocks.h"
#include "backends/cpu/gemm/pack.h"

void dg_attention_pack(size_t rows, size_t width, const float *from, size_t from_row,
                       float *panels) {
  for (size_t c = 0; c < width; c += DG_TILE_WIDTH)
    dg_pack_rows(rows, dg_panel_columns(width - c), from + c, from_row, panels + c * rows);
}

void dg_attention_pack_transposed(size_t rows, size_t width, const float *from, size_t from_row,
                                  float *panels) {
  for (size_t r = 0; r < rows; r += DG_TILE_WIDTH)
    dg_pack_columns(width, dg_panel_columns(rows - r), from + r * from_row, from_row,
                    panels + r * width);
}

void dg_attention_multiply(size_t rows, size_t columns, size_t packed, size_t depth, const float *a,
                           size_t a_row, const float *b, float *c) {
  for (size_t v = 0; v < columns; v += DG_TILE_WIDTH) {
    const size_t width = dg_panel_width(dg_panel_columns(packed - v));
    for (size_t r = 0, tile; r < rows; r += tile) {
      tile = dg_tile_height(rows - r);
      dg_micro_kernel(tile, width, depth, a + r * a_row, a_row, b + v * depth,
                      c + r * DG_ATTENTION_KEYS + v, DG_ATTENTION_KEYS);
    }
  }
}

void dg_attention_add(size_t rows, size_t columns, size_t depth, const float *a, size_t a_row,
                      const dg_attention_panels *to) {
  for (size_t v = 0; v < columns; v += DG_TILE_WIDTH) {
    const size_t width = dg_panel_width(dg_panel_columns(columns - v));
    for (size_t r = 0, tile; r < rows; r += tile) {
      tile = dg_tile_height(rows - r);
      dg_micro_kernel_packed(true, tile, width, depth, a + r * a_row, a_row, to->b + v * to->b_rows,
                             to->c + v * to->c_rows + (to->first + r) * width);
    }
  }
}

void dg_attention_add_transposed(size_t rows, size_t columns, size_t depth, const float *a,
                                 size_t a_row, const dg_attention_panels *to) {
  for (size_t v = 0; v < columns; v += DG_TILE_WIDTH) {
    const size_t width = dg_panel_width(dg_panel_columns(columns - v));
    for (size_t r = 0, tile; r < rows; r += tile) {
      tile = dg_tile_height(rows - r);
      dg_micro_kernel_transposed(tile, width, depth, a + r, a_row, to->b + v * to->b_rows,
                                 to->c + v * to->c_rows + (to->first + r) * width);
    }
  }
}
