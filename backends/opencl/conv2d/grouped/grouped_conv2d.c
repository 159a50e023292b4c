/* Convolutions in groups of channels: a work-item computes some columns of a row. */
#include "backends/opencl/conv2d/grouped/depthwise.h"
#include "backends/opencl/conv2d/grouped/grouped.h"

typedef struct {
  dg_cl_op op;
  dg_cl_grouped shared;
} grouped_op;

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  return dg_cl_grouped_prepare(op, &((grouped_op *)op)->shared, DG_CL_GROUPED_SHORTEN, err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  return dg_cl_grouped_shorten(op, &((grouped_op *)op)->shared,
                               &(dg_cl_grouped_product){.from = b->in[0],
                                                        .weight = b->param[0],
                                                        .bias = d->bias ? b->param[1] : NULL,
                                                        .to = b->out[0],
                                                        .act = d->act,
                                                        .n = step->n},
                               err);
}

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  grouped_op *self = (grouped_op *)op;
  return dg_cl_grouped_prepare_activation(op, &self->shared, err) &&
         dg_cl_grouped_prepare(op, &self->shared, DG_CL_GROUPED_LENGTHEN, err) &&
         dg_cl_grouped_prepare(op, &self->shared, DG_CL_GROUPED_WEIGHT, err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const grouped_op *self = (grouped_op *)op;
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  const dg_buffer *d_z = dg_cl_grouped_before_activation(op, &self->shared, b, step->n, err);
  if (!d_z) return false;
  if (op->desc.d_in[0] != DG_GRAD_NONE &&
      !dg_cl_grouped_lengthen(op, &self->shared,
                              &(dg_cl_grouped_product){.from = d_z,
                                                       .weight = b->param[0],
                                                       .to = b->d_in[0],
                                                       .add = op->desc.d_in[0] == DG_GRAD_ADD,
                                                       .n = step->n},
                              err))
    return false;
  return dg_cl_grouped_weight(op, &self->shared, d_z, b->in[0], b->d_param[0],
                              d->bias ? b->d_param[1] : NULL, step->n, err);
}

static const dg_cl_implementation rows_forward = {
    .name = "rows", .size = sizeof(grouped_op), .prepare = prepare_forward, .run = forward};
static const dg_cl_implementation rows_backward = {
    .name = "rows", .size = sizeof(grouped_op), .prepare = prepare_backward, .run = backward};

const dg_cl_family dg_cl_grouped_conv2d = {.supports = dg_cl_grouped_supported,
                                           .forward = {&dg_cl_depthwise_forward, &rows_forward},
                                           .backward = {&dg_cl_depthwise_backward, &rows_backward}};
