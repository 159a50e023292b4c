/*
 * Convolutions over steps. A window of `kernel` steps is contiguous, so with the weights in the
 * order of a window, [filters, kernel, in], all is products over rows that overlap:
 *
 *   forward         y[t][f]    = sum over k of x_window[t][k] weight[f][k]
 *   input gradient  dx[u][c]   = sum over step j < kernel and f of dz[u's window, step j][f]
 *                                weight[f][kernel - 1 - j][c]
 *   weight gradient dw[f][k]   = sum over samples and t of dz[t][f] x_window[t][k]
 *
 * where dz is dy times the derivative of the fused activation, its steps `stride` apart; x and dz
 * lie in planes with the zeros around them that their windows reach.
 */
#include "backends/opencl/conv2d/planes.h"
#include "backends/opencl/gemm/product.h"

typedef struct {
  dg_cl_op op;
  cl_kernel reorder, inner, outer, sum_parts, sum_columns;
  dg_cl_padder padder;
  uint32_t out_steps;
  dg_cl_plane x, dz;
  bool pads_x;         /* or else the input serves as it lies */
  uint32_t dz_reached; /* the line of dz where the window of dx's first step begins */
  uint32_t share;      /* of the samples; each share's weight gradient is a part of the whole */
  /* Places in a workspace, which begins with the weights in the order of a window. */
  uint32_t x_first, dz_first, parts_first;
  dg_buffer *windows; /* of step t: {0, place of its window of x} */
  dg_buffer *terms;   /* of dx's sum over j and f: {place in a window of dz, in the weights} */
  dg_buffer
      *samples; /* of dw's sum over samples and t: {place of the step of dz, of x_window[t]} */
} conv_op;

static uint32_t window_size(const dg_conv1d_desc *d) {
  return d->kernel * d->in;
}

static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  return dg_cl_is_leaky(desc->conv1d.act);
}

/* ---- planes ------------------------------------------------------------- */

static dg_cl_plane plane_of_x(const dg_conv1d_desc *d) {
  return (dg_cl_plane){
      .height = d->steps,
      .width = d->in,
      .lines = d->steps + 2 * d->pad,
      .pitch = d->in,
      .phases_y = 1,
      .phases_x = 1,
      .dilation_y = 1,
      .dilation_x = 1,
      .origin_y = (int32_t)d->pad,
  };
}

/* All steps of dz, even those that lie before or after what the windows of dx reach. */
static dg_cl_plane plane_of_dz(const conv_op *self, bool d_in) {
  const dg_conv1d_desc *d = &self->op.base.desc.conv1d;
  const uint32_t before = d_in && d->kernel - 1 > d->pad ? d->kernel - 1 - d->pad : 0;
  const uint32_t own = before + (self->out_steps - 1) * d->stride + 1;
  const uint32_t reached = d_in ? self->dz_reached + d->steps + d->kernel - 1 : 0;
  return (dg_cl_plane){
      .height = self->out_steps,
      .width = d->filters,
      .lines = own > reached ? own : reached,
      .pitch = d->filters,
      .phases_y = 1,
      .phases_x = 1,
      .dilation_y = d->stride,
      .dilation_x = 1,
      .origin_y = (int32_t)before,
  };
}

/* ---- steps of the products ---------------------------------------------- */

static uint32_t place_of_window(const conv_op *self, uint32_t t) {
  const dg_conv1d_desc *d = &self->op.base.desc.conv1d;
  return (self->pads_x ? self->x_first : 0) + t * d->stride * d->in;
}

static dg_cl_product_step window_step(const dg_cl_op *op, uint32_t t) {
  return (dg_cl_product_step){0, place_of_window((const conv_op *)op, t)};
}

static dg_cl_product_step term_step(const dg_cl_op *op, uint32_t k) {
  const conv_op *self = (const conv_op *)op;
  const dg_conv1d_desc *d = &op->base.desc.conv1d;
  const uint32_t step = k / d->filters, filter = k % d->filters;
  return (dg_cl_product_step){self->dz_first + self->dz_reached * d->filters + k,
                              (filter * d->kernel + d->kernel - 1 - step) * d->in};
}

static dg_cl_product_step sample_step(const dg_cl_op *op, uint32_t k) {
  const conv_op *self = (const conv_op *)op;
  const dg_conv1d_desc *d = &op->base.desc.conv1d;
  const uint32_t sample = k / self->out_steps, t = k % self->out_steps;
  const uint32_t line = (uint32_t)self->dz.origin_y + t * d->stride;
  return (dg_cl_product_step){self->dz_first + sample * dg_cl_plane_area(&self->dz) +
                                  line * d->filters,
                              sample * dg_cl_plane_area(&self->x) + place_of_window(self, t)};
}

/* ---- prepare ------------------------------------------------------------ */

