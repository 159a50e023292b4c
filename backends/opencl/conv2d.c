/*
 * Convolutions, as products over padded planes (cl/planes.cl). In a plane with
 * lines of `pitch`, the terms of all outputs of a plane lie side by side, so
 * that output (oy, ox) is column oy * pitch + ox of an outer product; columns
 * with ox >= out_w are computed for nothing and dropped.
 *
 *   forward         y[oc][p]   = sum over k = (ic, ky, kx) of weight[oc][k] x_plane[k's place + p]
 *   input gradient  dx[ic][p]  = the same over planes of dz, dilated by the stride and padded by
 *                                kernel - 1 - pad, with the weights turned by 180 degrees
 *   weight gradient dw[oc][k]  = sum over samples and p of dz[oc][p] x_plane[k's place + p]
 *
 * where dz is dy times the derivative of the fused activation. The right
 * padding of a line is the left padding of the next, so a plane padded by 1
 * has lines of width + 1.
 *
 * A fused pooling takes the maxima of some samples' y while they are in a cache; y as a whole is
 * nowhere. Its gradient is spread as dz is padded.
 */
#include "backends/opencl/drop.h"
#include "backends/opencl/maximum.h"
#include "backends/opencl/planes.h"
#include "backends/opencl/product.h"

enum { VECTOR = 16 };

typedef struct {
  dg_cl_op op;
  cl_kernel outer, inner, sum_parts, sum_planes, sum_columns;
  cl_kernel drop; /* NULL where nothing is dropped */
  dg_cl_padder padder;
  dg_cl_maximum maximum; /* with a pooling, as the next three */
  dg_cl_pooled_padder pooled_padder;
  uint32_t chunk, chunk_first; /* samples whose y is in the workspace, and its place */
  uint32_t out_h, out_w;
  dg_cl_plane x;       /* of the input */
  bool pads_x;         /* or else the input serves as it lies */
  dg_cl_plane dz;      /* of the output's gradient, for the weight gradient */
  dg_cl_plane wide_dz; /* the same for the input gradient */
  bool one_dz;         /* wide_dz serves both */
  uint32_t parts;      /* of the samples, whose weight gradients are summed at the end */
  uint32_t dz_first, parts_first, sums_first; /* places in the workspace of backward */
  dg_buffer *forward_steps, *backward_steps;
} conv_op;

static uint32_t larger(uint32_t a, uint32_t b) {
  return a > b ? a : b;
}

/* From one plane to the next: planes that we write are aligned to vectors. */
static uint32_t plane_size(const dg_cl_plane *s) {
  return (uint32_t)dg_cl_round_up(s->lead + dg_cl_plane_area(s), VECTOR);
}

/* The same for the input, which may serve as it lies. */
static uint32_t x_plane_size(const conv_op *self) {
  return self->pads_x ? plane_size(&self->x) : dg_cl_plane_area(&self->x);
}

static dg_pool2d_desc pool_of(const dg_conv2d_desc *d) {
  return (dg_pool2d_desc){.channels = d->filters,
                          .height = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h),
                          .width = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w),
                          .kernel_h = d->pool,
                          .kernel_w = d->pool,
                          .stride_h = d->pool,
                          .stride_w = d->pool};
}

/* Behind a pooling dz must be dense and its origins not negative; a dropout comes behind one only.
 */
static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  const dg_conv2d_desc *d = &desc->conv2d;
  const dg_pool2d_desc pool = pool_of(d);
  if (!dg_cl_is_leaky(d->act)) return false;
  if (d->pool == 0) return d->drop.rate == 0;
  return dg_cl_drop_fits(d->drop, d->act) && dg_cl_maximum_fits(&pool) && d->stride_h == 1 &&
         d->stride_w == 1 && d->pad_h < d->kernel_h && d->pad_w < d->kernel_w &&
         pool.height >= d->pool && pool.width >= d->pool;
}

/* ---- shapes of planes --------------------------------------------------- */

/* A line is shared with the next one's left padding where the stride is 1. */
static dg_cl_plane shape_of_x(const dg_conv2d_desc *d, uint32_t out_w) {
  return (dg_cl_plane){
      .height = d->height,
      .width = d->width,
      .lines = (uint32_t)dg_cl_ceil_div(d->height + 2 * d->pad_h, d->stride_h) + (d->pad_w > 0),
      .pitch = d->stride_w == 1 ? larger(d->width + d->pad_w, out_w)
                                : (uint32_t)dg_cl_ceil_div(d->width + 2 * d->pad_w, d->stride_w),
      .phases_y = d->stride_h,
      .phases_x = d->stride_w,
      .dilation_y = 1,
      .dilation_x = 1,
      .origin_y = (int32_t)d->pad_h,
      .origin_x = (int32_t)d->pad_w,
  };
}

