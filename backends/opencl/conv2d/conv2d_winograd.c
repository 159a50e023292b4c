/*
 * Convolutions of stride 1 by minimal filtering (cl/conv2d/winograd.cl), for CPUs. Forward and the
 * input's gradient are correlations, the latter with the weights turned by 180 degrees. The
 * weights' gradient: with tensors as [pixel][sample][channel], some tiles after the others,
 *
 *   gradient of the weights' moments += moments of x ^T times gradients of the moments of y
 *
 * for each of the 36 moments and each tile a product of matrices over all samples. What the tiles
 * of one turn take stays in a cache.
 */
#include "backends/opencl/conv2d/correlation.h"
#include "backends/opencl/conv2d/pixels.h"

enum { MOMENTS = DG_CL_MOMENTS };

typedef struct {
  dg_cl_op op;
  dg_cl_pixels pixels;
  cl_kernel read, spread, kernel_gradients;
  uint32_t samples;           /* the largest n in whole tiles of products */
  dg_cl_correlation to, back; /* to the output; from its gradient to the input's */
  uint32_t row_tiles, tiles;  /* of the output: in a row; in one turn of the weights' gradient */
  uint32_t d_z, moments, spread_moments, d_weights, bias_sums; /* of backward, for the weights */
  uint32_t d_weights_moment; /* from one moment's gradients to the next's */
  dg_cl_taps d_weight;
} wino_op;

static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  return dg_cl_is_leaky(desc->conv2d.act) && desc->conv2d.pool == 0 && desc->conv2d.drop.rate == 0;
}

