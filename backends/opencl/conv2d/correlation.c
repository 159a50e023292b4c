#include "backends/opencl/conv2d/correlation.h"

#include <stdio.h>

#include "backends/opencl/gemm/packed.h"

enum { VECTOR = 16, PANEL = VECTOR * DG_CL_PANEL_VECTORS };

/* ---- shapes ------------------------------------------------------------- */

static dg_cl_correlation with_tiles(dg_cl_correlation c) {
  const uint32_t side = dg_cl_correlation_side(&c);
  c.tiles = (uint32_t)(dg_cl_ceil_div(c.out_h, side) * dg_cl_ceil_div(c.out_w, side));
  return c;
}

dg_cl_correlation dg_cl_correlation_of(const dg_conv2d_desc *d) {
  return with_tiles((dg_cl_correlation){.channels = d->channels,
                                        .filters = d->filters,
                                        .in_h = d->height,
                                        .in_w = d->width,
                                        .out_h = dg_window_out(d->height, d->kernel_h, 1, d->pad_h),
                                        .out_w = dg_window_out(d->width, d->kernel_w, 1, d->pad_w),
                                        .pad = d->pad_h,
                                        .kernel = d->kernel_h});
}

dg_cl_correlation dg_cl_correlation_back(const dg_cl_correlation *to) {
  return with_tiles((dg_cl_correlation){.channels = to->filters,
                                        .filters = to->channels,
                                        .in_h = to->out_h,
                                        .in_w = to->out_w,
                                        .out_h = to->in_h,
                                        .out_w = to->in_w,
                                        .pad = to->kernel - 1 - to->pad,
                                        .kernel = to->kernel});
}

/* ---- prepare ------------------------------------------------------------ */

cl_kernel dg_cl_correlation_kernel(dg_cl_op *op, const dg_cl_correlation *c, const char *name,
                                   dg_error *err) {
  char options[16];
  snprintf(options, sizeof options, "-DKERNEL=%u", c->kernel);
  return dg_cl_special_kernel(op, DG_CL_WINOGRAD, options, name, err);
}

/* Floats from one point to the next: an odd number of vectors, so that a tile's points don't map to
   the same few cache sets. */
static uint64_t step_of(uint64_t rows, uint64_t row) {
  return (rows * row / VECTOR | 1) * VECTOR;
}

/* The number of samples per block: enough rows for the products, but also enough work-items for
   each compute unit. */
static void share_samples(const dg_cl_op *op, dg_cl_correlation *c) {
  enum { ROWS = 2 * DG_CL_PANEL_ROWS, ITEMS = 4 };
  const uint32_t units = op->device->base.info.compute_units;
  const uint32_t most = ITEMS * (units ? units : 1), samples = op->max_n;
  const uint32_t rows = (uint32_t)dg_cl_ceil_div(ROWS, c->tiles);
  const uint32_t each = (uint32_t)dg_cl_ceil_div(samples, most);
  c->block = rows < each ? rows : each;
  const uint32_t blocks = (uint32_t)dg_cl_ceil_div(samples, c->block);
  c->items = blocks < most ? blocks : most;
}

/* Assigns the parts of a work-item's memory; cl/conv2d/winograd_tiles.cl describes them. */
static uint64_t place_item(dg_cl_correlation *c, uint32_t side) {
  const uint64_t lines = dg_cl_ceil_div(c->out_h, side) * side + c->kernel - 1;
  const uint64_t line = dg_cl_ceil_div(c->out_w, side) * side + c->kernel - 1;
  const uint64_t rows = (uint64_t)c->block * c->tiles;
  const uint64_t transformed = step_of(rows, c->channels), products = step_of(rows, PANEL);
  const uint64_t pixels_first = lines * line * VECTOR;
  const uint64_t transformed_first = pixels_first + (uint64_t)c->out_h * c->out_w * VECTOR;
  const uint64_t products_first = transformed_first + DG_CL_WINO_POINTS * transformed;
  const uint64_t end = products_first + DG_CL_WINO_POINTS * products;
  c->pixels_first = (uint32_t)pixels_first;
  c->transformed_first = (uint32_t)transformed_first;
  c->products_first = (uint32_t)products_first;
  c->transformed_step = (uint32_t)transformed;
  c->product_step = (uint32_t)products;
  c->item_step = (uint32_t)end;
  return end;
}