static dg_cl_plane shape_of_dz(const conv_op *self) {
  return (dg_cl_plane){
      .height = self->out_h,
      .width = self->out_w,
      .lines = self->out_h,
      .pitch = self->x.pitch,
      .phases_y = 1,
      .phases_x = 1,
      .dilation_y = 1,
      .dilation_x = 1,
  };
}

/* What the turned kernel reaches for height lines of width columns, and a last line that is only
   the right padding of the one before. */
static dg_cl_plane shape_of_wide_dz(const conv_op *self, const dg_conv2d_desc *d) {
  const int32_t origin_x = (int32_t)d->kernel_w - 1 - (int32_t)d->pad_w;
  const uint32_t left = origin_x > 0 ? (uint32_t)origin_x : 0;
  const int32_t end = origin_x + (int32_t)((self->out_w - 1) * d->stride_w + 1);
  uint32_t pitch = larger(d->width, d->width + d->kernel_w - 1 - left);
  if (end > 0) pitch = larger(pitch, (uint32_t)end);
  const int32_t origin_y = (int32_t)d->kernel_h - 1 - (int32_t)d->pad_h;
  return (dg_cl_plane){
      .lead = (uint32_t)(-(origin_y * (int32_t)pitch + origin_x)) % VECTOR,
      .height = self->out_h,
      .width = self->out_w,
      .lines = d->height + d->kernel_h,
      .pitch = pitch,
      .phases_y = 1,
      .phases_x = 1,
      .dilation_y = d->stride_h,
      .dilation_x = d->stride_w,
      .origin_y = origin_y,
      .origin_x = origin_x,
  };
}

/* ---- steps of the products ---------------------------------------------- */

/* Where weight k = (channel, ky, kx) meets column 0: its place in the weights, and in the planes.
 */
