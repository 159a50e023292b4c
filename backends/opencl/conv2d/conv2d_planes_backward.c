/* The gradients of convolutions over padded planes; see conv2d_planes.h for the notation. */
#include "backends/opencl/conv2d/bias.h"
#include "backends/opencl/conv2d/conv2d.h"
#include "backends/opencl/conv2d/conv2d_planes.h"
#include "backends/opencl/elementwise/drop.h"
#include "backends/opencl/elementwise/leaky.h"
#include "backends/opencl/pool/maxpool.h"

typedef struct {
  dg_cl_conv2d_planes planes;
  cl_kernel inner, sum_parts;
  dg_cl_bias bias;
  dg_cl_pooled_padder pooled_padder; /* for a fused pooling */
  dg_cl_plane dz;                    /* of the output's gradient, for the weight gradient */
  dg_cl_plane wide_dz;               /* the same for the input gradient */
  bool one_dz;                       /* wide_dz is used for both */
  uint32_t parts; /* of the samples, whose weight gradients are summed at the end */
  uint32_t dz_first, parts_first, sums_first; /* offsets in the workspace */
  dg_buffer *flipped_offsets;                 /* for weight k of the flipped kernel */
} backward_op;

/* ---- shapes of planes, and steps ---------------------------------------- */

static dg_cl_plane plane_of_dz(const dg_cl_conv2d_shape *shape) {
  return (dg_cl_plane){
      .height = shape->out_h,
      .width = shape->out_w,
      .lines = shape->out_h,
      .pitch = shape->x.pitch,
      .phases_y = 1,
      .phases_x = 1,
      .dilation_y = 1,
      .dilation_x = 1,
  };
}

/* The extent of the flipped kernel for height lines of width columns, including a last line that is
   only the right padding of the one before. */