bool dg_cl_winograd_is_faster(const dg_conv2d_desc *d) {
  enum { FEWEST = 16, MANY_PAIRS = 1024 }; /* else launches and transforms cost more */
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
static void count_tiles(wino_op *self) {
  enum { CACHED = 3 << 17 }; /* floats */
  const dg_cl_correlation *c = &self->to;
  const uint64_t tile = (uint64_t)MOMENTS * self->op.base.max_n * (c->channels + c->filters);
  self->row_tiles = (uint32_t)dg_cl_ceil_div(c->out_w, dg_cl_correlation_side(c));
  self->tiles = c->tiles;
  while (self->tiles > 1 && (c->tiles % self->tiles || self->tiles * tile > CACHED)) self->tiles--;
}

static dg_cl_correlation correlation_of(const dg_conv2d_desc *d) {
  return (dg_cl_correlation){.channels = d->channels,
                             .filters = d->filters,
                             .in_h = d->height,
                             .in_w = d->width,
                             .out_h = dg_window_out(d->height, d->kernel_h, 1, d->pad_h),
                             .out_w = dg_window_out(d->width, d->kernel_w, 1, d->pad_w),
                             .pad = d->pad_h,
                             .kernel = d->kernel_h};
}

static dg_cl_correlation turned(const dg_cl_correlation *to) {
  return (dg_cl_correlation){.channels = to->filters,
                             .filters = to->channels,
                             .in_h = to->out_h,
                             .in_w = to->out_w,
                             .out_h = to->in_h,
                             .out_w = to->in_w,
                             .pad = to->kernel - 1 - to->pad,
                             .kernel = to->kernel};
}

static uint32_t list_d_weight(const dg_cl_op *op, uint32_t chunk, uint32_t moment,
                              dg_cl_product_step *to) {
  (void)chunk;
  const wino_op *self = (const wino_op *)op;
  const dg_cl_correlation *c = &self->to;
  for (uint32_t t = 0; t < self->tiles; t++) {
    const uint32_t tile = (moment * self->tiles + t) * self->samples;
    to[t] = (dg_cl_product_step){self->moments + tile * c->channels,
                                 self->spread_moments + tile * c->filters};
  }
  return self->tiles;
}

/* What the weights' gradients and the input's need lies in the same place. */
static bool prepare_backward(wino_op *self, dg_error *err) {
  const dg_conv2d_desc *d = &self->op.base.desc.conv2d;
  const dg_cl_correlation *c = &self->to;
  const bool d_in = self->op.base.desc.d_in[0] != DG_GRAD_NONE;
  count_tiles(self);
  const uint64_t tiles = (uint64_t)MOMENTS * self->tiles;
  self->d_weights_moment = dg_cl_tap_rows(self->op.device, c->channels) * c->filters;
  uint64_t end = 0, back_end = 0;
  self->d_z = take(&end, tensor(self, (uint64_t)c->out_h * c->out_w, c->filters));
  self->d_weights = take(&end, (uint64_t)MOMENTS * self->d_weights_moment);
  self->bias_sums = take(&end, d->bias ? (uint64_t)self->op.base.max_n * d->filters : 0);
  self->moments = take(&end, tensor(self, tiles, c->channels));
  self->spread_moments = take(&end, tensor(self, tiles, c->filters));
  end += DG_CL_TAP_SLACK;
  self->back = turned(c);
  if (d_in && !dg_cl_correlation_prepare(&self->op, &self->back, &back_end, err)) return false;
  dg_op_needs *needs = &self->op.base.needs;
  needs->backward_workspace = sizeof(float) * (end > back_end ? end : back_end);
  needs->kept = sizeof(float) * tensor(self, (uint64_t)c->in_h * c->in_w, c->channels);
  needs->backward_reads_out = d->act.kind != DG_ACT_NONE;
  self->d_weight = (dg_cl_taps){1, MOMENTS, NULL, NULL};
  return dg_cl_check_count(end, err) &&
         dg_cl_taps_make(&self->op, &self->d_weight, list_d_weight, self->tiles, err);
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  wino_op *self = (wino_op *)op;
  uint64_t end = 0;
  self->samples = dg_cl_tap_rows(op->device, op->base.max_n);
  self->to = correlation_of(&op->base.desc.conv2d);
  if (!dg_cl_correlation_prepare(op, &self->to, &end, err)) return false;
  op->base.needs.forward_workspace = sizeof(float) * end;
  if (!op->train) return true;
  self->read = dg_cl_correlation_kernel(op, &self->to, "wino_read", err);
  self->spread = self->read ? dg_cl_correlation_kernel(op, &self->to, "wino_spread", err) : NULL;
  self->kernel_gradients =
      self->spread ? dg_cl_correlation_kernel(op, &self->to, "wino_kernel_gradients", err) : NULL;
  return self->kernel_gradients && dg_cl_pixels_prepare(op, &self->pixels, err) &&
         prepare_backward(self, err);
}

/* ---- run ---------------------------------------------------------------- */

/* x as pixels, for backward. */
static bool keep_x(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const wino_op *self = (wino_op *)op;
  const dg_cl_correlation *c = &self->to;
  return dg_cl_to_pixels(op, &self->pixels,
                         &(dg_cl_turn_in){.from = b->in[0],
                                          .from_row = c->in_h * c->in_w,
                                          .to = b->kept,
                                          .rows = n * c->channels,
                                          .pixels = c->in_h * c->in_w,
                                          .pitch = self->samples * c->channels,
                                          .items = 1},
                         err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  wino_op *self = (wino_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  return (!step->train || keep_x(op, b, step->n, err)) &&
         dg_cl_correlate(op, &self->to,
                         &(dg_cl_correlating){.from = b->in[0],
                                              .weight = b->param[0],
                                              .bias = d->bias ? b->param[1] : NULL,
                                              .slope = dg_cl_leaky_slope(d->act),
                                              .to = b->out[0],
                                              .workspace = b->workspace,
                                              .n = step->n},
                         err);
}

/* dz as pixels, to the start of the workspace. */
static bool turn_dz(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const wino_op *self = (wino_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  const dg_cl_correlation *c = &self->to;
  return dg_cl_to_pixels(op, &self->pixels,
                         &(dg_cl_turn_in){.from = b->d_out,
                                          .of = d->act.kind == DG_ACT_NONE ? NULL : b->out[0],
                                          .slope = dg_cl_leaky_slope(d->act),
                                          .from_row = c->out_h * c->out_w,
                                          .to = b->workspace,
                                          .to_first = self->d_z,
                                          .rows = n * c->filters,
                                          .pixels = c->out_h * c->out_w,
                                          .pitch = self->samples * c->filters,
                                          .items = 1},
                         err);
}

/* The moments of a turn's tiles of x. */
static bool read_tiles(dg_cl_op *op, const dg_op_buffers *b, uint32_t first_tile, uint32_t n,
                       dg_error *err) {
  const wino_op *self = (wino_op *)op;
  const dg_cl_correlation *c = &self->to;
  return dg_cl_launch(op, self->read, dg_cl_tiles(c->channels / DG_CL_VECTOR, n, self->tiles),
                      DG_CL_ARGS(dg_cl_mem(b->kept), dg_cl_mem(b->workspace),
                                 dg_cl_u32(self->moments), dg_cl_u32(self->samples),
                                 dg_cl_u32(c->channels), dg_cl_u32(c->in_h), dg_cl_u32(c->in_w),
                                 dg_cl_u32(c->pad), dg_cl_u32(first_tile),
                                 dg_cl_u32(self->row_tiles)),
                      err);
}

/* The gradients of the moments of the same tiles of y. */
static bool spread_tiles(dg_cl_op *op, const dg_op_buffers *b, uint32_t first_tile, uint32_t n,
                         dg_error *err) {
  const wino_op *self = (wino_op *)op;
  const dg_cl_correlation *c = &self->to;
  return dg_cl_launch(op, self->spread, dg_cl_tiles(c->filters / DG_CL_VECTOR, n, self->tiles),
                      DG_CL_ARGS(dg_cl_mem(b->workspace), dg_cl_u32(self->d_z),
                                 dg_cl_mem(b->workspace), dg_cl_u32(self->spread_moments),
                                 dg_cl_u32(self->samples), dg_cl_u32(c->filters),
                                 dg_cl_u32(c->out_h), dg_cl_u32(c->out_w), dg_cl_u32(first_tile),
                                 dg_cl_u32(self->row_tiles)),
                      err);
}

static bool find_d_weight(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const wino_op *self = (wino_op *)op;
  const dg_cl_correlation *c = &self->to;
  bool ok = true;
  for (uint32_t tile = 0; ok && tile < c->tiles; tile += self->tiles)
    ok = read_tiles(op, b, tile, n, err) && spread_tiles(op, b, tile, n, err) &&
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
  wino_op *self = (wino_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  return dg_cl_correlate(op, &self->back,
                         &(dg_cl_correlating){.from = b->d_out,
                                              .of = d->act.kind == DG_ACT_NONE ? NULL : b->out[0],
                                              .of_slope = dg_cl_leaky_slope(d->act),
                                              .weight = b->param[0],
                                              .flip = true,
                                              .slope = 1,
                                              .to = b->d_in[0],
                                              .add = op->base.desc.d_in[0] == DG_GRAD_ADD,
                                              .workspace = b->workspace,
                                              .n = n},
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
