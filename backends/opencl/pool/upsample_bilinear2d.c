/* Bilinear upsampling: a work-item computes one number. */
#include "backends/opencl/runtime/implementation.h"

typedef struct {
  dg_cl_op op;
  cl_kernel kernel;
} bilinear_op;

/* A work-item for each number of rows of one width. */
static dg_cl_range range_of(uint32_t width, uint32_t rows) {
  return dg_cl_range_of((size_t[3]){width, rows, 1}, (size_t[3]){16, 4, 1});
}

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  bilinear_op *self = (bilinear_op *)op;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, "bilinear_forward", err);
  return self->kernel;
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_upsample2d_desc *d = &op->desc.upsample2d;
  const uint32_t rows = step->n * d->channels * d->height * d->scale;
  return dg_cl_launch(op, ((bilinear_op *)op)->kernel, range_of(d->width * d->scale, rows),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->out[0]), dg_cl_u32(d->width),
                                 dg_cl_u32(d->height), dg_cl_u32(rows), dg_cl_u32(d->scale)),
                      err);
}

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  bilinear_op *self = (bilinear_op *)op;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, "bilinear_backward", err);
  return self->kernel;
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_upsample2d_desc *d = &op->desc.upsample2d;
  const uint32_t rows = step->n * d->channels * d->height;
  if (op->desc.d_in[0] == DG_GRAD_NONE) return true;
  return dg_cl_launch(op, ((bilinear_op *)op)->kernel, range_of(d->width, rows),
                      DG_CL_ARGS(dg_cl_mem(b->d_out), dg_cl_mem(b->d_in[0]), dg_cl_u32(d->width),
                                 dg_cl_u32(d->height), dg_cl_u32(rows), dg_cl_u32(d->scale),
                                 dg_cl_u32(op->desc.d_in[0] == DG_GRAD_ADD)),
                      err);
}

static const dg_cl_implementation numbers_forward = {
    .name = "numbers", .size = sizeof(bilinear_op), .prepare = prepare_forward, .run = forward};
static const dg_cl_implementation numbers_backward = {
    .name = "numbers", .size = sizeof(bilinear_op), .prepare = prepare_backward, .run = backward};

const dg_cl_family dg_cl_upsample_bilinear2d = {.forward = {&numbers_forward},
                                                .backward = {&numbers_backward}};
