/*
 * Convolutions of stride 1 by minimal filtering (cl/winograd.cl), for CPUs: with tensors as
 * [pixel][sample][channel], some tiles after the others,
 *
 *   forward         moments of y    = moments of x  times moments of the weights
 *   input gradient  moments of dx   = moments of dz times moments of the weights, turned by 180
 *                                     degrees
 *   weight gradient of their moments += moments of x ^T times gradients of the moments of y
 *
 * for each of the 36 moments and each tile a product of matrices over all samples. What the tiles
 * of one turn take stays in a cache.
 */
#include <stdio.h>

#include "backends/opencl/pixels.h"

enum { MOMENTS = 36 };

/* A correlation of images as [pixel][sample][channel], in one of the workspaces. */
typedef struct {
  uint32_t channels, filters; /* of what is read; of what is made */
  uint32_t in_h, in_w, out_h, out_w, pad;
  uint32_t row_tiles, all_tiles, tiles;                /* in a row; in an image; in one turn */
  uint32_t source, weights, moments, products, result; /* where they begin */
  dg_cl_taps taps;
} correlation;

typedef struct {
  dg_cl_op op;
  dg_cl_pixels pixels;
  cl_kernel read, give, spread, kernels, kernel_gradients;
  uint32_t samples;      /* the largest n in whole tiles of products */
  uint32_t kernel, side; /* of the weights; of a tile's outputs */
  correlation to, back;  /* to the output; from its gradient to the input's */
  uint32_t moments, spread_moments, d_weights, bias_sums; /* of backward, for the weights */
  uint32_t d_weights_moment; /* from one moment's gradients to the next's */
  dg_cl_taps d_weight;
} wino_op;

static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  return dg_cl_is_leaky(desc->conv2d.act) && desc->conv2d.pool == 0 && desc->conv2d.drop.rate == 0;
}

bool dg_cl_winograd_is_faster(const dg_conv2d_desc *d) {
  enum { FEWEST = 16, MANY_PAIRS = 1536 }; /* else launches and transforms cost more */
  if (d->kernel_h != d->kernel_w || (d->kernel_h != 3 && d->kernel_h != 5)) return false;
  if (d->stride_h != 1 || d->stride_w != 1 || d->pad_h != d->pad_w || d->pad_h >= d->kernel_h)
    return false;
  if (d->channels % FEWEST || d->filters % FEWEST) return false;
  if ((uint64_t)d->channels * d->filters < MANY_PAIRS) return false;
  const uint64_t out_h = dg_window_out(d->height, d->kernel_h, 1, d->pad_h);
  const uint64_t out_w = dg_window_out(d->width, d->kernel_w, 1, d->pad_w);
  const size_t side = 7 - d->kernel_h;
  const uint64_t tiles = dg_cl_ceil_div(out_h, side) * dg_cl_ceil_div(out_w, side);
  return 2 * tiles * MOMENTS <= (uint64_t)d->kernel_h * d->kernel_w * out_h * out_w;
}

/* ---- prepare ------------------------------------------------------------ */

/* The next `floats` of a workspace that ends at `end` so far. */
static uint32_t take(uint64_t *end, uint64_t floats) {
  const uint64_t begin = *end;
  *end += dg_cl_round_up(floats, DG_CL_VECTOR);
  return (uint32_t)begin;
}

/* Floats of a tensor of `places` times all samples. */
static uint64_t tensor(const wino_op *self, uint64_t places, uint32_t channels) {
  return places * self->samples * channels;
}

/* The more tiles in a turn, the fewer launches; but their moments are to stay in a cache. Turns say
   in which order weight gradients are summed, so the size of the products' tiles doesn't count. */
static void count_tiles(const wino_op *self, correlation *c) {
  enum { CACHED = 3 << 17 }; /* floats */
  const uint64_t tile = (uint64_t)MOMENTS * self->op.base.max_n * (c->channels + c->filters);
  c->row_tiles = (uint32_t)dg_cl_ceil_div(c->out_w, self->side);
  c->all_tiles = c->row_tiles * (uint32_t)dg_cl_ceil_div(c->out_h, self->side);
  c->tiles = c->all_tiles;
  while (c->tiles > 1 && (c->all_tiles % c->tiles || c->tiles * tile > CACHED)) c->tiles--;
}