static dg_cl_product_step forward_step(const dg_cl_op *op, uint32_t k) {
  const conv_op *self = (const conv_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  const uint32_t kx = k % d->kernel_w, ky = k / d->kernel_w % d->kernel_h;
  const uint32_t channel = k / d->kernel_w / d->kernel_h;
  const dg_cl_plane *s = &self->x;
  const uint32_t phase = ky % s->phases_y * s->phases_x + kx % s->phases_x;
  const uint32_t line = phase * s->lines + ky / s->phases_y;
  return (dg_cl_product_step){k, channel * x_plane_size(self) + line * s->pitch + kx / s->phases_x};
}

/* The same for k = (filter, ky, kx) of the turned kernel. */
static dg_cl_product_step backward_step(const dg_cl_op *op, uint32_t k) {
  const conv_op *self = (const conv_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  const uint32_t kx = k % d->kernel_w, ky = k / d->kernel_w % d->kernel_h;
  const uint32_t area = d->kernel_h * d->kernel_w, filter = k / area;
  const dg_cl_plane *s = &self->wide_dz;
  return (dg_cl_product_step){filter * d->channels * area + area - 1 - ky * d->kernel_w - kx,
                              self->dz_first + filter * plane_size(s) + s->lead + ky * s->pitch +
                                  kx};
}

/* ---- prepare ------------------------------------------------------------ */

static uint32_t weights_of_filter(const dg_conv2d_desc *d) {
  return d->channels * d->kernel_h * d->kernel_w;
}

/* Lays the workspace of backward out: planes of x, planes of dz, parts of dw, sums of planes. */
static bool plan_backward(conv_op *self, dg_error *err) {
  const dg_conv2d_desc *d = &self->op.base.desc.conv2d;
  const uint64_t n = self->op.base.max_n;
  const uint32_t dz_size = self->one_dz ? plane_size(&self->wide_dz)
                                        : larger(plane_size(&self->dz), plane_size(&self->wide_dz));
  const uint64_t dz_first = self->pads_x ? n * d->channels * x_plane_size(self) : 0;
  const uint64_t parts_first = dz_first + n * d->filters * dz_size;
  const uint64_t sums_first =
      parts_first + (uint64_t)self->parts * d->filters * weights_of_filter(d);
  const uint64_t end = sums_first + n * d->filters;
  if (!dg_cl_check_count(end, err)) return false;
  self->dz_first = (uint32_t)dz_first;
  self->parts_first = (uint32_t)parts_first;
  self->sums_first = (uint32_t)sums_first;
  self->op.base.needs.backward_workspace = sizeof(float) * end;
  return true;
}

/* Numbers of a sample's output. */
static uint32_t out_count(const conv_op *self) {
  const dg_conv2d_desc *d = &self->op.base.desc.conv2d;
  return d->filters *
         (d->pool ? self->maximum.out_h * self->maximum.out_w : self->out_h * self->out_w);
}

static bool prepare_backward(conv_op *self, dg_error *err) {
  enum { PARTS = 16 }; /* whatever the device, so that sums are always taken in one order */
  dg_cl_op *op = &self->op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  const bool d_in = op->base.desc.d_in[0] != DG_GRAD_NONE;
  self->dz = shape_of_dz(self);
  self->wide_dz = d_in ? shape_of_wide_dz(self, d) : self->dz;
  self->one_dz = d_in && d->stride_h == 1 && d->stride_w == 1 && self->wide_dz.origin_y >= 0 &&
                 self->wide_dz.origin_x >= 0;
  self->parts = op->base.max_n < PARTS ? op->base.max_n : PARTS;
  if (!plan_backward(self, err)) return false;
  op->base.needs.backward_reads_in = true;
  op->base.needs.backward_reads_out = d->act.kind != DG_ACT_NONE;

  const uint32_t area = d->kernel_h * d->kernel_w;
  if (d_in) {
    self->backward_steps = dg_cl_product_steps(op, d->filters * area, backward_step, err);
    if (!self->backward_steps) return false;
  }
  if (d->pool) {
    op->base.needs.kept = sizeof(cl_ushort) * op->base.max_n * out_count(self);
    if (!dg_cl_pooled_padder_prepare(op, d->pool, self->maximum.out_w, &self->pooled_padder, err))
      return false;
  }
  self->inner = dg_cl_kernel(op, DG_CL_PRODUCTS, "inner", err);
  self->sum_parts = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_parts", err);
  self->sum_planes = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_planes", err);
  self->sum_columns = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_columns", err);
  return self->inner && self->sum_parts && self->sum_planes && self->sum_columns;
}

/* Makes what is fused behind the activation, and room for it behind x in the workspace. */
static bool prepare_ending(conv_op *self, uint64_t x_floats, dg_error *err) {
  enum { CACHED = 1 << 20 }; /* numbers of y at a time */
  dg_cl_op *op = &self->op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  if (d->drop.rate > 0) {
    self->drop = dg_cl_kernel(op, DG_CL_ELEMENTS, "dropout", err);
    if (!self->drop) return false;
  }
  if (!d->pool) return true;
  const dg_pool2d_desc pool = pool_of(d);
  const uint64_t sums = (uint64_t)d->filters * self->out_h * self->out_w;
  const uint64_t samples = sums < CACHED ? CACHED / sums : 1;
  self->chunk = samples < op->base.max_n ? (uint32_t)samples : op->base.max_n;
  self->chunk_first = (uint32_t)x_floats;
  op->base.needs.forward_workspace = sizeof(float) * (x_floats + self->chunk * sums);
  return dg_cl_check_count(x_floats + self->chunk * sums, err) &&
         dg_cl_maximum_prepare(op, &pool, &self->maximum, err);
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  conv_op *self = (conv_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  self->out_h = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h);
  self->out_w = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  self->x = shape_of_x(d, self->out_w);
  self->pads_x = d->pad_h || d->pad_w || d->stride_h > 1 || d->stride_w > 1;
  const uint64_t x_count = (uint64_t)op->base.max_n * d->channels * x_plane_size(self);
  const uint64_t sums = (uint64_t)op->base.max_n * d->filters * self->out_h * self->out_w;
  if (!dg_cl_check_count(x_count, err) || !dg_cl_check_count(sums, err)) return false;
  if (self->pads_x) op->base.needs.forward_workspace = sizeof(float) * x_count;
  if (!prepare_ending(self, self->pads_x ? x_count : 0, err)) return false;
  self->forward_steps = dg_cl_product_steps(op, weights_of_filter(d), forward_step, err);
  if (!self->forward_steps) return false;
  self->outer = dg_cl_kernel(op, DG_CL_PRODUCTS, "outer", err);
  return self->outer && dg_cl_padder_prepare(op, &self->padder, err) &&
         (!op->train || prepare_backward(self, err));
}

/* ---- run ---------------------------------------------------------------- */

/* The input in padded planes: as it lies, or copied to the start of the workspace. */
static bool pad_x(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, const dg_buffer **x,
                  dg_error *err) {
  const conv_op *self = (conv_op *)op;
  *x = self->pads_x ? b->workspace : b->in[0];
  return !self->pads_x || dg_cl_pad(op, &self->padder, &self->x,
                                    &(dg_cl_padding){.from = b->in[0],
                                                     .to = b->workspace,
                                                     .to_plane = plane_size(&self->x),
                                                     .planes = n * op->base.desc.conv2d.channels},
                                    err);
}

/* y of the samples from `first` on, where sample 0's would be at `place` of `to`, modulo 2^32. */
static bool find_sums(dg_cl_op *op, const dg_op_buffers *b, const dg_buffer *x, uint32_t first,
                      uint32_t count, const dg_buffer *to, uint32_t place, dg_error *err) {
  const conv_op *self = (conv_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  return dg_cl_outer(
      op, self->outer,
      &(dg_cl_outer_product){.a = b->param[0],
                             .a_row = weights_of_filter(d),
                             .steps = self->forward_steps,
                             .step_count = weights_of_filter(d),
                             .b = x,
                             .b_item = d->channels * x_plane_size(self),
                             .bias = d->bias ? b->param[1] : NULL,
                             .slope = dg_cl_leaky_slope(d->act),
                             .c = to,
                             .c_first = place,
                             .c_row = self->out_h * self->out_w,
                             .c_item = d->filters * self->out_h * self->out_w,
                             .first_item = first,
                             .items = count,
                             .rows = d->filters,
                             .columns = (self->out_h - 1) * self->x.pitch + self->out_w,
                             .pitch = self->x.pitch,
                             .width = self->out_w},
      err);
}

/* Makes y of a chunk of samples after the other, and takes their maxima. */
static bool find_maxima(dg_cl_op *op, const dg_op_buffers *b, const dg_buffer *x,
                        const dg_step *step, dg_error *err) {
  const conv_op *self = (conv_op *)op;
  const uint32_t filters = op->base.desc.conv2d.filters;
  const uint32_t sums = filters * self->out_h * self->out_w;
  bool ok = true;
  for (uint32_t first = 0; ok && first < step->n; first += self->chunk) {
    const uint32_t left = step->n - first, count = left < self->chunk ? left : self->chunk;
    ok = find_sums(op, b, x, first, count, b->workspace, self->chunk_first - first * sums, err) &&
         dg_cl_maximum_find(op, &self->maximum,
                            &(dg_cl_maxima){.from = b->workspace,
                                            .from_first = self->chunk_first,
                                            .to = b->out[0],
                                            .to_first = first * out_count(self),
                                            .places = b->kept,
                                            .planes = count * filters,
                                            .keep = step->train},
                            err);
  }
  return ok;
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const conv_op *self = (conv_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  const dg_buffer *x;
  if (!pad_x(op, b, step->n, &x, err)) return false;
  if (!d->pool) return find_sums(op, b, x, 0, step->n, b->out[0], 0, err);
  return find_maxima(op, b, x, step, err) &&
         (!dg_cl_drop_runs(d->drop, step) || dg_cl_drop(op, self->drop, d->drop, out_count(self),
                                                        b->out[0], b->out[0], false, step, err));
}

static bool pad_dz(dg_cl_op *op, const dg_cl_plane *s, const dg_op_buffers *b, uint32_t n,
                   dg_error *err) {
  const conv_op *self = (conv_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  const dg_cl_padding padding = {.from = b->d_out,
                                 .of = d->act.kind == DG_ACT_NONE ? NULL : b->out[0],
                                 .slope = dg_cl_leaky_slope(d->act),
                                 .to = b->workspace,
                                 .to_first = self->dz_first,
                                 .to_plane = plane_size(s),
                                 .planes = n * d->filters};
  if (!d->pool) return dg_cl_pad(op, &self->padder, s, &padding, err);
  return dg_cl_pad_pooled(op, &self->pooled_padder, s,
                          &(dg_cl_pooled_padding){.padding = padding,
                                                  .places = b->kept,
                                                  .scale = dg_cl_drop_scale(d->drop),
                                                  .pool = d->pool,
                                                  .out_h = self->maximum.out_h,
                                                  .out_w = self->maximum.out_w},
                          err);
}

static bool find_d_weight(dg_cl_op *op, const dg_op_buffers *b, const dg_buffer *x, uint32_t n,
                          dg_error *err) {
  const conv_op *self = (conv_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  const dg_cl_plane *dz = self->one_dz ? &self->wide_dz : &self->dz;
  const uint32_t origin = dz->lead + (uint32_t)(dz->origin_y * (int32_t)dz->pitch + dz->origin_x);
  const uint32_t share = (uint32_t)dg_cl_ceil_div(n, self->parts);
  const uint32_t weights = weights_of_filter(d);
  return dg_cl_inner(
             op, self->inner,
             &(dg_cl_inner_product){.x = b->workspace,
                                    .x_first = self->dz_first + origin,
                                    .x_row = plane_size(dz),
                                    .x_item = d->filters * plane_size(dz),
                                    .y = x,
                                    .y_item = d->channels * x_plane_size(self),
                                    .steps = self->forward_steps,
                                    .count = (self->out_h - 1) * self->x.pitch + self->out_w,
                                    .items = n,
                                    .share = share,
                                    .slope = 1,
                                    .c = b->workspace,
                                    .c_first = self->parts_first,
                                    .c_row = d->filters,
                                    .c_share = d->filters * weights,
                                    .x_rows = d->filters,
                                    .y_rows = weights},
             err) &&
         dg_cl_launch(op, self->sum_parts,
                      dg_cl_range_of((size_t[3]){d->filters, weights, 1}, (size_t[3]){16, 4, 1}),
                      DG_CL_ARGS(dg_cl_mem(b->workspace), dg_cl_u32(self->parts_first),
                                 dg_cl_mem(b->d_param[0]), dg_cl_u32(weights),
                                 dg_cl_u32(d->filters),
                                 dg_cl_u32((uint32_t)dg_cl_ceil_div(n, share))),
                      err);
}

static bool find_d_bias(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const conv_op *self = (conv_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  const dg_cl_plane *dz = self->one_dz ? &self->wide_dz : &self->dz;
  return dg_cl_launch(op, self->sum_planes,
                      dg_cl_range_of((size_t[3]){n * d->filters, 1, 1}, (size_t[3]){8, 1, 1}),
                      DG_CL_ARGS(dg_cl_mem(b->workspace), dg_cl_u32(self->dz_first + dz->lead),
                                 dg_cl_u32(plane_size(dz)), dg_cl_mem(NULL), dg_cl_f32(1),
                                 dg_cl_mem(b->workspace), dg_cl_u32(self->sums_first),
                                 dg_cl_u32(dg_cl_plane_area(dz)), dg_cl_u32(n * d->filters)),
                      err) &&
         dg_cl_launch(op, self->sum_columns, dg_cl_blocks(op->device, d->filters, 1),
                      DG_CL_ARGS(dg_cl_mem(b->workspace), dg_cl_u32(self->sums_first),
                                 dg_cl_mem(b->d_param[1]), dg_cl_u32(n), dg_cl_u32(d->filters)),
                      err);
}

static bool find_d_in(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const conv_op *self = (conv_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  const uint32_t area = d->kernel_h * d->kernel_w;
  return (self->one_dz || pad_dz(op, &self->wide_dz, b, n, err)) &&
         dg_cl_outer(
             op, self->outer,
             &(dg_cl_outer_product){.a = b->param[0],
                                    .a_row = area,
                                    .steps = self->backward_steps,
                                    .step_count = d->filters * area,
                                    .b = b->workspace,
                                    .b_item = d->filters * plane_size(&self->wide_dz),
                                    .slope = 1,
                                    .c = b->d_in[0],
                                    .c_row = d->height * d->width,
                                    .c_item = d->channels * d->height * d->width,
                                    .items = n,
                                    .rows = d->channels,
                                    .columns = (d->height - 1) * self->wide_dz.pitch + d->width,
                                    .pitch = self->wide_dz.pitch,
                                    .width = d->width,
                                    .add = op->base.desc.d_in[0] == DG_GRAD_ADD},
             err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const conv_op *self = (conv_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  const dg_buffer *x;
  return pad_x(op, b, step->n, &x, err) &&
         pad_dz(op, self->one_dz ? &self->wide_dz : &self->dz, b, step->n, err) &&
         find_d_weight(op, b, x, step->n, err) && (!d->bias || find_d_bias(op, b, step->n, err)) &&
         (op->base.desc.d_in[0] == DG_GRAD_NONE || find_d_in(op, b, step->n, err));
}

const dg_cl_family dg_cl_conv2d = {
    .size = sizeof(conv_op),
    .supports = supports,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
