/* Lengths of sequences after windows over their steps. */
#include "backends/opencl/runtime/implementation.h"

typedef struct {
  dg_cl_op op;
  cl_kernel kernel;
} lengths_op;

static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  return desc->d_in[0] == DG_GRAD_NONE;
}

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  lengths_op *self = (lengths_op *)op;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, "window_lengths", err);
  return self->kernel;
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_window_lengths_desc *d = &op->desc.window_lengths;
  return dg_cl_launch(op, ((lengths_op *)op)->kernel,
                      dg_cl_range_of((size_t[3]){step->n, 1, 1}, (size_t[3]){16, 1, 1}),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->out[0]), dg_cl_u32(step->n),
                                 dg_cl_i32(d->offset), dg_cl_u32(d->stride),
                                 dg_cl_u32(DG_LENGTH_MOST)),
                      err);
}

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  (void)op, (void)err;
  return true;
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  (void)op, (void)b, (void)step, (void)err; /* lengths have no gradient */
  return true;
}

static const dg_cl_implementation one_forward = {
    .name = "one", .size = sizeof(lengths_op), .prepare = prepare_forward, .run = forward};
static const dg_cl_implementation none_backward = {
    .name = "none", .size = sizeof(lengths_op), .prepare = prepare_backward, .run = backward};

const dg_cl_family dg_cl_window_lengths = {
    .supports = supports, .forward = {&one_forward}, .backward = {&none_backward}};
