/* Nearest-neighbour upsampling. */
#include "backends/opencl/runtime/implementation.h"

typedef struct {
  dg_cl_op op;
  cl_kernel kernel;
} upsample_op;

/* One work-item per number of the input, whose planes are treated as rows of one width. */
static dg_cl_range range_of(const dg_upsample2d_desc *d, uint32_t rows) {
  return dg_cl_range_of((size_t[3]){d->width, rows, 1}, (size_t[3]){16, 4, 1});
}

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  upsample_op *self = (upsample_op *)op;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, "upsample_forward", err);
  return self->kernel;
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_upsample2d_desc *d = &op->desc.upsample2d;
  uint32_t rows = step->n * d->channels * d->height;
  return dg_cl_launch(op, ((upsample_op *)op)->kernel, range_of(d, rows),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->out[0]), dg_cl_u32(d->width),
                                 dg_cl_u32(rows), dg_cl_u32(d->scale)),
                      err);
}

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  upsample_op *self = (upsample_op *)op;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, "upsample_backward", err);
  return self->kernel;
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_upsample2d_desc *d = &op->desc.upsample2d;
  const dg_grad_mode mode = op->desc.d_in[0];
  uint32_t rows = step->n * d->channels * d->height;
  if (mode == DG_GRAD_NONE) return true;
  return dg_cl_launch(op, ((upsample_op *)op)->kernel, range_of(d, rows),
                      DG_CL_ARGS(dg_cl_mem(b->d_out), dg_cl_mem(b->d_in[0]), dg_cl_u32(d->width),
                                 dg_cl_u32(rows), dg_cl_u32(d->scale),
                                 dg_cl_u32(mode == DG_GRAD_ADD)),
                      err);
}

static const dg_cl_implementation squares_forward = {
    .name = "squares", .size = sizeof(upsample_op), .prepare = prepare_forward, .run = forward};
static const dg_cl_implementation squares_backward = {
    .name = "squares", .size = sizeof(upsample_op), .prepare = prepare_backward, .run = backward};

const dg_cl_family dg_cl_upsample2d = {.forward = {&squares_forward},
                                       .backward = {&squares_backward}};
