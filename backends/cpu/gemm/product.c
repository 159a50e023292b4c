/**
 * A product is cut into panels of columns and tiles of rows. The threads form a
 * grid over both; each packs the panels it needs into memory of its own, so
 * they never wait for each other.
 */
#include "backends/cpu/gemm/product.h"

#include <omp.h>

#include "backends/cpu/elementwise/act.h"
#include "backends/cpu/gemm/panel.h"
#include "backends/cpu/gemm/tile.h"
#include "backends/cpu/runtime/threads.h"

size_t dg_product_workspace(const dg_cpu_device *device, size_t depth) {
  return (size_t)device->threads * depth * DG_TILE_WIDTH * sizeof(float);
}

static size_t parts(size_t count, size_t size) {
  return (count + size - 1) / size;
}

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/**
 * Into how many shares of columns to cut, so that the largest block of a thread is small: as many
 * as make it smallest, or, by rows, no more than make it smaller by an eighth.
 */
static size_t column_shares(const dg_product *p, size_t threads) {
  size_t best = 1, least = SIZE_MAX;
  for (size_t shares = 1; shares <= threads; shares++) {
    size_t vectors = parts(parts(p->columns, DG_VECTOR), shares);
    size_t tiles = parts(parts(p->rows, DG_TILE_ROWS), threads / shares), size = vectors * tiles;
    bool better = p->by_rows ? size < least - least / 8 : size <= least;
    if (better) least = size, best = shares;
  }
  return best;
}

/** Share `index` of `shares` of [0, count), in units of `unit`. */
static dg_span share(size_t count, size_t unit, size_t shares, size_t index) {
  size_t units = parts(count, unit);
  return (dg_span){smaller(units * index / shares * unit, count),
                   smaller(units * (index + 1) / shares * unit, count)};
}

/** Brings a tile of the product, whose first element is (row, column), to its end. */
static void store(const dg_product *p, size_t row, size_t rows, size_t column, size_t columns,
                  float *tile) {
  if (p->bias) dg_add_row_bias(rows, p->bias + row, tile);
  dg_act_forward(p->act, rows * DG_TILE_WIDTH, tile, tile);
  if (p->c_transposed)
    dg_put_transposed(p->add, rows, columns, tile, p->c + column * p->c_row + row, p->c_row);
  else
    dg_put_rows(p->add, rows, columns, tile, p->c + row * p->c_row + column, p->c_row);
}

/** Is c the product as it comes from the tiles? */
static bool is_plain(const dg_product *p) {
  return !p->bias && p->act.kind == DG_ACT_NONE && !p->c_transposed && !p->add;
}

/** All tiles of one packed panel in a span of rows, and their dropout. */
static void run_panel(const dg_product *p, const float *panel, size_t column, size_t columns,
                      dg_span rows) {
  _Alignas(64) float tile[DG_TILE_ROWS * DG_TILE_WIDTH] = {0};
  size_t width = dg_panel_width(columns), height;
  bool direct = is_plain(p) && columns == width;
  for (size_t row = rows.begin; row < rows.end; row += height) {
    float *c = direct ? p->c + row * p->c_row + column : tile;
    size_t c_row = direct ? p->c_row : DG_TILE_WIDTH;
    height = dg_tile_height(rows.end - row);
    if (p->a_step)
      dg_tile_grouped(1, height, width, p->depth, p->a + row, 0, p->a_step, panel, c, c_row);
    else
      dg_tile_strided(height, width, p->depth, p->a + row * p->a_row, p->a_row, panel, c, c_row);
    if (!direct) store(p, row, height, column, columns, tile);
  }
  size_t count = rows.end - rows.begin;
  for (size_t v = column; v < (p->mask ? column + columns : column); v++) {
    float *c = p->c + v * p->c_row + rows.begin;
    dg_mask_put(p->mask, v, rows.begin, count, c, c, NULL);
  }
}

void dg_product_run(const dg_cpu_device *device, const dg_product *p, float *workspace) {
  int threads = dg_cpu_threads(device, p->rows * p->columns * p->depth / 2);
#pragma omp parallel num_threads(threads)
  {
    size_t all = (size_t)omp_get_num_threads(), thread = (size_t)omp_get_thread_num();
    size_t column_parts = column_shares(p, all), row_parts = all / column_parts;
    float *panel = workspace + thread * p->depth * DG_TILE_WIDTH;
    if (thread < column_parts * row_parts) {
      dg_span columns = share(p->columns, DG_VECTOR, column_parts, thread % column_parts);
      dg_span rows = share(p->rows, DG_TILE_ROWS, row_parts, thread / column_parts);
      for (size_t c = columns.begin; c < columns.end; c += DG_TILE_WIDTH) {
        size_t count = dg_panel_columns(columns.end - c);
        if (p->b_transposed)
          dg_pack_columns(p->depth, count, p->b + c * p->b_row, p->b_row, panel);
        else
          dg_pack_rows(p->depth, count, p->b + c, p->b_row, panel);
        run_panel(p, panel, c, count, rows);
      }
    }
  }
}
