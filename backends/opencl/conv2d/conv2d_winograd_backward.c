/* The gradients of convolutions by Winograd; see conv2d_winograd.h for the notation. */
#include "backends/opencl/conv2d/bias.h"
#include "backends/opencl/conv2d/conv2d.h"
#include "backends/opencl/conv2d/conv2d_winograd.h"
#include "backends/opencl/elementwise/leaky.h"

enum { POINTS = DG_CL_WINO_POINTS };

typedef struct {
  dg_cl_op op;
  dg_cl_pixels pixels;
  dg_cl_bias bias;
  cl_kernel input_transform, output_transform_backward, weight_transform_backward;
  uint32_t samples;          /* the largest n, rounded up to whole tiles of the products */
  dg_cl_correlation forward; /* the forward correlation; only its shape is used */
  dg_cl_correlation back;    /* from the output's gradient to the input's */
  uint32_t row_tiles, tiles; /* of the output: per row; per turn of the weights' gradient */
  uint32_t d_z, transformed, d_out_transformed, d_weights,
      bias_sums;            /* for the weights' gradient */
  uint32_t d_weights_point; /* from one point's gradients to the next's */
  dg_cl_taps d_weight;
} backward_op;

/* ---- prepare ------------------------------------------------------------ */

/* Reserves the next `floats` of a workspace that ends at `end` so far. */
static uint32_t take(uint64_t *end, uint64_t floats) {
  const uint64_t begin = *end;
  *end += dg_cl_round_up(floats, DG_CL_VECTOR);
  return (uint32_t)begin;
}

/* Floats of a tensor of `places` positions for all samples. */
static uint64_t tensor(const backward_op *self, uint64_t places, uint32_t channels) {
  return places * self->samples * channels;
}

/* More tiles at a time mean fewer launches, but the transformed tiles must stay in a cache. Their
 * number determines the order in which weight gradients are summed, so it doesn't depend on the
 * size of the products' tiles.
 */
static void count_tiles(backward_op *self) {
  enum { CACHED = 3 << 17 }; /* floats */
  const dg_cl_correlation *c = &self->forward;
  const uint64_t tile = (uint64_t)POINTS * self->op.max_n * (c->channels + c->filters);
  self->row_tiles = (uint32_t)dg_cl_ceil_div(c->out_w, dg_cl_correlation_side(c));
  self->tiles = c->tiles;
  while (self->tiles > 1 && (c->tiles % self->tiles || self->tiles * tile > CACHED)) self->tiles--;
}

static uint32_t list_d_weight(const dg_cl_op *op, uint32_t chunk, uint32_t point,
                              dg_cl_gemm_offset *to) {
  (void)chunk;
  const backward_op *self = (const backward_op *)op;
  const dg_cl_correlation *c = &self->forward;
  for (uint32_t t = 0; t < self->tiles; t++) {
    const uint32_t tile = (point * self->tiles + t) * self->samples;
    to[t] = (dg_cl_gemm_offset){self->transformed + tile * c->channels,
                                self->d_out_transformed + tile * c->filters};
  }
  return self->tiles;
}

/* The data for the weights' gradients and for the input's share the same memory. */
static bool plan(backward_op *self, dg_error *err) {
  dg_cl_op *op = &self->op;
  const dg_cl_correlation *c = &self->forward;
  const uint64_t tiles = (uint64_t)POINTS * self->tiles;
  self->d_weights_point = dg_cl_tap_rows(op->device, c->channels) * c->filters;
  uint64_t end = 0, back_end = 0;
  self->d_z = take(&end, tensor(self, (uint64_t)c->out_h * c->out_w, c->filters));
  self->d_weights = take(&end, (uint64_t)POINTS * self->d_weights_point);
  self->bias_sums = take(&end, op->desc.conv2d.bias ? (uint64_t)op->max_n * c->filters : 0);
  self->transformed = take(&end, tensor(self, tiles, c->channels));
  self->d_out_transformed = take(&end, tensor(self, tiles, c->filters));
  end += DG_CL_TAP_SLACK;
  self->back = dg_cl_correlation_back(c);
  if (op->desc.d_in[0] != DG_GRAD_NONE &&
      !dg_cl_correlation_prepare(op, &self->back, &back_end, err))
    return false;
  op->needs.saved = sizeof(float) * tensor(self, (uint64_t)c->in_h * c->in_w, c->channels);
  op->needs.workspace = sizeof(float) * (end > back_end ? end : back_end);
  op->needs.reads_out = op->desc.conv2d.act.kind != DG_ACT_NONE;
  return dg_cl_check_count(end, err);
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  backward_op *self = (backward_op *)op;
  const dg_cl_correlation *c = &self->forward;
  self->samples = dg_cl_tap_rows(op->device, op->max_n);
  self->forward = dg_cl_correlation_of(&op->desc.conv2d);
  self->input_transform = dg_cl_correlation_kernel(op, c, "wino_input_transform", err);
  self->output_transform_backward =
      self->input_transform ? dg_cl_correlation_kernel(op, c, "wino_output_transform_backward", err)
                            : NULL;
  self->weight_transform_backward =
      self->output_transform_backward
          ? dg_cl_correlation_kernel(op, c, "wino_weight_transform_backward", err)
          : NULL;
  if (!self->weight_transform_backward || !dg_cl_pixels_prepare(op, &self->pixels, err) ||
      !dg_cl_bias_prepare(op, &self->bias, err))
    return false;
  count_tiles(self);
  self->d_weight = (dg_cl_taps){1, POINTS, NULL, NULL};
  return plan(self, err) && dg_cl_taps_make(op, &self->d_weight, list_d_weight, self->tiles, err);
}

