/* Convolutions in groups of channels: a work-item computes some columns of a row. */
#include "backends/opencl/conv2d/depthwise.h"
#include "backends/opencl/runtime/implementation.h"

/* The sizes, as the kernels read them. */
typedef struct {
  uint32_t channels, height, width, filters, out_h, out_w;
  uint32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_h, pad_w;
  uint32_t group_channels, group_filters;
} sizes;

static sizes sizes_of(const dg_grouped_conv2d_desc *d) {
  return (sizes){.channels = d->channels,
                 .height = d->height,
                 .width = d->width,
                 .filters = d->filters,
                 .out_h = dg_grouped_conv2d_out_h(d),
                 .out_w = dg_grouped_conv2d_out_w(d),
                 .kernel_h = d->kernel_h,
                 .kernel_w = d->kernel_w,
                 .stride_h = d->stride_h,
                 .stride_w = d->stride_w,
                 .dilation_h = d->dilation_h,
                 .dilation_w = d->dilation_w,
                 .pad_h = d->pad_h,
                 .pad_w = d->pad_w,
                 .group_channels = d->channels / d->groups,
                 .group_filters = d->filters / d->groups};
}

static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  const dg_grouped_conv2d_desc *d = &desc->grouped_conv2d;
  (void)device;
  return dg_grouped_conv2d_out_h(d) > 0 && dg_grouped_conv2d_out_w(d) > 0;
}

typedef struct {
  dg_cl_op op;
  const dg_buffer *sizes;
  cl_kernel kernel;                        /* forward */
  cl_kernel activation, d_input, d_weight; /* backward */
} grouped_op;

static bool prepare_sizes(grouped_op *self, dg_error *err) {
  const sizes s = sizes_of(&self->op.desc.grouped_conv2d);
  self->sizes = dg_cl_table(&self->op, &s, sizeof s, err);
  return self->sizes;
}

/* Work-items for rows of `width` numbers in `height` lines of some planes. */
static dg_cl_range range_of(const dg_cl_op *op, uint32_t width, uint32_t height, uint32_t planes) {
  return dg_cl_range_of((size_t[3]){dg_cl_ceil_div(width, dg_cl_width(op->device)), height, planes},
                        (size_t[3]){4, 4, 1});
}

/* ---- forward ------------------------------------------------------------ */

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  grouped_op *self = (grouped_op *)op;
  self->kernel = dg_cl_kernel(op, DG_CL_GROUPED, "grouped_forward", err);
  return self->kernel && prepare_sizes(self, err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const grouped_op *self = (grouped_op *)op;
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  const dg_cl_range range =
      range_of(op, dg_grouped_conv2d_out_w(d), dg_grouped_conv2d_out_h(d), step->n * d->filters);
  return dg_cl_launch(op, self->kernel, range,
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->param[0]),
                                 dg_cl_mem(d->bias ? b->param[1] : NULL), dg_cl_mem(b->out[0]),
                                 dg_cl_mem(self->sizes), dg_cl_u32(d->act.kind),
                                 dg_cl_f32(d->act.slope)),
                      err);
}

/* ---- backward ----------------------------------------------------------- */

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  grouped_op *self = (grouped_op *)op;
  const bool act = op->desc.grouped_conv2d.act.kind != DG_ACT_NONE;
  op->needs.reads_in = true;
  op->needs.reads_out = act;
  if (act) op->needs.workspace = op->max_n * dg_op_sizes_of(&op->desc).out[0] * sizeof(float);
  if (act && !(self->activation = dg_cl_kernel(op, DG_CL_GROUPED, "activation_backward", err)))
    return false;
  self->d_input = dg_cl_kernel(op, DG_CL_GROUPED, "grouped_backward_input", err);
  self->d_weight = dg_cl_kernel(op, DG_CL_GROUPED, "grouped_backward_weight", err);
  return self->d_input && self->d_weight && prepare_sizes(self, err);
}

/* Writes the gradient before the activation to the workspace. */
static bool before_activation(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step,
                              dg_error *err) {
  const dg_act *act = &op->desc.grouped_conv2d.act;
  const uint32_t count = step->n * (uint32_t)dg_op_sizes_of(&op->desc).out[0];
  return dg_cl_launch(op, ((grouped_op *)op)->activation, dg_cl_blocks(op->device, count, 1),
                      DG_CL_ARGS(dg_cl_mem(b->out[0]), dg_cl_mem(b->d_out), dg_cl_mem(b->workspace),
                                 dg_cl_u32(count), dg_cl_u32(act->kind), dg_cl_f32(act->slope),
                                 dg_cl_f32(1), dg_cl_u32(0)),
                      err);
}

static bool input_gradient(dg_cl_op *op, const dg_op_buffers *b, const dg_buffer *d_z, uint32_t n,
                           dg_error *err) {
  const grouped_op *self = (grouped_op *)op;
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  if (op->desc.d_in[0] == DG_GRAD_NONE) return true;
  return dg_cl_launch(op, self->d_input, range_of(op, d->width, d->height, n * d->channels),
                      DG_CL_ARGS(dg_cl_mem(d_z), dg_cl_mem(b->param[0]), dg_cl_mem(b->d_in[0]),
                                 dg_cl_mem(self->sizes),
                                 dg_cl_u32(op->desc.d_in[0] == DG_GRAD_ADD)),
                      err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const grouped_op *self = (grouped_op *)op;
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  const dg_buffer *d_z = self->activation ? b->workspace : b->d_out;
  const uint64_t numbers = dg_op_sizes_of(&op->desc).param[0] + (d->bias ? d->filters : 0);
  const size_t group = dg_cl_group(op->device);
  const dg_cl_range range = {.global = {group, (size_t)numbers, 1}, .local = {group, 1, 1}};
  if (self->activation && !before_activation(op, b, step, err)) return false;
  return input_gradient(op, b, d_z, step->n, err) &&
         dg_cl_launch(op, self->d_weight, range,
                      DG_CL_ARGS(dg_cl_mem(d_z), dg_cl_mem(b->in[0]), dg_cl_mem(b->d_param[0]),
                                 dg_cl_mem(d->bias ? b->d_param[1] : NULL), dg_cl_mem(self->sizes),
                                 dg_cl_u32(step->n)),
                      err);
}

static const dg_cl_implementation rows_forward = {
    .name = "rows", .size = sizeof(grouped_op), .prepare = prepare_forward, .run = forward};
static const dg_cl_implementation rows_backward = {
    .name = "rows", .size = sizeof(grouped_op), .prepare = prepare_backward, .run = backward};

const dg_cl_family dg_cl_grouped_conv2d = {.supports = supports,
                                           .forward = {&dg_cl_depthwise_forward, &rows_forward},
                                           .backward = {&dg_cl_depthwise_backward, &rows_backward}};
