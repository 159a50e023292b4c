#include "backends/opencl/conv2d/conv2d_planes.h"

#include "backends/opencl/conv2d/conv2d.h"
#include "backends/opencl/elementwise/drop.h"
#include "backends/opencl/elementwise/leaky.h"
#include "backends/opencl/pool/maxpool.h"

/* ---- common part of both directions ------------------------------------- */

/* If the stride is 1, the right padding of a line is the left padding of the next one. */
static dg_cl_plane plane_of_x(const dg_conv2d_desc *d, uint32_t out_w) {
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

dg_cl_conv2d_shape dg_cl_conv2d_shape_of(const dg_conv2d_desc *d) {
  const uint32_t out_h = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h);
  const uint32_t out_w = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  return (dg_cl_conv2d_shape){
      .out_h = out_h,
      .out_w = out_w,
      .pooled_h = d->pool ? out_h / d->pool : out_h,
      .pooled_w = d->pool ? out_w / d->pool : out_w,
      .x = plane_of_x(d, out_w),
      .pads_x = d->pad_h || d->pad_w || d->stride_h > 1 || d->stride_w > 1,
  };
}

/* Count of the numbers in the input's planes. */
static uint64_t count_x(const dg_cl_op *op, const dg_cl_conv2d_shape *shape) {
  return (uint64_t)op->max_n * op->desc.conv2d.channels * dg_cl_conv2d_x_plane(shape);
}

bool dg_cl_conv2d_shape_check(const dg_cl_op *op, const dg_cl_conv2d_shape *shape, dg_error *err) {
  const uint64_t sums = (uint64_t)op->max_n * op->desc.conv2d.filters * shape->out_h * shape->out_w;
  return dg_cl_check_count(count_x(op, shape), err) && dg_cl_check_count(sums, err);
}

dg_pool2d_desc dg_cl_conv2d_pool(const dg_conv2d_desc *d) {
  return (dg_pool2d_desc){.channels = d->filters,
                          .height = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h),
                          .width = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w),
                          .kernel_h = d->pool,
                          .kernel_w = d->pool,
                          .stride_h = d->pool,
                          .stride_w = d->pool};
}

size_t dg_cl_conv2d_saved(const dg_cl_op *op, const dg_cl_conv2d_shape *shape) {
  const dg_conv2d_desc *d = &op->desc.conv2d;
  return d->pool ? sizeof(cl_ushort) * op->max_n * dg_cl_conv2d_out(d, shape) : 0;
}

/* The position where weight k = (channel, ky, kx) meets column 0: its offset in the weights, and in
   the planes. */
static dg_cl_gemm_offset weight_offset(const dg_cl_op *op, uint32_t k) {
  const dg_cl_conv2d_shape *shape = &((const dg_cl_conv2d_planes *)op)->shape;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  const uint32_t kx = k % d->kernel_w, ky = k / d->kernel_w % d->kernel_h;
  const uint32_t channel = k / d->kernel_w / d->kernel_h;
  const dg_cl_plane *s = &shape->x;
  const uint32_t phase = ky % s->phases_y * s->phases_x + kx % s->phases_x;
  const uint32_t line = phase * s->lines + ky / s->phases_y;
  return (dg_cl_gemm_offset){k, channel * dg_cl_conv2d_x_plane(shape) + line * s->pitch +
                                    kx / s->phases_x};
}

bool dg_cl_conv2d_planes_prepare(dg_cl_conv2d_planes *self, dg_error *err) {
  dg_cl_op *op = &self->op;
  self->shape = dg_cl_conv2d_shape_of(&op->desc.conv2d);
  if (!dg_cl_conv2d_shape_check(op, &self->shape, err)) return false;
  self->offsets =
      dg_cl_gemm_offsets(op, dg_cl_conv2d_weights(&op->desc.conv2d), weight_offset, err);
  if (!self->offsets) return false;
  self->outer = dg_cl_kernel(op, DG_CL_GEMM, "gemm_outer", err);
  return self->outer && dg_cl_padder_prepare(op, &self->padder, err);
}

bool dg_cl_conv2d_pad_x(dg_cl_conv2d_planes *self, const dg_op_buffers *b, uint32_t n,
                        const dg_buffer **x, dg_error *err) {
  const dg_cl_conv2d_shape *shape = &self->shape;
  *x = shape->pads_x ? b->workspace : b->in[0];
  return !shape->pads_x || dg_cl_pad(&self->op, &self->padder, &shape->x,
                                     &(dg_cl_padding){.from = b->in[0],
                                                      .to = b->workspace,
                                                      .to_plane = dg_cl_conv2d_plane(&shape->x),
                                                      .planes = n * self->op.desc.conv2d.channels},
                                     err);
}

/* ---- forward ------------------------------------------------------------ */

typedef struct {
  dg_cl_conv2d_planes planes;
  cl_kernel drop;
  dg_cl_maxpool maximum;       /* for a fused pooling, as the next two */
  uint32_t chunk, chunk_first; /* samples whose y is in the workspace, and its offset */
} forward_op;

