/* One step for a whole sequence: its last one, or the mean of all. */
#include "backends/opencl/runtime/implementation.h"

typedef struct {
  dg_cl_op op;
  cl_kernel kernel;
} reduce_op;

static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  return desc->d_in[1] == DG_GRAD_NONE;
}

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  reduce_op *self = (reduce_op *)op;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, "reduce_steps", err);
  return self->kernel;
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_reduce_steps_desc *d = &op->desc.reduce_steps;
  const size_t items[3] = {dg_cl_ceil_div(d->features, dg_cl_width(op->device)), step->n, 1};
  return dg_cl_launch(op, ((reduce_op *)op)->kernel, dg_cl_range_of(items, (size_t[3]){1, 1, 1}),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->in[1]), dg_cl_mem(b->out[0]),
                                 dg_cl_mem(step->train ? b->saved : NULL), dg_cl_u32(d->steps),
                                 dg_cl_u32(d->features), dg_cl_u32(d->kind == DG_STEPS_LAST)),
                      err);
}

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  reduce_op *self = (reduce_op *)op;
  op->needs.saved = op->max_n * sizeof(float);
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, "reduce_steps_backward", err);
  return self->kernel;
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_reduce_steps_desc *d = &op->desc.reduce_steps;
  const dg_grad_mode mode = op->desc.d_in[0];
  const size_t items[3] = {dg_cl_ceil_div(d->features, dg_cl_width(op->device)), d->steps, step->n};
  if (mode == DG_GRAD_NONE) return true;
  return dg_cl_launch(op, ((reduce_op *)op)->kernel, dg_cl_range_of(items, (size_t[3]){1, 8, 1}),
                      DG_CL_ARGS(dg_cl_mem(b->d_out), dg_cl_mem(b->saved), dg_cl_mem(b->d_in[0]),
                                 dg_cl_u32(d->steps), dg_cl_u32(d->features),
                                 dg_cl_u32(d->kind == DG_STEPS_LAST),
                                 dg_cl_u32(mode == DG_GRAD_ADD)),
                      err);
}

static const dg_cl_implementation steps_forward = {
    .name = "steps", .size = sizeof(reduce_op), .prepare = prepare_forward, .run = forward};
static const dg_cl_implementation steps_backward = {
    .name = "steps", .size = sizeof(reduce_op), .prepare = prepare_backward, .run = backward};

const dg_cl_family dg_cl_reduce_steps = {
    .supports = supports, .forward = {&steps_forward}, .backward = {&steps_backward}};