/* ---- run ---------------------------------------------------------------- */

/* Computes dz as pixels, at the start of the workspace. */
static bool dz_to_pixels(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const backward_op *self = (backward_op *)op;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  const dg_cl_correlation *c = &self->forward;
  return dg_cl_to_pixels(op, &self->pixels,
                         &(dg_cl_transpose_in){.from = b->d_out,
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

/* Transforms a group of tiles of x. */
static bool transform_tiles(dg_cl_op *op, const dg_op_buffers *b, uint32_t first_tile, uint32_t n,
                            dg_error *err) {
  const backward_op *self = (backward_op *)op;
  const dg_cl_correlation *c = &self->forward;
  return dg_cl_launch(
      op, self->input_transform, dg_cl_tiles(c->channels / DG_CL_VECTOR, n, self->tiles),
      DG_CL_ARGS(dg_cl_mem(b->saved), dg_cl_mem(b->workspace), dg_cl_u32(self->transformed),
                 dg_cl_u32(self->samples), dg_cl_u32(c->channels), dg_cl_u32(c->in_h),
                 dg_cl_u32(c->in_w), dg_cl_u32(c->pad), dg_cl_u32(first_tile),
                 dg_cl_u32(self->row_tiles)),
      err);
}

/* Transforms the same tiles of y's gradient. */
static bool transform_gradient_tiles(dg_cl_op *op, const dg_op_buffers *b, uint32_t first_tile,
                                     uint32_t n, dg_error *err) {
  const backward_op *self = (backward_op *)op;
  const dg_cl_correlation *c = &self->forward;
  return dg_cl_launch(
      op, self->output_transform_backward, dg_cl_tiles(c->filters / DG_CL_VECTOR, n, self->tiles),
      DG_CL_ARGS(dg_cl_mem(b->workspace), dg_cl_u32(self->d_z), dg_cl_mem(b->workspace),
                 dg_cl_u32(self->d_out_transformed), dg_cl_u32(self->samples),
                 dg_cl_u32(c->filters), dg_cl_u32(c->out_h), dg_cl_u32(c->out_w),
                 dg_cl_u32(first_tile), dg_cl_u32(self->row_tiles)),
      err);
}

static bool find_d_weight(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const backward_op *self = (backward_op *)op;
  const dg_cl_correlation *c = &self->forward;
  bool ok = true;
  for (uint32_t tile = 0; ok && tile < c->tiles; tile += self->tiles)
    ok = transform_tiles(op, b, tile, n, err) && transform_gradient_tiles(op, b, tile, n, err) &&
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
                                             .c_item = self->d_weights_point,
                                             .c_row = c->filters,
                                             .rows = c->channels,
                                             .columns = c->filters,
                                             .add = tile > 0},
                        err);
  return ok && dg_cl_launch(op, self->weight_transform_backward,
                            dg_cl_tiles(c->filters / DG_CL_VECTOR, c->channels, 1),
                            DG_CL_ARGS(dg_cl_mem(b->workspace), dg_cl_u32(self->d_weights),
                                       dg_cl_u32(self->d_weights_point), dg_cl_mem(b->d_param[0]),
                                       dg_cl_u32(c->channels), dg_cl_u32(c->filters)),
                            err);
}

static bool find_d_bias(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const backward_op *self = (backward_op *)op;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  const uint32_t pixels = self->forward.out_h * self->forward.out_w;
  return dg_cl_bias_find(op, &self->bias,
                         &(dg_cl_bias_sum){.from = b->d_out,
                                           .of = d->act.kind == DG_ACT_NONE ? NULL : b->out[0],
                                           .slope = dg_cl_leaky_slope(d->act),
                                           .plane = pixels,
                                           .count = pixels,
                                           .n = n,
                                           .filters = d->filters,
                                           .sums = b->workspace,
                                           .first_sum = self->bias_sums,
                                           .to = b->d_param[1]},
                         err);
}

static bool find_d_in(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  backward_op *self = (backward_op *)op;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  return dg_cl_correlate(
      op, &self->back,
      &(dg_cl_correlation_args){.from = b->d_out,
                                .of = d->act.kind == DG_ACT_NONE ? NULL : b->out[0],
                                .of_slope = dg_cl_leaky_slope(d->act),
                                .weight = b->param[0],
                                .flip = true,
                                .slope = 1,
                                .to = b->d_in[0],
                                .add = op->desc.d_in[0] == DG_GRAD_ADD,
                                .workspace = b->workspace,
                                .n = n},
      err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  return dz_to_pixels(op, b, step->n, err) && find_d_weight(op, b, step->n, err) &&
         find_d_bias(op, b, step->n, err) &&
         (op->desc.d_in[0] == DG_GRAD_NONE || find_d_in(op, b, step->n, err));
}

const dg_cl_implementation dg_cl_conv2d_winograd_backward = {.name = "winograd",
                                                             .saved = DG_CL_SAVED_WINOGRAD,
                                                             .fits = dg_cl_conv2d_winograd_fits,
                                                             .size = sizeof(backward_op),
                                                             .prepare = prepare,
                                                             .run = backward};
