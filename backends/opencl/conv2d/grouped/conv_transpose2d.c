/* Transposed convolutions: the products of convolutions in groups, with forward and backward
   exchanged. */
#include "backends/opencl/conv2d/grouped/grouped.h"

typedef struct {
  dg_cl_op op;
  dg_cl_grouped shared;
  cl_kernel d_bias;
  cl_kernel gather, d_input, d_weight; /* by columns */
  uint32_t first;                      /* of the columns, in the workspace */
} transposed_op;

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  return dg_cl_grouped_prepare(op, &((transposed_op *)op)->shared, DG_CL_GROUPED_LENGTHEN, err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  return dg_cl_grouped_lengthen(op, &((transposed_op *)op)->shared,
                                &(dg_cl_grouped_product){.from = b->in[0],
                                                         .weight = b->param[0],
                                                         .bias = d->bias ? b->param[1] : NULL,
                                                         .to = b->out[0],
                                                         .act = d->act,
                                                         .n = step->n},
                                err);
}

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  transposed_op *self = (transposed_op *)op;
  if (op->desc.grouped_conv2d.bias &&
      !(self->d_bias = dg_cl_kernel(op, DG_CL_GROUPED, "transposed_backward_bias", err)))
    return false;
  return dg_cl_grouped_prepare_activation(op, &self->shared, err) &&
         dg_cl_grouped_prepare(op, &self->shared, DG_CL_GROUPED_SHORTEN, err) &&
         dg_cl_grouped_prepare(op, &self->shared, DG_CL_GROUPED_WEIGHT, err);
}

