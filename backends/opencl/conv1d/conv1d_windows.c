#include "backends/opencl/conv1d/conv1d_windows.h"

#include "backends/opencl/elementwise/leaky.h"

/* ---- common part of both directions ------------------------------------- */

uint32_t dg_cl_conv1d_window(const dg_conv1d_desc *d) {
  return d->kernel * d->in;
}

uint32_t dg_cl_conv1d_place(const dg_cl_conv1d_op *self, uint32_t t) {
  const dg_conv1d_desc *d = &self->op.desc.conv1d;
  return (self->pads_x ? self->x_first : 0) + t * d->stride * d->in;
}

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

/* Count of the numbers in the planes of x. */
static uint64_t count_x(const dg_cl_conv1d_op *self) {
  return (uint64_t)self->op.max_n * dg_cl_plane_area(&self->x);
}

uint64_t dg_cl_conv1d_end_of_x(const dg_cl_conv1d_op *self) {
  return self->x_first + (self->pads_x ? count_x(self) : 0);
}

bool dg_cl_conv1d_prepare(dg_cl_conv1d_op *self, dg_error *err) {
  dg_cl_op *op = &self->op;
  const dg_conv1d_desc *d = &op->desc.conv1d;
  const uint64_t weights = (uint64_t)d->filters * dg_cl_conv1d_window(d);
  self->out_steps = dg_window_out(d->steps, d->kernel, d->stride, d->pad);
  self->pads_x = d->pad > 0;
  self->x = plane_of_x(d);
  const uint64_t y = (uint64_t)op->max_n * self->out_steps * d->filters;
  if (!dg_cl_check_count(weights, err) || !dg_cl_check_count(count_x(self), err) ||
      !dg_cl_check_count(y, err))
    return false;
  self->x_first = (uint32_t)weights;
  self->reorder = dg_cl_kernel(op, DG_CL_ELEMENTS, "transpose", err);
  return self->reorder && dg_cl_padder_prepare(op, &self->padder, err);
}

bool dg_cl_conv1d_reorder(dg_cl_conv1d_op *self, const dg_op_buffers *b, dg_error *err) {
  const dg_conv1d_desc *d = &self->op.desc.conv1d;
  return dg_cl_launch(
      &self->op, self->reorder,
      dg_cl_range_of((size_t[3]){d->in, d->kernel, d->filters}, (size_t[3]){16, 4, 1}),
      DG_CL_ARGS(dg_cl_mem(b->param[0]), dg_cl_mem(b->workspace), dg_cl_u32(d->in),
                 dg_cl_u32(d->kernel), dg_cl_u32(false)),
      err);
}

bool dg_cl_conv1d_pad_x(dg_cl_conv1d_op *self, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  return !self->pads_x || dg_cl_pad(&self->op, &self->padder, &self->x,
                                    &(dg_cl_padding){.from = b->in[0],
                                                     .to = b->workspace,
                                                     .to_first = self->x_first,
                                                     .to_plane = dg_cl_plane_area(&self->x),
                                                     .planes = n},
                                    err);
}

/* ---- forward ------------------------------------------------------------ */

typedef struct {
  dg_cl_conv1d_op shared;
  cl_kernel inner;
  dg_buffer *windows; /* for step t: {0, offset of its window of x} */
} forward_op;

static dg_cl_gemm_offset window_offset(const dg_cl_op *op, uint32_t t) {
  return (dg_cl_gemm_offset){0, dg_cl_conv1d_place((const dg_cl_conv1d_op *)op, t)};
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  forward_op *self = (forward_op *)op;
  if (!dg_cl_conv1d_prepare(&self->shared, err)) return false;
  const uint64_t end = dg_cl_conv1d_end_of_x(&self->shared);
  if (!dg_cl_check_count(end, err)) return false;
  op->needs.workspace = sizeof(float) * end;
  self->inner = dg_cl_kernel(op, DG_CL_GEMM, "gemm_inner", err);
  self->windows = dg_cl_gemm_offsets(op, self->shared.out_steps, window_offset, err);
  return self->inner && self->windows;
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  forward_op *self = (forward_op *)op;
  const dg_conv1d_desc *d = &op->desc.conv1d;
  return dg_cl_conv1d_reorder(&self->shared, b, err) &&
         dg_cl_conv1d_pad_x(&self->shared, b, step->n, err) &&
         dg_cl_gemm_inner(op, self->inner,
                          &(dg_cl_gemm_inner_args){.x = b->workspace,
                                                   .x_row = dg_cl_conv1d_window(d),
                                                   .y = dg_cl_conv1d_x(&self->shared, b),
                                                   .y_item = dg_cl_plane_area(&self->shared.x),
                                                   .offsets = self->windows,
                                                   .count = dg_cl_conv1d_window(d),
                                                   .items = step->n,
                                                   .share = 1,
                                                   .bias = d->bias ? b->param[1] : NULL,
                                                   .slope = dg_cl_leaky_slope(d->act),
                                                   .c = b->out[0],
                                                   .c_row = d->filters,
                                                   .c_share = self->shared.out_steps * d->filters,
                                                   .x_rows = d->filters,
                                                   .y_rows = self->shared.out_steps},
                          err);
}

const dg_cl_implementation dg_cl_conv1d_windows_forward = {
    .name = "windows", .size = sizeof(forward_op), .prepare = prepare, .run = forward};