/* Lays the workspaces out: weights, planes of x, and for backward planes of dz and parts of dw. */
static bool plan(conv_op *self, dg_error *err) {
  dg_cl_op *op = &self->op;
  const dg_conv1d_desc *d = &op->base.desc.conv1d;
  const uint64_t n = op->base.max_n, weights = (uint64_t)d->filters * window_size(d);
  const uint64_t dz_first = weights + (self->pads_x ? n * dg_cl_plane_area(&self->x) : 0);
  const uint64_t parts_first = dz_first + (op->train ? n * dg_cl_plane_area(&self->dz) : 0);
  const uint64_t end = parts_first + (op->train ? dg_cl_ceil_div(n, self->share) * weights : 0);
  const uint64_t x_end = n * dg_cl_plane_area(&self->x), y_end = n * self->out_steps * d->filters;
  if (!dg_cl_check_count(end, err) || !dg_cl_check_count(x_end, err) ||
      !dg_cl_check_count(y_end, err))
    return false;
  self->x_first = (uint32_t)weights;
  self->dz_first = (uint32_t)dz_first;
  self->parts_first = (uint32_t)parts_first;
  op->base.needs.forward_workspace = sizeof(float) * dz_first;
  if (op->train) op->base.needs.backward_workspace = sizeof(float) * end;
  return true;
}

static bool prepare_backward(conv_op *self, bool d_in, dg_error *err) {
  dg_cl_op *op = &self->op;
  const dg_conv1d_desc *d = &op->base.desc.conv1d;
  op->base.needs.backward_reads_in = true;
  op->base.needs.backward_reads_out = d->act.kind != DG_ACT_NONE;
  self->samples = dg_cl_product_steps(op, self->share * self->out_steps, sample_step, err);
  if (!self->samples) return false;
  if (d_in) {
    self->terms = dg_cl_product_steps(op, d->kernel * d->filters, term_step, err);
    if (!self->terms) return false;
  }
  self->outer = dg_cl_kernel(op, DG_CL_PRODUCTS, "outer", err);
  self->sum_parts = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_parts", err);
  self->sum_columns = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_columns", err);
  return self->outer && self->sum_parts && self->sum_columns;
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  enum { PARTS = 16 }; /* whatever the device, so that sums are always taken in one order */
  conv_op *self = (conv_op *)op;
  const dg_conv1d_desc *d = &op->base.desc.conv1d;
  const bool d_in = op->base.desc.d_in[0] != DG_GRAD_NONE;
  self->out_steps = dg_window_out(d->steps, d->kernel, d->stride, d->pad);
  self->pads_x = d->pad > 0;
  self->dz_reached = d->pad > d->kernel - 1 ? d->pad - (d->kernel - 1) : 0;
  self->x = plane_of_x(d);
  self->dz = plane_of_dz(self, d_in);
  self->share = (uint32_t)dg_cl_ceil_div(op->base.max_n, PARTS);
  if (!plan(self, err)) return false;
  self->windows = dg_cl_product_steps(op, self->out_steps, window_step, err);
  if (!self->windows) return false;
  self->reorder = dg_cl_kernel(op, DG_CL_ELEMENTS, "transpose", err);
  self->inner = dg_cl_kernel(op, DG_CL_PRODUCTS, "inner", err);
  return self->reorder && self->inner && dg_cl_padder_prepare(op, &self->padder, err) &&
         (!op->train || prepare_backward(self, d_in, err));
}

/* ---- run ---------------------------------------------------------------- */

/* The weights [filters, in, kernel] as [filters, kernel, in], to the start of the workspace. */
static bool reorder_weights(dg_cl_op *op, const dg_op_buffers *b, dg_error *err) {
  const dg_conv1d_desc *d = &op->base.desc.conv1d;
  return dg_cl_launch(
      op, ((conv_op *)op)->reorder,
      dg_cl_range_of((size_t[3]){d->in, d->kernel, d->filters}, (size_t[3]){16, 4, 1}),
      DG_CL_ARGS(dg_cl_mem(b->param[0]), dg_cl_mem(b->workspace), dg_cl_u32(d->in),
                 dg_cl_u32(d->kernel), dg_cl_u32(false)),
      err);
}

