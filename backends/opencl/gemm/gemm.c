#include "backends/opencl/gemm/gemm.h"

#include <stdlib.h>

/* Columns of a vector in tile form; work-items along each side of a work-group in group form. */
enum { VECTOR = 16, SIDE = 16 };

dg_buffer *dg_cl_gemm_offsets(dg_cl_op *op, uint32_t count,
                              dg_cl_gemm_offset (*offset)(const dg_cl_op *op, uint32_t k),
                              dg_error *err) {
  const size_t bytes = sizeof(dg_cl_gemm_offset) * count;
  dg_cl_gemm_offset *offsets = malloc(bytes);
  if (!offsets) {
    dg_fail_memory(err, bytes);
    return NULL;
  }
  for (uint32_t k = 0; k < count; k++) offsets[k] = offset(op, k);
  dg_buffer *table = dg_cl_table(op, offsets, bytes, err);
  free(offsets);
  return table;
}

static dg_cl_range group_range(dg_cl_tile tile, uint32_t rows, uint32_t columns, uint32_t items) {
  return (dg_cl_range){.global = {dg_cl_ceil_div(columns, SIDE * tile.columns) * SIDE,
                                  dg_cl_ceil_div(rows, SIDE * tile.rows) * SIDE, items},
                       .local = {SIDE, SIDE, 1}};
}

/* `vector` columns count as one column of the tile. */
static dg_cl_range tile_range(dg_cl_tile tile, uint32_t vector, uint32_t rows, uint32_t columns,
                              uint32_t items) {
  return (dg_cl_range){.global = {dg_cl_ceil_div(rows, tile.rows),
                                  dg_cl_ceil_div(columns, vector * tile.columns), items},
                       .local = {1, 1, 1}};
}

bool dg_cl_gemm_outer(dg_cl_op *op, cl_kernel kernel, const dg_cl_gemm_outer_args *p,
                      dg_error *err) {
  const dg_cl_tile tile = op->device->tiles[DG_CL_OUTER];
  dg_cl_range range = op->device->form == DG_CL_GROUP
                          ? group_range(tile, p->rows, p->columns, p->items)
                          : tile_range(tile, VECTOR, p->rows, p->columns, p->items);
  range.first[2] = p->first_item;
  return dg_cl_launch(op, kernel, range,
                      DG_CL_ARGS(dg_cl_mem(p->a), dg_cl_u32(p->a_row), dg_cl_u32(p->a_item),
                                 dg_cl_mem(p->offsets), dg_cl_u32(p->depth), dg_cl_mem(p->b),
                                 dg_cl_u32(p->b_item), dg_cl_mem(p->bias), dg_cl_f32(p->slope),
                                 dg_cl_mem(p->c), dg_cl_u32(p->c_first), dg_cl_u32(p->c_row),
                                 dg_cl_u32(p->c_item), dg_cl_u32(p->rows), dg_cl_u32(p->columns),
                                 dg_cl_u32(p->pitch), dg_cl_u32(p->width), dg_cl_u32(p->add)),
                      err);
}

bool dg_cl_gemm_inner(dg_cl_op *op, cl_kernel kernel, const dg_cl_gemm_inner_args *p,
                      dg_error *err) {
  const uint32_t shares = (uint32_t)dg_cl_ceil_div(p->items, p->share);
  const dg_cl_tile tile = op->device->tiles[DG_CL_INNER];
  dg_cl_range range = op->device->form == DG_CL_GROUP
                          ? group_range(tile, p->y_rows, p->x_rows, shares)
                          : tile_range(tile, 1, p->y_rows, p->x_rows, shares);
  return dg_cl_launch(op, kernel, range,
                      DG_CL_ARGS(dg_cl_mem(p->x), dg_cl_u32(p->x_first), dg_cl_u32(p->x_row),
                                 dg_cl_u32(p->x_item), dg_cl_mem(p->y), dg_cl_u32(p->y_item),
                                 dg_cl_mem(p->offsets), dg_cl_u32(p->count), dg_cl_u32(p->items),
                                 dg_cl_u32(p->share), dg_cl_mem(p->bias), dg_cl_f32(p->slope),
                                 dg_cl_mem(p->c), dg_cl_u32(p->c_first), dg_cl_u32(p->c_row),
                                 dg_cl_u32(p->c_share), dg_cl_u32(p->x_rows), dg_cl_u32(p->y_rows)),
                      err);
}
