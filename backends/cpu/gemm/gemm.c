/**
 * A product is cut into blocks of rows, groups of panels of columns, and parts of a block's rows: a
 * piece is a part of a block in a group. The worker of a piece packs the panels that it needs into
 * its own memory, so no thread waits for another; the next piece uses the same panel or the next
 * one.
 */
#include "backends/cpu/gemm/gemm.h"

#include "backends/cpu/elementwise/act.h"
#include "backends/cpu/gemm/micro_kernel.h"
#include "backends/cpu/gemm/pack.h"
#include "backends/cpu/runtime/pieces.h"

static size_t parts(size_t count, size_t size) {
  return (count + size - 1) / size;
}

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/* ---- the grid ----------------------------------------------------------- */

/** The partition of a product: blocks, groups in each, parts in each of these. */
typedef struct {
  size_t blocks, groups, parts;
} grid;

/** Several pieces per thread, so that it has its own panels or, by rows, its own block. Blocks are
    cut into parts if there are too few panels. */
static grid grid_of(const dg_cpu_device *device, const dg_gemm *p) {
  enum { PIECES_OF_THREAD = 4 };
  size_t panels = dg_panel_count(p->columns), tiles = parts(p->rows, DG_TILE_ROWS);
  size_t useful = dg_cpu_pieces(panels * tiles, p->rows * p->columns * p->depth / 2);
  size_t threads = smaller(useful, (size_t)device->threads);
  if (threads == 1) return (grid){1, 1, 1};
  size_t pieces = threads * smaller(useful / threads, PIECES_OF_THREAD);
  grid g = {.blocks = p->by_rows ? smaller(threads, tiles) : 1};
  g.groups = smaller(panels, pieces / g.blocks);
  size_t wanted = parts(p->packed ? pieces : threads, g.blocks * g.groups);
  g.parts = smaller(tiles / g.blocks, wanted);
  return g;
}

/* ---- a piece ------------------------------------------------------------ */

/** Stores a tile of the product, whose first element is (row, column), with its epilogue. */
static void store(const dg_gemm *p, size_t row, size_t rows, size_t column, size_t columns,
                  float *tile) {
  if (p->bias) dg_add_row_bias(rows, p->bias + row, tile);
  if (p->column_bias) dg_add_column_bias(rows, columns, p->column_bias + column, tile);
  dg_act_forward(p->act, rows * DG_TILE_WIDTH, tile, tile);
  if (p->c_transposed)
    dg_store_transposed(p->add, rows, columns, tile, p->c + column * p->c_row + row, p->c_row);
  else
    dg_store_rows(p->add, rows, columns, tile, p->c + row * p->c_row + column, p->c_row);
}

/** Is the tile stored to c unchanged? */
static bool is_plain(const dg_gemm *p) {
  return !p->bias && !p->column_bias && p->act.kind == DG_ACT_NONE && !p->c_transposed && !p->add;
}

/** Computes all tiles of one packed panel in a span of rows, and their dropout. */
static void run_panel(const dg_gemm *p, const float *panel, size_t column, size_t columns,
                      dg_span rows) {
  _Alignas(64) float tile[DG_TILE_ROWS * DG_TILE_WIDTH] = {0};
  size_t width = dg_panel_width(columns), height;
  bool direct = is_plain(p) && columns == width;
  for (size_t row = rows.begin; row < rows.end; row += height) {
    float *c = direct ? p->c + row * p->c_row + column : tile;
    size_t c_row = direct ? p->c_row : DG_TILE_WIDTH;
    height = dg_tile_height(rows.end - row);
    if (p->a_step)
      dg_micro_kernel_grouped(1, height, width, p->depth, p->a + row, 0, p->a_step, panel, c,
                              c_row);
    else
      dg_micro_kernel(height, width, p->depth, p->a + row * p->a_row, p->a_row, panel, c, c_row);
    if (!direct) store(p, row, height, column, columns, tile);
  }
  size_t count = rows.end - rows.begin;
  for (size_t v = column; v < (p->drops ? column + columns : column); v++) {
    float *c = p->c + v * p->c_row + rows.begin;
    dg_mask_apply(&p->mask, v, rows.begin, count, c, c, NULL);
  }
}

/** A product and its workspace. */
typedef struct {
  dg_gemm product;
  grid grid;
  float *panels; /**< panels of each worker */
  uint64_t run;  /**< unique for every product */
} product_run;

/** A packed panel: the worker packs it, unless it is the one that it packed last. */
static const float *panel_of(const product_run *r, size_t worker, size_t column, size_t columns) {
  const dg_gemm *p = &r->product;
  if (p->panels) return p->panels + column * p->depth;
  float *panel = r->panels + worker * p->depth * DG_TILE_WIDTH;
  dg_gemm_packed *last = p->packed ? &p->packed[worker] : NULL;
  dg_gemm_packed now = {r->run, column + columns};
  if (last && last->run == now.run && last->end == now.end) return panel;
  if (last) *last = now;
  if (p->b_transposed)
    dg_pack_columns(p->depth, columns, p->b + column * p->b_row, p->b_row, panel);
  else
    dg_pack_rows(p->depth, columns, p->b + column, p->b_row, panel);
  return panel;
}

static void run_piece(const void *context, size_t piece, size_t worker) {
  const product_run *r = context;
  const dg_gemm *p = &r->product;
  grid g = r->grid;
  size_t part = piece % g.parts, group = piece / g.parts % g.groups;
  size_t block = piece / g.parts / g.groups;
  dg_span rows = dg_cpu_grains(p->rows, DG_TILE_ROWS, g.blocks * g.parts, block * g.parts + part);
  dg_span columns = dg_cpu_grains(p->columns, DG_TILE_WIDTH, g.groups, group);
  for (size_t c = columns.begin; c < columns.end; c += DG_TILE_WIDTH) {
    size_t count = dg_panel_columns(columns.end - c);
    run_panel(p, panel_of(r, worker, c, count), c, count, rows);
  }
}

size_t dg_gemm_workspace(const dg_cpu_device *device, size_t depth) {
  return (size_t)device->threads * depth * DG_TILE_WIDTH * sizeof(float);
}

void dg_gemm_run(const dg_cpu_device *device, const dg_gemm *p, float *workspace) {
  uint64_t added = device->pool ? dg_pool_added(device->pool) : 0;
  product_run r = {*p, grid_of(device, p), workspace, added + 1};
  if (r.grid.parts == 1) r.product.packed = NULL;
  dg_cpu_run_pieces(device, r.grid.blocks * r.grid.groups * r.grid.parts, run_piece, &r, sizeof r);
}
