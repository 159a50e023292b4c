/* Average pooling. */
#include "backends/opencl/pool/pool2d.h"
#include "backends/opencl/runtime/implementation.h"

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  return dg_cl_pool2d_prepare(op, "average_forward", err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_cl_pool2d_op *self = (dg_cl_pool2d_op *)op;
  return dg_cl_pool2d_run(op,
                          &(dg_cl_pool2d_launch){.width = self->out_w,
                                                 .height = self->out_h,
                                                 .planes = step->n * op->desc.pool2d.channels,
                                                 .buffers = {b->in[0], b->out[0]}},
                          err);
}

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  return dg_cl_pool2d_prepare(op, "average_backward", err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_pool2d_desc *d = &op->desc.pool2d;
  const dg_grad_mode mode = op->desc.d_in[0];
  if (mode == DG_GRAD_NONE) return true;
  return dg_cl_pool2d_run(op,
                          &(dg_cl_pool2d_launch){.width = d->width,
                                                 .height = d->height,
                                                 .planes = step->n * d->channels,
                                                 .buffers = {b->d_out, b->d_in[0]},
                                                 .flag = mode == DG_GRAD_ADD},
                          err);
}

static const dg_cl_implementation windows_forward = {
    .name = "windows", .size = sizeof(dg_cl_pool2d_op), .prepare = prepare_forward, .run = forward};
static const dg_cl_implementation windows_backward = {.name = "windows",
                                                      .size = sizeof(dg_cl_pool2d_op),
                                                      .prepare = prepare_backward,
                                                      .run = backward};

const dg_cl_family dg_cl_avgpool2d = {.forward = {&windows_forward},
                                      .backward = {&windows_backward}};