/* Reserves room for the sums of some samples, to be pooled, after x in the workspace. */
static bool prepare_chunks(forward_op *self, uint64_t x_floats, dg_error *err) {
  enum { CACHED = 1 << 20 }; /* numbers of y at a time */
  dg_cl_op *op = &self->planes.op;
  const dg_cl_conv2d_shape *shape = &self->planes.shape;
  const uint64_t sums = (uint64_t)op->desc.conv2d.filters * shape->out_h * shape->out_w;
  const uint64_t samples = sums < CACHED ? CACHED / sums : 1;
  self->chunk = samples < op->max_n ? (uint32_t)samples : op->max_n;
  self->chunk_first = (uint32_t)x_floats;
  op->needs.workspace = sizeof(float) * (x_floats + self->chunk * sums);
  return dg_cl_check_count(x_floats + self->chunk * sums, err);
}

static bool prepare_pool(forward_op *self, uint64_t x_floats, dg_error *err) {
  dg_cl_op *op = &self->planes.op;
  const dg_pool2d_desc pool = dg_cl_conv2d_pool(&op->desc.conv2d);
  return dg_cl_maxpool_prepare(op, &pool, &self->maximum, err) &&
         prepare_chunks(self, x_floats, err);
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  forward_op *self = (forward_op *)op;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  if (!dg_cl_conv2d_planes_prepare(&self->planes, err)) return false;
  const uint64_t x_floats = self->planes.shape.pads_x ? count_x(op, &self->planes.shape) : 0;
  op->needs.workspace = sizeof(float) * x_floats;
  return (!d->pool || prepare_pool(self, x_floats, err)) &&
         dg_cl_drop_prepare(op, d->drop, &self->drop, err);
}

/* Computes y of the samples from `first` on; sample 0's would be at `place` of `to`, modulo
   2^32. */
static bool find_sums(dg_cl_op *op, const dg_op_buffers *b, const dg_buffer *x, uint32_t first,
                      uint32_t count, const dg_buffer *to, uint32_t place, dg_error *err) {
  const dg_cl_conv2d_planes *self = (dg_cl_conv2d_planes *)op;
  const dg_cl_conv2d_shape *shape = &self->shape;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  return dg_cl_gemm_outer(
      op, self->outer,
      &(dg_cl_gemm_outer_args){.a = b->param[0],
                               .a_row = dg_cl_conv2d_weights(d),
                               .offsets = self->offsets,
                               .depth = dg_cl_conv2d_weights(d),
                               .b = x,
                               .b_item = d->channels * dg_cl_conv2d_x_plane(shape),
                               .bias = d->bias ? b->param[1] : NULL,
                               .slope = dg_cl_leaky_slope(d->act),
                               .c = to,
                               .c_first = place,
                               .c_row = shape->out_h * shape->out_w,
                               .c_item = d->filters * shape->out_h * shape->out_w,
                               .first_item = first,
                               .items = count,
                               .rows = d->filters,
                               .columns = (shape->out_h - 1) * shape->x.pitch + shape->out_w,
                               .pitch = shape->x.pitch,
                               .width = shape->out_w},
      err);
}

/* Computes y of one chunk of samples after the other, and pools it. */
static bool find_maxima(dg_cl_op *op, const dg_op_buffers *b, const dg_buffer *x,
                        const dg_step *step, dg_error *err) {
  const forward_op *self = (forward_op *)op;
  const dg_cl_conv2d_shape *shape = &self->planes.shape;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  const uint32_t sums = d->filters * shape->out_h * shape->out_w;
  bool ok = true;
  for (uint32_t first = 0; ok && first < step->n; first += self->chunk) {
    const uint32_t left = step->n - first, count = left < self->chunk ? left : self->chunk;
    ok = find_sums(op, b, x, first, count, b->workspace, self->chunk_first - first * sums, err) &&
         dg_cl_maxpool_run(op, &self->maximum,
                           &(dg_cl_maxpool_args){.from = b->workspace,
                                                 .from_first = self->chunk_first,
                                                 .to = b->out[0],
                                                 .to_first = first * dg_cl_conv2d_out(d, shape),
                                                 .places = b->saved,
                                                 .planes = count * d->filters,
                                                 .keep = step->train},
                           err);
  }
  return ok;
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  forward_op *self = (forward_op *)op;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  const dg_buffer *x;
  return dg_cl_conv2d_pad_x(&self->planes, b, step->n, &x, err) &&
         (d->pool ? find_maxima(op, b, x, step, err)
                  : find_sums(op, b, x, 0, step->n, b->out[0], 0, err)) &&
         dg_cl_drop_epilogue(op, self->drop, d->drop, dg_cl_conv2d_out(d, &self->planes.shape),
                             b->out[0], step, err);
}

const dg_cl_implementation dg_cl_conv2d_planes_forward = {.name = "planes",
                                                          .saved = DG_CL_SAVED_PLACES,
                                                          .size = sizeof(forward_op),
                                                          .prepare = prepare,
                                                          .run = forward};