static void shape(wino_op *self, const dg_conv2d_desc *d) {
  self->kernel = d->kernel_h;
  self->side = 7 - d->kernel_h;
  self->samples = dg_cl_tap_rows(self->op.device, self->op.base.max_n);
  correlation to = {.channels = d->channels,
                    .filters = d->filters,
                    .in_h = d->height,
                    .in_w = d->width,
                    .out_h = dg_window_out(d->height, d->kernel_h, 1, d->pad_h),
                    .out_w = dg_window_out(d->width, d->kernel_w, 1, d->pad_w),
                    .pad = d->pad_h};
  correlation back = {.channels = to.filters,
                      .filters = to.channels,
                      .in_h = to.out_h,
                      .in_w = to.out_w,
                      .out_h = to.in_h,
                      .out_w = to.in_w,
                      .pad = d->kernel_h - 1 - d->pad_h};
  count_tiles(self, &to);
  count_tiles(self, &back);
  self->to = to;
  self->back = back;
}

/* Lays a correlation out behind `end`; its source is there already. */
static void place(const wino_op *self, correlation *c, uint64_t *end) {
  const uint64_t tiles = (uint64_t)MOMENTS * c->tiles;
  c->weights = take(end, (uint64_t)MOMENTS * c->channels * c->filters);
  c->moments = take(end, tensor(self, tiles, c->channels));
  c->products = take(end, tensor(self, tiles, c->filters));
  c->result = take(end, tensor(self, (uint64_t)c->out_h * c->out_w, c->filters));
}

static uint32_t list_product(const wino_op *self, const correlation *c, uint32_t item,
                             dg_cl_product_step *to) {
  *to = (dg_cl_product_step){c->moments + item * self->samples * c->channels,
                             c->weights + item / c->tiles * c->channels * c->filters};
  return 1;
}

static uint32_t list_forward(const dg_cl_op *op, uint32_t chunk, uint32_t item,
                             dg_cl_product_step *to) {
  (void)chunk;
  return list_product((const wino_op *)op, &((const wino_op *)op)->to, item, to);
}

static uint32_t list_d_in(const dg_cl_op *op, uint32_t chunk, uint32_t item,
                          dg_cl_product_step *to) {
  (void)chunk;
  return list_product((const wino_op *)op, &((const wino_op *)op)->back, item, to);
}

static uint32_t list_d_weight(const dg_cl_op *op, uint32_t chunk, uint32_t moment,
                              dg_cl_product_step *to) {
  (void)chunk;
  const wino_op *self = (const wino_op *)op;
  const correlation *c = &self->to;
  for (uint32_t t = 0; t < c->tiles; t++) {
    const uint32_t tile = (moment * c->tiles + t) * self->samples;
    to[t] = (dg_cl_product_step){self->moments + tile * c->channels,
                                 self->spread_moments + tile * c->filters};
  }
  return c->tiles;
}

static bool prepare_forward(wino_op *self, dg_error *err) {
  correlation *c = &self->to;
  uint64_t end = 0;
  c->source = take(&end, tensor(self, (uint64_t)c->in_h * c->in_w, c->channels));
  place(self, c, &end);
  end += DG_CL_TAP_SLACK;
  self->op.base.needs.forward_workspace = sizeof(float) * end;
  c->taps = (dg_cl_taps){1, MOMENTS * c->tiles, NULL, NULL};
  return dg_cl_check_count(end, err) && dg_cl_taps_make(&self->op, &c->taps, list_forward, 1, err);
}