static dg_cl_plane plane_of_wide_dz(const dg_cl_conv2d_shape *shape, const dg_conv2d_desc *d) {
  const int32_t origin_x = (int32_t)d->kernel_w - 1 - (int32_t)d->pad_w;
  const uint32_t left = origin_x > 0 ? (uint32_t)origin_x : 0;
  const int32_t end = origin_x + (int32_t)((shape->out_w - 1) * d->stride_w + 1);
  uint32_t pitch = dg_cl_larger(d->width, d->width + d->kernel_w - 1 - left);
  if (end > 0) pitch = dg_cl_larger(pitch, (uint32_t)end);
  const int32_t origin_y = (int32_t)d->kernel_h - 1 - (int32_t)d->pad_h;
  return (dg_cl_plane){
      .lead = (uint32_t)(-(origin_y * (int32_t)pitch + origin_x)) % DG_CL_CONV2D_VECTOR,
      .height = shape->out_h,
      .width = shape->out_w,
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

/* The position where weight k = (filter, ky, kx) of the flipped kernel meets column 0: its offset
   in the weights, and in the planes of dz. */
static dg_cl_gemm_offset flipped_offset(const dg_cl_op *op, uint32_t k) {
  const backward_op *self = (const backward_op *)op;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  const uint32_t kx = k % d->kernel_w, ky = k / d->kernel_w % d->kernel_h;
  const uint32_t area = d->kernel_h * d->kernel_w, filter = k / area;
  const dg_cl_plane *s = &self->wide_dz;
  return (dg_cl_gemm_offset){filter * d->channels * area + area - 1 - ky * d->kernel_w - kx,
                             self->dz_first + filter * dg_cl_conv2d_plane(s) + s->lead +
                                 ky * s->pitch + kx};
}

/* ---- prepare ------------------------------------------------------------ */

/* Assigns the parts of the workspace: planes of x, planes of dz, parts of dw, sums of planes. */
static bool plan(backward_op *self, dg_error *err) {
  const dg_conv2d_desc *d = &self->planes.op.desc.conv2d;
  const uint64_t n = self->planes.op.max_n;
  const uint32_t dz_size = self->one_dz ? dg_cl_conv2d_plane(&self->wide_dz)
                                        : dg_cl_larger(dg_cl_conv2d_plane(&self->dz),
                                                       dg_cl_conv2d_plane(&self->wide_dz));
  const uint64_t dz_first =
      self->planes.shape.pads_x ? n * d->channels * dg_cl_conv2d_x_plane(&self->planes.shape) : 0;
  const uint64_t parts_first = dz_first + n * d->filters * dz_size;
  const uint64_t sums_first =
      parts_first + (uint64_t)self->parts * d->filters * dg_cl_conv2d_weights(d);
  const uint64_t end = sums_first + n * d->filters;
  if (!dg_cl_check_count(end, err)) return false;
  self->dz_first = (uint32_t)dz_first;
  self->parts_first = (uint32_t)parts_first;
  self->sums_first = (uint32_t)sums_first;
  self->planes.op.needs.workspace = sizeof(float) * end;
  return true;
}

static void plan_dz(backward_op *self) {
  const dg_conv2d_desc *d = &self->planes.op.desc.conv2d;
  const bool d_in = self->planes.op.desc.d_in[0] != DG_GRAD_NONE;
  self->dz = plane_of_dz(&self->planes.shape);
  self->wide_dz = d_in ? plane_of_wide_dz(&self->planes.shape, d) : self->dz;
  self->one_dz = d_in && d->stride_h == 1 && d->stride_w == 1 && self->wide_dz.origin_y >= 0 &&
                 self->wide_dz.origin_x >= 0;
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  enum { PARTS = 16 }; /* the same for all devices, so that the order of sums is fixed */
  backward_op *self = (backward_op *)op;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  if (!dg_cl_conv2d_planes_prepare(&self->planes, err)) return false;
  self->parts = op->max_n < PARTS ? op->max_n : PARTS;
  plan_dz(self);
  if (!plan(self, err)) return false;
  op->needs.saved = dg_cl_conv2d_saved(op, &self->planes.shape);
  op->needs.reads_in = true;
  op->needs.reads_out = d->act.kind != DG_ACT_NONE;
  if (op->desc.d_in[0] != DG_GRAD_NONE) {
    const uint32_t count = d->filters * d->kernel_h * d->kernel_w;
    self->flipped_offsets = dg_cl_gemm_offsets(op, count, flipped_offset, err);
    if (!self->flipped_offsets) return false;
  }
  if (d->pool && !dg_cl_pooled_padder_prepare(op, d->pool, self->planes.shape.pooled_w,
                                              &self->pooled_padder, err))
    return false;
  self->inner = dg_cl_kernel(op, DG_CL_GEMM, "gemm_inner", err);
  self->sum_parts = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_parts", err);
  return self->inner && self->sum_parts && dg_cl_bias_prepare(op, &self->bias, err);
}

/* ---- run ---------------------------------------------------------------- */

static bool pad_dz(dg_cl_op *op, const dg_cl_plane *s, const dg_op_buffers *b, uint32_t n,
                   dg_error *err) {
  const backward_op *self = (backward_op *)op;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  const dg_cl_padding padding = {.from = b->d_out,
                                 .of = d->act.kind == DG_ACT_NONE ? NULL : b->out[0],
                                 .slope = dg_cl_leaky_slope(d->act),
                                 .to = b->workspace,
                                 .to_first = self->dz_first,
                                 .to_plane = dg_cl_conv2d_plane(s),
                                 .planes = n * d->filters};
  if (!d->pool) return dg_cl_pad(op, &self->planes.padder, s, &padding, err);
  return dg_cl_pad_pooled(op, &self->pooled_padder, s,
                          &(dg_cl_pooled_padding){.padding = padding,
                                                  .places = b->saved,
                                                  .scale = dg_cl_drop_scale(d->drop),
                                                  .pool = d->pool,
                                                  .out_h = self->planes.shape.pooled_h,
                                                  .out_w = self->planes.shape.pooled_w},
                          err);
}

static bool find_d_weight(dg_cl_op *op, const dg_op_buffers *b, const dg_buffer *x, uint32_t n,
                          dg_error *err) {
  const backward_op *self = (backward_op *)op;
  const dg_cl_conv2d_shape *shape = &self->planes.shape;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  const dg_cl_plane *dz = self->one_dz ? &self->wide_dz : &self->dz;
  const uint32_t origin = dz->lead + (uint32_t)(dz->origin_y * (int32_t)dz->pitch + dz->origin_x);
  const uint32_t share = (uint32_t)dg_cl_ceil_div(n, self->parts);
  const uint32_t weights = dg_cl_conv2d_weights(d);
  return dg_cl_gemm_inner(
             op, self->inner,
             &(dg_cl_gemm_inner_args){.x = b->workspace,
                                      .x_first = self->dz_first + origin,
                                      .x_row = dg_cl_conv2d_plane(dz),
                                      .x_item = d->filters * dg_cl_conv2d_plane(dz),
                                      .y = x,
                                      .y_item = d->channels * dg_cl_conv2d_x_plane(shape),
                                      .offsets = self->planes.offsets,
                                      .count = (shape->out_h - 1) * shape->x.pitch + shape->out_w,
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
  const backward_op *self = (backward_op *)op;
  const dg_cl_plane *dz = self->one_dz ? &self->wide_dz : &self->dz;
  return dg_cl_bias_find(op, &self->bias,
                         &(dg_cl_bias_sum){.from = b->workspace,
                                           .first = self->dz_first + dz->lead,
                                           .plane = dg_cl_conv2d_plane(dz),
                                           .slope = 1,
                                           .count = dg_cl_plane_area(dz),
                                           .n = n,
                                           .filters = op->desc.conv2d.filters,
                                           .sums = b->workspace,
                                           .first_sum = self->sums_first,
                                           .to = b->d_param[1]},
                         err);
}

static bool find_d_in(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const backward_op *self = (backward_op *)op;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  const uint32_t area = d->kernel_h * d->kernel_w;
  return (self->one_dz || pad_dz(op, &self->wide_dz, b, n, err)) &&
         dg_cl_gemm_outer(
             op, self->planes.outer,
             &(dg_cl_gemm_outer_args){.a = b->param[0],
                                      .a_row = area,
                                      .offsets = self->flipped_offsets,
                                      .depth = d->filters * area,
                                      .b = b->workspace,
                                      .b_item = d->filters * dg_cl_conv2d_plane(&self->wide_dz),
                                      .slope = 1,
                                      .c = b->d_in[0],
                                      .c_row = d->height * d->width,
                                      .c_item = d->channels * d->height * d->width,
                                      .items = n,
                                      .rows = d->channels,
                                      .columns = (d->height - 1) * self->wide_dz.pitch + d->width,
                                      .pitch = self->wide_dz.pitch,
                                      .width = d->width,
                                      .add = op->desc.d_in[0] == DG_GRAD_ADD},
             err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  backward_op *self = (backward_op *)op;
  const dg_buffer *x;
  return dg_cl_conv2d_pad_x(&self->planes, b, step->n, &x, err) &&
         pad_dz(op, self->one_dz ? &self->wide_dz : &self->dz, b, step->n, err) &&
         find_d_weight(op, b, x, step->n, err) && find_d_bias(op, b, step->n, err) &&
         (op->desc.d_in[0] == DG_GRAD_NONE || find_d_in(op, b, step->n, err));
}

const dg_cl_implementation dg_cl_conv2d_planes_backward = {.name = "planes",
                                                           .saved = DG_CL_SAVED_PLACES,
                                                           .size = sizeof(backward_op),
                                                           .prepare = prepare,
                                                           .run = backward};