bool dg_cl_correlation_prepare(dg_cl_op *op, dg_cl_correlation *c, uint64_t *end, dg_error *err) {
  const uint32_t side = dg_cl_correlation_side(c);
  share_samples(op, c);
  const uint64_t weights =
      (uint64_t)DG_CL_WINO_POINTS * c->channels * dg_cl_round_up(c->filters, PANEL);
  const uint64_t memory = *end + (op->train ? weights : 0);
  const uint64_t item = place_item(c, side);
  if (!dg_cl_check_count(item, err) || !dg_cl_check_count(weights, err) ||
      !dg_cl_check_count(memory + c->items * item, err))
    return false;
  c->weights_first = op->train ? (uint32_t)*end : 0;
  c->memory_first = (uint32_t)memory;
  *end = memory + c->items * item;
  c->run = dg_cl_correlation_kernel(op, c, "wino_correlate", err);
  c->weights = c->run ? dg_cl_correlation_kernel(op, c, "wino_weight_transform", err) : NULL;
  if (!c->weights || op->train) return c->weights;
  c->kept = dg_cl_scratch(op, sizeof(float) * weights, err);
  return c->kept;
}

/* ---- run ---------------------------------------------------------------- */

/* Transforms the weights, unless this has been done. */
static bool transform_weights(dg_cl_op *op, dg_cl_correlation *c, const dg_cl_correlation_args *r,
                              dg_error *err) {
  if (c->kept && dg_cl_is_content(c->kept_of, r->weight)) return true;
  const uint32_t taps = c->kernel * c->kernel;
  const uint32_t whole = taps * (r->flip ? c->filters : c->channels); /* of a filter's weights */
  if (!dg_cl_launch(
          op, c->weights,
          (dg_cl_range){.global = {c->filters / VECTOR, c->channels, 1}, .local = {1, 1, 1}},
          DG_CL_ARGS(dg_cl_mem(r->weight), dg_cl_u32(r->flip ? whole : taps),
                     dg_cl_u32(r->flip ? taps : whole), dg_cl_u32(r->flip),
                     dg_cl_mem(c->kept ? c->kept : r->workspace), dg_cl_u32(c->weights_first),
                     dg_cl_u32(c->channels)),
          err))
    return false;
  c->kept_of = dg_cl_content_of(r->weight);
  return true;
}

bool dg_cl_correlate(dg_cl_op *op, dg_cl_correlation *c, const dg_cl_correlation_args *r,
                     dg_error *err) {
  const size_t blocks = dg_cl_ceil_div(r->n, c->block);
  return transform_weights(op, c, r, err) &&
         dg_cl_launch(op, c->run,
                      (dg_cl_range){.global = {blocks < c->items ? blocks : c->items, 1, 1},
                                    .local = {1, 1, 1}},
                      DG_CL_ARGS(dg_cl_mem(r->from), dg_cl_mem(r->of), dg_cl_f32(r->of_slope),
                                 dg_cl_u32(c->channels), dg_cl_u32(c->in_h), dg_cl_u32(c->in_w),
                                 dg_cl_u32(c->pad), dg_cl_mem(c->kept ? c->kept : r->workspace),
                                 dg_cl_u32(c->weights_first), dg_cl_mem(r->bias),
                                 dg_cl_f32(r->slope), dg_cl_mem(r->to), dg_cl_u32(c->filters),
                                 dg_cl_u32(c->out_h), dg_cl_u32(c->out_w), dg_cl_u32(r->add),
                                 dg_cl_mem(r->workspace), dg_cl_u32(c->memory_first),
                                 dg_cl_u32(c->item_step), dg_cl_u32(c->pixels_first),
                                 dg_cl_u32(c->transformed_first), dg_cl_u32(c->products_first),
                                 dg_cl_u32(c->transformed_step), dg_cl_u32(c->product_step),
                                 dg_cl_u32(r->n), dg_cl_u32(c->block)),
                      err);
}