/* What the weights' gradients and the input's need in a turn lies in the same place. */
static bool prepare_backward(wino_op *self, dg_error *err) {
  const dg_conv2d_desc *d = &self->op.base.desc.conv2d;
  correlation *c = &self->to, *back = &self->back;
  const bool d_in = self->op.base.desc.d_in[0] != DG_GRAD_NONE;
  const uint64_t tiles = (uint64_t)MOMENTS * c->tiles;
  self->d_weights_moment = dg_cl_tap_rows(self->op.device, c->channels) * c->filters;
  uint64_t end = 0;
  back->source = take(&end, tensor(self, (uint64_t)c->out_h * c->out_w, c->filters));
  self->d_weights = take(&end, (uint64_t)MOMENTS * self->d_weights_moment);
  self->bias_sums = take(&end, d->bias ? (uint64_t)self->op.base.max_n * d->filters : 0);
  uint64_t own_end = end, back_end = end;
  self->moments = take(&own_end, tensor(self, tiles, c->channels));
  self->spread_moments = take(&own_end, tensor(self, tiles, c->filters));
  if (d_in) place(self, back, &back_end);
  end = (own_end > back_end ? own_end : back_end) + DG_CL_TAP_SLACK;
  dg_op_needs *needs = &self->op.base.needs;
  needs->backward_workspace = sizeof(float) * end;
  needs->kept = sizeof(float) * tensor(self, (uint64_t)c->in_h * c->in_w, c->channels);
  needs->backward_reads_out = d->act.kind != DG_ACT_NONE;
  self->d_weight = (dg_cl_taps){1, MOMENTS, NULL, NULL};
  back->taps = (dg_cl_taps){1, MOMENTS * back->tiles, NULL, NULL};
  return dg_cl_check_count(end, err) &&
         dg_cl_taps_make(&self->op, &self->d_weight, list_d_weight, c->tiles, err) &&
         (!d_in || dg_cl_taps_make(&self->op, &back->taps, list_d_in, 1, err));
}

static cl_kernel kernel_of(wino_op *self, const char *name, dg_error *err) {
  char options[16];
  snprintf(options, sizeof options, "-DKERNEL=%u", self->kernel);
  return dg_cl_special_kernel(&self->op, DG_CL_WINOGRAD, options, name, err);
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  wino_op *self = (wino_op *)op;
  shape(self, &op->base.desc.conv2d);
  self->read = kernel_of(self, "wino_read", err);
  self->give = self->read ? kernel_of(self, "wino_give", err) : NULL;
  self->kernels = self->give ? kernel_of(self, "wino_kernels", err) : NULL;
  if (!self->kernels || !dg_cl_pixels_prepare(op, &self->pixels, err) ||
      !prepare_forward(self, err))
    return false;
  if (!op->train) return true;
  self->spread = kernel_of(self, "wino_spread", err);
  self->kernel_gradients = self->spread ? kernel_of(self, "wino_kernel_gradients", err) : NULL;
  return self->kernel_gradients && prepare_backward(self, err);
}

/* ---- run ---------------------------------------------------------------- */

/* The moments of the weights, for a correlation. */
static bool turn_weights(dg_cl_op *op, const dg_op_buffers *b, const correlation *c, bool flip,
                         dg_error *err) {
  const wino_op *self = (wino_op *)op;
  const uint32_t taps = self->kernel * self->kernel;
  const uint32_t whole = taps * (flip ? c->filters : c->channels); /* of a filter's weights */
  return dg_cl_launch(op, self->kernels, dg_cl_tiles(c->filters / DG_CL_VECTOR, c->channels, 1),
                      DG_CL_ARGS(dg_cl_mem(b->param[0]), dg_cl_u32(flip ? whole : taps),
                                 dg_cl_u32(flip ? taps : whole), dg_cl_u32(flip),
                                 dg_cl_mem(b->workspace), dg_cl_u32(c->weights),
                                 dg_cl_u32(c->channels), dg_cl_u32(c->filters)),
                      err);
}

/* An image, whole or its place in the workspace, as tiles see it. */
typedef struct {
  const dg_buffer *buffer;
  uint32_t first, channels, height, width;
} image;

