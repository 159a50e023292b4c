#include "backends/opencl/product.h"

#include <stdlib.h>

/* The tiles of the kernels: ROWS x COLUMNS and X_ROWS x Y_ROWS, TILE x TILE in group form. */
enum { OUTER_ROWS = 4, OUTER_COLUMNS = 80, INNER_X = 8, INNER_Y = 3, GROUP_TILE = 64, SIDE = 16 };

dg_buffer *dg_cl_product_steps(dg_cl_op *op, uint32_t count,
                               dg_cl_product_step (*step)(const dg_cl_op *op, uint32_t k),
                               dg_error *err) {
  const size_t bytes = sizeof(dg_cl_product_step) * count;
  dg_cl_product_step *steps = malloc(bytes);
  if (!steps) {
    dg_fail_memory(err, bytes);
    return NULL;
  }
  for (uint32_t k = 0; k < count; k++) steps[k] = step(op, k);
  dg_buffer *table = dg_cl_table(op, steps, bytes, err);
  free(steps);
  return table;
}

static dg_cl_range group_range(uint32_t x, uint32_t y, uint32_t items) {
  return (dg_cl_range){
      .global = {dg_cl_ceil_div(x, GROUP_TILE) * SIDE, dg_cl_ceil_div(y, GROUP_TILE) * SIDE, items},
      .local = {SIDE, SIDE, 1}};
}

static dg_cl_range tile_range(size_t x, size_t y, uint32_t items) {
  return (dg_cl_range){.global = {x, y, items}, .local = {1, 1, 1}};
}

bool dg_cl_outer(dg_cl_op *op, cl_kernel kernel, const dg_cl_outer_product *p, dg_error *err) {
  dg_cl_range range = op->device->form == DG_CL_GROUP
                          ? group_range(p->columns, p->rows, p->items)
                          : tile_range(dg_cl_ceil_div(p->rows, OUTER_ROWS),
                                       dg_cl_ceil_div(p->columns, OUTER_COLUMNS), p->items);
  range.first[2] = p->first_item;
  return dg_cl_launch(op, kernel, range,
                      DG_CL_ARGS(dg_cl_mem(p->a), dg_cl_u32(p->a_row), dg_cl_u32(p->a_item),
                                 dg_cl_mem(p->steps), dg_cl_u32(p->step_count), dg_cl_mem(p->b),
                                 dg_cl_u32(p->b_item), dg_cl_mem(p->bias), dg_cl_f32(p->slope),
                                 dg_cl_mem(p->c), dg_cl_u32(p->c_first), dg_cl_u32(p->c_row),
                                 dg_cl_u32(p->c_item), dg_cl_u32(p->rows), dg_cl_u32(p->columns),
                                 dg_cl_u32(p->pitch), dg_cl_u32(p->width), dg_cl_u32(p->add)),
                      err);
}

bool dg_cl_inner(dg_cl_op *op, cl_kernel kernel, const dg_cl_inner_product *p, dg_error *err) {
  const uint32_t shares = (uint32_t)dg_cl_ceil_div(p->items, p->share);
  dg_cl_range range = op->device->form == DG_CL_GROUP
                          ? group_range(p->x_rows, p->y_rows, shares)
                          : tile_range(dg_cl_ceil_div(p->y_rows, INNER_Y),
                                       dg_cl_ceil_div(p->x_rows, INNER_X), shares);
  return dg_cl_launch(op, kernel, range,
                      DG_CL_ARGS(dg_cl_mem(p->x), dg_cl_u32(p->x_first), dg_cl_u32(p->x_row),
                                 dg_cl_u32(p->x_item), dg_cl_mem(p->y), dg_cl_u32(p->y_item),
                                 dg_cl_mem(p->steps), dg_cl_u32(p->count), dg_cl_u32(p->items),
                                 dg_cl_u32(p->share), dg_cl_mem(p->bias), dg_cl_f32(p->slope),
                                 dg_cl_mem(p->c), dg_cl_u32(p->c_first), dg_cl_u32(p->c_row),
                                 dg_cl_u32(p->c_share), dg_cl_u32(p->x_rows), dg_cl_u32(p->y_rows)),
                      err);
}

bool dg_cl_is_leaky(dg_act act) {
  return act.kind == DG_ACT_NONE || act.kind == DG_ACT_RELU || act.kind == DG_ACT_LEAKY_RELU;
}

float dg_cl_leaky_slope(dg_act act) {
  return act.kind == DG_ACT_RELU ? 0.0f : act.kind == DG_ACT_LEAKY_RELU ? act.slope : 1.0f;
}