static bool pad_x(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const conv_op *self = (conv_op *)op;
  return !self->pads_x || dg_cl_pad(op, &self->padder, &self->x,
                                    &(dg_cl_padding){.from = b->in[0],
                                                     .to = b->workspace,
                                                     .to_first = self->x_first,
                                                     .to_plane = dg_cl_plane_area(&self->x),
                                                     .planes = n},
                                    err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const conv_op *self = (conv_op *)op;
  const dg_conv1d_desc *d = &op->base.desc.conv1d;
  return reorder_weights(op, b, err) && pad_x(op, b, step->n, err) &&
         dg_cl_inner(op, self->inner,
                     &(dg_cl_inner_product){.x = b->workspace,
                                            .x_row = window_size(d),
                                            .y = self->pads_x ? b->workspace : b->in[0],
                                            .y_item = dg_cl_plane_area(&self->x),
                                            .steps = self->windows,
                                            .count = window_size(d),
                                            .items = step->n,
                                            .share = 1,
                                            .bias = d->bias ? b->param[1] : NULL,
                                            .slope = dg_cl_leaky_slope(d->act),
                                            .c = b->out[0],
                                            .c_row = d->filters,
                                            .c_share = self->out_steps * d->filters,
                                            .x_rows = d->filters,
                                            .y_rows = self->out_steps},
                     err);
}

static bool pad_dz(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const conv_op *self = (conv_op *)op;
  const dg_conv1d_desc *d = &op->base.desc.conv1d;
  return dg_cl_pad(op, &self->padder, &self->dz,
                   &(dg_cl_padding){.from = b->d_out,
                                    .of = d->act.kind == DG_ACT_NONE ? NULL : b->out[0],
                                    .slope = dg_cl_leaky_slope(d->act),
                                    .to = b->workspace,
                                    .to_first = self->dz_first,
                                    .to_plane = dg_cl_plane_area(&self->dz),
                                    .planes = n},
                   err);
}

/* Parts of dw, each of so many samples. */
static bool find_parts(dg_cl_op *op, const dg_op_buffers *b, uint32_t first, uint32_t parts,
                       uint32_t samples, dg_error *err) {
  const conv_op *self = (conv_op *)op;
  const dg_conv1d_desc *d = &op->base.desc.conv1d;
  const uint32_t size = window_size(d);
  return parts == 0 || samples == 0 ||
         dg_cl_outer(op, self->outer,
                     &(dg_cl_outer_product){.a = b->workspace,
                                            .a_row = 1,
                                            .a_item = self->share * dg_cl_plane_area(&self->dz),
                                            .steps = self->samples,
                                            .step_count = samples * self->out_steps,
                                            .b = self->pads_x ? b->workspace : b->in[0],
                                            .b_item = self->share * dg_cl_plane_area(&self->x),
                                            .slope = 1,
                                            .c = b->workspace,
                                            .c_first = self->parts_first,
                                            .c_row = size,
                                            .c_item = d->filters * size,
                                            .first_item = first,
                                            .items = parts,
                                            .rows = d->filters,
                                            .columns = size,
                                            .pitch = size,
                                            .width = size},
                     err);
}

static bool find_d_weight(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const conv_op *self = (conv_op *)op;
  const dg_conv1d_desc *d = &op->base.desc.conv1d;
  const uint32_t whole = n / self->share, rest = n % self->share;
  return find_parts(op, b, 0, whole, self->share, err) && find_parts(op, b, whole, 1, rest, err) &&
         dg_cl_launch(
             op, self->sum_parts,
             dg_cl_range_of((size_t[3]){d->in, d->kernel, d->filters}, (size_t[3]){16, 4, 1}),
             DG_CL_ARGS(dg_cl_mem(b->workspace), dg_cl_u32(self->parts_first),
                        dg_cl_mem(b->d_param[0]), dg_cl_u32(d->kernel), dg_cl_u32(d->in),
                        dg_cl_u32(whole + (rest > 0))),
             err);
}

static bool find_d_bias(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const conv_op *self = (conv_op *)op;
  const uint32_t filters = op->base.desc.conv1d.filters;
  return dg_cl_launch(op, self->sum_columns, dg_cl_blocks(op->device, filters, 1),
                      DG_CL_ARGS(dg_cl_mem(b->workspace), dg_cl_u32(self->dz_first),
                                 dg_cl_mem(b->d_param[1]), dg_cl_u32(n * self->dz.lines),
                                 dg_cl_u32(filters)),
                      err);
}

static bool find_d_in(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const conv_op *self = (conv_op *)op;
  const dg_conv1d_desc *d = &op->base.desc.conv1d;
  return reorder_weights(op, b, err) &&
         dg_cl_outer(op, self->outer,
                     &(dg_cl_outer_product){.a = b->workspace,
                                            .a_row = d->filters,
                                            .a_item = dg_cl_plane_area(&self->dz),
                                            .steps = self->terms,
                                            .step_count = d->kernel * d->filters,
                                            .b = b->workspace,
                                            .slope = 1,
                                            .c = b->d_in[0],
                                            .c_row = d->in,
                                            .c_item = d->steps * d->in,
                                            .items = n,
                                            .rows = d->steps,
                                            .columns = d->in,
                                            .pitch = d->in,
                                            .width = d->in,
                                            .add = op->base.desc.d_in[0] == DG_GRAD_ADD},
                     err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_conv1d_desc *d = &op->base.desc.conv1d;
  return pad_x(op, b, step->n, err) && pad_dz(op, b, step->n, err) &&
         find_d_weight(op, b, step->n, err) && (!d->bias || find_d_bias(op, b, step->n, err)) &&
         (op->base.desc.d_in[0] == DG_GRAD_NONE || find_d_in(op, b, step->n, err));
}

const dg_cl_family dg_cl_conv1d = {
    .size = sizeof(conv_op),
    .supports = supports,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