static bool read_tiles(dg_cl_op *op, const dg_op_buffers *b, const correlation *c, const image *i,
                       uint32_t moments, uint32_t first_tile, uint32_t n, dg_error *err) {
  const wino_op *self = (wino_op *)op;
  return dg_cl_launch(op, self->read, dg_cl_tiles(c->channels / DG_CL_VECTOR, n, c->tiles),
                      DG_CL_ARGS(dg_cl_mem(i->buffer), dg_cl_u32(i->first), dg_cl_mem(b->workspace),
                                 dg_cl_u32(moments), dg_cl_u32(self->samples),
                                 dg_cl_u32(i->channels), dg_cl_u32(i->height), dg_cl_u32(i->width),
                                 dg_cl_u32(c->pad), dg_cl_u32(first_tile), dg_cl_u32(c->row_tiles)),
                      err);
}

/* wino_give or wino_spread, between pixels of the output and moments of its tiles. */
static bool turn_tiles(dg_cl_op *op, const dg_op_buffers *b, cl_kernel kernel, const correlation *c,
                       uint32_t from, uint32_t to, uint32_t first_tile, uint32_t n, dg_error *err) {
  const wino_op *self = (wino_op *)op;
  return dg_cl_launch(op, kernel, dg_cl_tiles(c->filters / DG_CL_VECTOR, n, c->tiles),
                      DG_CL_ARGS(dg_cl_mem(b->workspace), dg_cl_u32(from), dg_cl_mem(b->workspace),
                                 dg_cl_u32(to), dg_cl_u32(self->samples), dg_cl_u32(c->filters),
                                 dg_cl_u32(c->out_h), dg_cl_u32(c->out_w), dg_cl_u32(first_tile),
                                 dg_cl_u32(c->row_tiles)),
                      err);
}

/* All pixels of a correlation, from those of `source`. */
static bool correlate(dg_cl_op *op, const dg_op_buffers *b, const correlation *c,
                      const dg_buffer *source, uint32_t n, dg_error *err) {
  const wino_op *self = (wino_op *)op;
  const image from = {source, c->source, c->channels, c->in_h, c->in_w};
  bool ok = true;
  for (uint32_t tile = 0; ok && tile < c->all_tiles; tile += c->tiles)
    ok = read_tiles(op, b, c, &from, c->moments, tile, n, err) &&
         dg_cl_sum_taps(op, &self->pixels,
                        &(dg_cl_tap_product){.lists = &c->taps,
                                             .a = b->workspace,
                                             .b = b->workspace,
                                             .c = b->workspace,
                                             .a_row = c->channels,
                                             .a_k = 1,
                                             .b_k = c->filters,
                                             .depth = c->channels,
                                             .c_first = c->products,
                                             .c_item = self->samples * c->filters,
                                             .c_row = c->filters,
                                             .rows = n,
                                             .columns = c->filters},
                        err) &&
         turn_tiles(op, b, self->give, c, c->products, c->result, tile, n, err);
  return ok;
}

