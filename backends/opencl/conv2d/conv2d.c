/*
 * Convolutions, as products over padded planes (cl/conv2d/planes.cl). In a plane with
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
#include "backends/opencl/conv2d/conv2d.h"

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
  if (!dg_cl_is_leaky(d->act) || d->moments) return false;
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
      .pitch = d->stride_w == 1 ? dg_cl_larger(d->width + d->pad_w, out_w)
                                : (uint32_t)dg_cl_ceil_div(d->width + 2 * d->pad_w, d->stride_w),
      .phases_y = d->stride_h,
      .phases_x = d->stride_w,
      .dilation_y = 1,
      .dilation_x = 1,
      .origin_y = (int32_t)d->pad_h,
      .origin_x = (int32_t)d->pad_w,
  };
}

/* ---- steps of the products ---------------------------------------------- */

/* Where weight k = (channel, ky, kx) meets column 0: its place in the weights, and in the planes.
 */
static dg_cl_product_step forward_step(const dg_cl_op *op, uint32_t k) {
  const dg_cl_conv2d_op *self = (const dg_cl_conv2d_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  const uint32_t kx = k % d->kernel_w, ky = k / d->kernel_w % d->kernel_h;
  const uint32_t channel = k / d->kernel_w / d->kernel_h;
  const dg_cl_plane *s = &self->x;
  const uint32_t phase = ky % s->phases_y * s->phases_x + kx % s->phases_x;
  const uint32_t line = phase * s->lines + ky / s->phases_y;
  return (dg_cl_product_step){k, channel * dg_cl_conv2d_x_plane(self) + line * s->pitch +
                                     kx / s->phases_x};
}

/* ---- prepare ------------------------------------------------------------ */

/* Room for the sums of some samples behind x in the workspace, of which maxima are taken. */
static bool prepare_chunks(dg_cl_conv2d_op *self, uint64_t x_floats, dg_error *err) {
  enum { CACHED = 1 << 20 }; /* numbers of y at a time */
  dg_cl_op *op = &self->op;
  const uint64_t sums = (uint64_t)op->base.desc.conv2d.filters * self->out_h * self->out_w;
  const uint64_t samples = sums < CACHED ? CACHED / sums : 1;
  self->chunk = samples < op->base.max_n ? (uint32_t)samples : op->base.max_n;
  self->chunk_first = (uint32_t)x_floats;
  op->base.needs.forward_workspace = sizeof(float) * (x_floats + self->chunk * sums);
  return dg_cl_check_count(x_floats + self->chunk * sums, err);
}

/* Makes what forward needs over padded planes. */
static bool prepare_planes(dg_cl_conv2d_op *self, uint64_t x_floats, dg_error *err) {
  dg_cl_op *op = &self->op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  op->base.needs.forward_workspace = sizeof(float) * x_floats;
  return !d->pool || prepare_chunks(self, x_floats, err);
}

/* Makes what is fused behind the activation. */
static bool prepare_ending(dg_cl_conv2d_op *self, dg_error *err) {
  const dg_conv2d_desc *d = &self->op.base.desc.conv2d;
  if (d->drop.rate > 0) {
    self->drop = dg_cl_kernel(&self->op, DG_CL_ELEMENTS, "dropout", err);
    if (!self->drop) return false;
  }
  const dg_pool2d_desc pool = pool_of(d);
  return !d->pool || dg_cl_maximum_prepare(&self->op, &pool, &self->maximum, err);
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  dg_cl_conv2d_op *self = (dg_cl_conv2d_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  self->out_h = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h);
  self->out_w = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  self->x = shape_of_x(d, self->out_w);
  self->pads_x = d->pad_h || d->pad_w || d->stride_h > 1 || d->stride_w > 1;
  const uint64_t x_count = (uint64_t)op->base.max_n * d->channels * dg_cl_conv2d_x_plane(self);
  const uint64_t sums = (uint64_t)op->base.max_n * d->filters * self->out_h * self->out_w;
  if (!dg_cl_check_count(x_count, err) || !dg_cl_check_count(sums, err) ||
      !prepare_ending(self, err))
    return false;
  const bool by_rows = dg_cl_conv2d_rows_fit(op->device, d);
  if (by_rows ? !dg_cl_conv2d_rows_prepare(self, err)
              : !prepare_planes(self, self->pads_x ? x_count : 0, err))
    return false;
  if (by_rows && !op->train) return true;
  self->forward_steps = dg_cl_product_steps(op, dg_cl_conv2d_weights(d), forward_step, err);
  if (!self->forward_steps) return false;
  self->outer = dg_cl_kernel(op, DG_CL_PRODUCTS, "outer", err);
  return self->outer && dg_cl_padder_prepare(op, &self->padder, err) &&
         (!op->train || dg_cl_conv2d_prepare_backward(self, err));
}

/* ---- run ---------------------------------------------------------------- */

bool dg_cl_conv2d_pad_x(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, const dg_buffer **x,
                        dg_error *err) {
  const dg_cl_conv2d_op *self = (dg_cl_conv2d_op *)op;
  *x = self->pads_x ? b->workspace : b->in[0];
  return !self->pads_x || dg_cl_pad(op, &self->padder, &self->x,
                                    &(dg_cl_padding){.from = b->in[0],
                                                     .to = b->workspace,
                                                     .to_plane = dg_cl_conv2d_plane(&self->x),
                                                     .planes = n * op->base.desc.conv2d.channels},
                                    err);
}

/* y of the samples from `first` on, where sample 0's would be at `place` of `to`, modulo 2^32. */
static bool find_sums(dg_cl_op *op, const dg_op_buffers *b, const dg_buffer *x, uint32_t first,
                      uint32_t count, const dg_buffer *to, uint32_t place, dg_error *err) {
  const dg_cl_conv2d_op *self = (dg_cl_conv2d_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  return dg_cl_outer(
      op, self->outer,
      &(dg_cl_outer_product){.a = b->param[0],
                             .a_row = dg_cl_conv2d_weights(d),
                             .steps = self->forward_steps,
                             .step_count = dg_cl_conv2d_weights(d),
                             .b = x,
                             .b_item = d->channels * dg_cl_conv2d_x_plane(self),
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
  const dg_cl_conv2d_op *self = (dg_cl_conv2d_op *)op;
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
                                            .to_first = first * dg_cl_conv2d_out(self),
                                            .places = b->kept,
                                            .planes = count * filters,
                                            .keep = step->train},
                            err);
  }
  return ok;
}

/* Forward over padded planes, but for a dropout. */
static bool forward_planes(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step,
                           dg_error *err) {
  const dg_buffer *x;
  if (!dg_cl_conv2d_pad_x(op, b, step->n, &x, err)) return false;
  return op->base.desc.conv2d.pool ? find_maxima(op, b, x, step, err)
                                   : find_sums(op, b, x, 0, step->n, b->out[0], 0, err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  dg_cl_conv2d_op *self = (dg_cl_conv2d_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  const bool right =
      self->rows ? dg_cl_conv2d_rows_forward(self, b, step, err) : forward_planes(op, b, step, err);
  return right && (!dg_cl_drop_runs(d->drop, step) ||
                   dg_cl_drop(op, self->drop, d->drop, dg_cl_conv2d_out(self), b->out[0], b->out[0],
                              false, step, err));
}

const dg_cl_family dg_cl_conv2d = {
    .size = sizeof(dg_cl_conv2d_op),
    .supports = supports,
    .prepare = prepare,
    .forward = forward,
    .backward = dg_cl_conv2d_backward,
};