static bool bias_gradient(dg_cl_op *op, const dg_buffer *d_z, const dg_buffer *d_bias, uint32_t n,
                          dg_error *err) {
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  const size_t group = dg_cl_group(op->device);
  const dg_cl_range range = {.global = {group, d->channels, 1}, .local = {group, 1, 1}};
  return !d->bias ||
         dg_cl_launch(op, ((transposed_op *)op)->d_bias, range,
                      DG_CL_ARGS(dg_cl_mem(d_z), dg_cl_mem(d_bias), dg_cl_u32(d->channels),
                                 dg_cl_u32(d->height * d->width), dg_cl_u32(n)),
                      err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const transposed_op *self = (transposed_op *)op;
  const dg_buffer *d_z = dg_cl_grouped_before_activation(op, &self->shared, b, step->n, err);
  if (!d_z) return false;
  if (op->desc.d_in[0] != DG_GRAD_NONE &&
      !dg_cl_grouped_shorten(op, &self->shared,
                             &(dg_cl_grouped_product){.from = d_z,
                                                      .weight = b->param[0],
                                                      .to = b->d_in[0],
                                                      .add = op->desc.d_in[0] == DG_GRAD_ADD,
                                                      .n = step->n},
                             err))
    return false;
  return dg_cl_grouped_weight(op, &self->shared, b->in[0], d_z, b->d_param[0], NULL, step->n,
                              err) &&
         bias_gradient(op, d_z, b->d_param[1], step->n, err);
}

/* ---- backward by columns ------------------------------------------------ */

enum { TOGETHER = 4 }; /* of cl/conv2d/grouped.cl */

/* Numbers of a sample's columns. */
static size_t columns_of(const dg_grouped_conv2d_desc *d) {
  return (size_t)d->channels * d->kernel_h * d->kernel_w * dg_grouped_conv2d_out_h(d) *
         dg_grouped_conv2d_out_w(d);
}

/* Columns that are not much larger than the output, where windows overlap little. */
static bool fits_columns(const dg_cl_device *device, const dg_op_desc *desc, uint32_t max_n,
                         bool train) {
  enum { MOST = 4 };
  const dg_grouped_conv2d_desc *d = &desc->grouped_conv2d;
  (void)device, (void)max_n, (void)train;
  return d->groups == 1 && columns_of(d) / MOST <= dg_op_sizes_of(desc).out[0];
}

static bool prepare_columns(dg_cl_op *op, dg_error *err) {
  transposed_op *self = (transposed_op *)op;
  if (!prepare_backward(op, err)) return false;
  self->first = (uint32_t)(op->needs.workspace / sizeof(float));
  op->needs.workspace += op->max_n * columns_of(&op->desc.grouped_conv2d) * sizeof(float);
  self->gather = dg_cl_kernel(op, DG_CL_GROUPED, "transposed_gather", err);
  if (!self->gather) return false;
  self->d_input = dg_cl_kernel(op, DG_CL_GROUPED, "transposed_backward_input", err);
  if (!self->d_input) return false;
  self->d_weight = dg_cl_kernel(op, DG_CL_GROUPED, "transposed_backward_weight", err);
  return self->d_weight;
}

static bool gather(dg_cl_op *op, const dg_op_buffers *b, const dg_buffer *d_z, uint32_t n,
                   dg_error *err) {
  const transposed_op *self = (transposed_op *)op;
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  const size_t pixels = (size_t)dg_grouped_conv2d_out_h(d) * dg_grouped_conv2d_out_w(d);
  const size_t rows = (size_t)d->channels * d->kernel_h * d->kernel_w;
  return dg_cl_launch(op, self->gather,
                      dg_cl_range_of((size_t[3]){pixels, rows, n}, (size_t[3]){16, 4, 1}),
                      DG_CL_ARGS(dg_cl_mem(d_z), dg_cl_mem(b->workspace), dg_cl_u32(self->first),
                                 dg_cl_mem(self->shared.sizes)),
                      err);
}

static bool backward_by_columns(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step,
                                dg_error *err) {
  const transposed_op *self = (transposed_op *)op;
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  const size_t pixels = (size_t)dg_grouped_conv2d_out_h(d) * dg_grouped_conv2d_out_w(d);
  const size_t blocks = dg_cl_ceil_div(pixels, dg_cl_width(op->device));
  const size_t filters = dg_cl_ceil_div(d->filters, TOGETHER), group = dg_cl_group(op->device);
  const size_t rows = dg_cl_ceil_div((size_t)d->channels * d->kernel_h * d->kernel_w, TOGETHER);
  const dg_cl_range weights = {.global = {group, rows, filters}, .local = {group, 1, 1}};
  const dg_buffer *d_z = dg_cl_grouped_before_activation(op, &self->shared, b, step->n, err);
  if (!d_z || !gather(op, b, d_z, step->n, err)) return false;
  if (op->desc.d_in[0] != DG_GRAD_NONE &&
      !dg_cl_launch(op, self->d_input,
                    dg_cl_range_of((size_t[3]){blocks, filters, step->n}, (size_t[3]){4, 4, 1}),
                    DG_CL_ARGS(dg_cl_mem(b->workspace), dg_cl_u32(self->first),
                               dg_cl_mem(b->param[0]), dg_cl_mem(b->d_in[0]),
                               dg_cl_mem(self->shared.sizes),
                               dg_cl_u32(op->desc.d_in[0] == DG_GRAD_ADD)),
                    err))
    return false;
  return dg_cl_launch(op, self->d_weight, weights,
                      DG_CL_ARGS(dg_cl_mem(b->workspace), dg_cl_u32(self->first),
                                 dg_cl_mem(b->in[0]), dg_cl_mem(b->d_param[0]),
                                 dg_cl_mem(self->shared.sizes), dg_cl_u32(step->n)),
                      err) &&
         bias_gradient(op, d_z, b->d_param[1], step->n, err);
}

static const dg_cl_implementation rows_forward = {
    .name = "rows", .size = sizeof(transposed_op), .prepare = prepare_forward, .run = forward};
static const dg_cl_implementation rows_backward = {
    .name = "rows", .size = sizeof(transposed_op), .prepare = prepare_backward, .run = backward};
static const dg_cl_implementation columns_backward = {.name = "columns",
                                                      .size = sizeof(transposed_op),
                                                      .fits = fits_columns,
                                                      .prepare = prepare_columns,
                                                      .run = backward_by_columns};

const dg_cl_family dg_cl_conv_transpose2d = {.supports = dg_cl_grouped_supported,
                                             .forward = {&rows_forward},
                                             .backward = {&columns_backward, &rows_backward}};