static bool put_result(dg_cl_op *op, const dg_op_buffers *b, const correlation *c,
                       const dg_cl_turn_out *end, dg_error *err) {
  const wino_op *self = (wino_op *)op;
  dg_cl_turn_out t = *end;
  t.from = b->workspace;
  t.first = c->result;
  t.pitch = self->samples * c->filters;
  t.row = c->filters;
  t.channels = c->filters;
  t.pixels = c->out_h * c->out_w;
  return dg_cl_from_pixels(op, &self->pixels, &t, err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const wino_op *self = (wino_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  const correlation *c = &self->to;
  const dg_buffer *x = step->train ? b->kept : b->workspace;
  return dg_cl_to_pixels(op, &self->pixels,
                         &(dg_cl_turn_in){.from = b->in[0],
                                          .from_row = c->in_h * c->in_w,
                                          .to = x,
                                          .to_first = c->source,
                                          .rows = step->n * c->channels,
                                          .pixels = c->in_h * c->in_w,
                                          .pitch = self->samples * c->channels,
                                          .items = 1},
                         err) &&
         turn_weights(op, b, c, false, err) && correlate(op, b, c, x, step->n, err) &&
         put_result(op, b, c,
                    &(dg_cl_turn_out){.bias = d->bias ? b->param[1] : NULL,
                                      .slope = dg_cl_leaky_slope(d->act),
                                      .to = b->out[0],
                                      .samples = step->n},
                    err);
}

/* dz as pixels, to the start of the workspace. */
static bool turn_dz(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const wino_op *self = (wino_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  const correlation *c = &self->back;
  return dg_cl_to_pixels(op, &self->pixels,
                         &(dg_cl_turn_in){.from = b->d_out,
                                          .of = d->act.kind == DG_ACT_NONE ? NULL : b->out[0],
                                          .slope = dg_cl_leaky_slope(d->act),
                                          .from_row = c->in_h * c->in_w,
                                          .to = b->workspace,
                                          .to_first = c->source,
                                          .rows = n * c->channels,
                                          .pixels = c->in_h * c->in_w,
                                          .pitch = self->samples * c->channels,
                                          .items = 1},
                         err);
}

static bool find_d_weight(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const wino_op *self = (wino_op *)op;
  const correlation *c = &self->to;
  const image x = {b->kept, c->source, c->channels, c->in_h, c->in_w};
  bool ok = true;
  for (uint32_t tile = 0; ok && tile < c->all_tiles; tile += c->tiles)
    ok =
        read_tiles(op, b, c, &x, self->moments, tile, n, err) &&
        turn_tiles(op, b, self->spread, c, self->back.source, self->spread_moments, tile, n, err) &&
        dg_cl_sum_taps(op, &self->pixels,
                       &(dg_cl_tap_product){.lists = &self->d_weight,
                                            .a = b->workspace,
                                            .b = b->workspace,
                                            .c = b->workspace,
                                            .a_row = 1,
                                            .a_k = c->channels,
                                            .b_k = c->filters,
                                            .depth = n,
                                            .c_first = self->d_weights,
                                            .c_item = self->d_weights_moment,
                                            .c_row = c->filters,
                                            .rows = c->channels,
                                            .columns = c->filters,
                                            .add = tile > 0},
                       err);
  return ok && dg_cl_launch(op, self->kernel_gradients,
                            dg_cl_tiles(c->filters / DG_CL_VECTOR, c->channels, 1),
                            DG_CL_ARGS(dg_cl_mem(b->workspace), dg_cl_u32(self->d_weights),
                                       dg_cl_u32(self->d_weights_moment), dg_cl_mem(b->d_param[0]),
                                       dg_cl_u32(c->channels), dg_cl_u32(c->filters)),
                            err);
}

static bool find_d_bias(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const wino_op *self = (wino_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  return dg_cl_pixels_bias(op, &self->pixels, b,
                           &(dg_cl_bias_sum){.n = n,
                                             .filters = d->filters,
                                             .count = self->to.out_h * self->to.out_w,
                                             .first_sum = self->bias_sums,
                                             .act = d->act},
                           err);
}

static bool find_d_in(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const correlation *c = &((wino_op *)op)->back;
  return turn_weights(op, b, c, true, err) && correlate(op, b, c, b->workspace, n, err) &&
         put_result(op, b, c,
                    &(dg_cl_turn_out){.slope = 1,
                                      .to = b->d_in[0],
                                      .samples = n,
                                      .add = op->base.desc.d_in[0] == DG_GRAD_ADD},
                    err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  return turn_dz(op, b, step->n, err) && find_d_weight(op, b, step->n, err) &&
         (!op->base.desc.conv2d.bias || find_d_bias(op, b, step->n, err)) &&
         (op->base.desc.d_in[0] == DG_GRAD_NONE || find_d_in(op, b, step->n, err));
}

const dg_cl_family dg_cl_conv2d_winograd = {
    .size = sizeof(wino_op),
    .supports = supports,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
