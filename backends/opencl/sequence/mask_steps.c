/* Clears what is beyond the end of sequences. */
#include <math.h>

#include "backends/opencl/runtime/implementation.h"

typedef struct {
  dg_cl_op op;
  cl_kernel kernel;
} mask_op;

static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  return desc->d_in[1] == DG_GRAD_NONE;
}

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  mask_op *self = (mask_op *)op;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, "mask_steps", err);
  return self->kernel;
}

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  op->needs.saved = op->max_n * sizeof(float);
  return prepare_forward(op, err);
}

/* What a launch reads and writes; kept may be NULL. */
typedef struct {
  const dg_buffer *x, *lengths, *y, *kept;
  float beyond;
  bool add;
} tensors;

static bool launch(dg_cl_op *op, const tensors *t, const dg_step *step, dg_error *err) {
  const dg_mask_steps_desc *d = &op->desc.mask_steps;
  const size_t items[3] = {dg_cl_ceil_div(d->features, dg_cl_width(op->device)), d->steps, step->n};
  return dg_cl_launch(op, ((mask_op *)op)->kernel, dg_cl_range_of(items, (size_t[3]){1, 8, 1}),
                      DG_CL_ARGS(dg_cl_mem(t->x), dg_cl_mem(t->lengths), dg_cl_mem(t->y),
                                 dg_cl_mem(t->kept), dg_cl_u32(d->steps), dg_cl_u32(d->features),
                                 dg_cl_u32(d->reverse), dg_cl_f32(t->beyond), dg_cl_u32(t->add)),
                      err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  return launch(op,
                &(tensors){.x = b->in[0],
                           .lengths = b->in[1],
                           .y = b->out[0],
                           .kept = step->train ? b->saved : NULL,
                           .beyond = op->desc.mask_steps.lowest ? -INFINITY : 0},
                step, err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_grad_mode mode = op->desc.d_in[0];
  return mode == DG_GRAD_NONE || launch(op,
                                        &(tensors){.x = b->d_out,
                                                   .lengths = b->saved,
                                                   .y = b->d_in[0],
                                                   .add = mode == DG_GRAD_ADD},
                                        step, err);
}

static const dg_cl_implementation steps_forward = {
    .name = "steps", .size = sizeof(mask_op), .prepare = prepare_forward, .run = forward};
static const dg_cl_implementation steps_backward = {
    .name = "steps", .size = sizeof(mask_op), .prepare = prepare_backward, .run = backward};

const dg_cl_family dg_cl_mask_steps = {
    .supports = supports, .forward = {&steps_forward}, .backward = {&steps_backward}};
