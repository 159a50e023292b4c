/* Functions of single numbers. */
#include "backends/opencl/runtime/implementation.h"

typedef struct {
  dg_cl_op op;
  cl_kernel kernel;
} eltwise_op;

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  eltwise_op *self = (eltwise_op *)op;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, "eltwise_forward", err);
  return self->kernel;
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_eltwise_desc *d = &op->desc.eltwise;
  const uint32_t count = step->n * d->count;
  return dg_cl_launch(op, ((eltwise_op *)op)->kernel, dg_cl_blocks(op->device, count, 1),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->out[0]), dg_cl_u32(count),
                                 dg_cl_u32(d->kind), dg_cl_f32(d->alpha), dg_cl_f32(d->beta),
                                 dg_cl_f32(d->scale)),
                      err);
}

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  eltwise_op *self = (eltwise_op *)op;
  op->needs.reads_in = true;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, "eltwise_backward", err);
  return self->kernel;
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_eltwise_desc *d = &op->desc.eltwise;
  if (op->desc.d_in[0] == DG_GRAD_NONE) return true;
  const uint32_t count = step->n * d->count;
  return dg_cl_launch(op, ((eltwise_op *)op)->kernel, dg_cl_blocks(op->device, count, 1),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->d_out), dg_cl_mem(b->d_in[0]),
                                 dg_cl_u32(count), dg_cl_u32(d->kind), dg_cl_f32(d->alpha),
                                 dg_cl_f32(d->beta), dg_cl_f32(d->scale),
                                 dg_cl_u32(op->desc.d_in[0] == DG_GRAD_ADD)),
                      err);
}

static const dg_cl_implementation blocks_forward = {
    .name = "blocks", .size = sizeof(eltwise_op), .prepare = prepare_forward, .run = forward};
static const dg_cl_implementation blocks_backward = {
    .name = "blocks", .size = sizeof(eltwise_op), .prepare = prepare_backward, .run = backward};

const dg_cl_family dg_cl_eltwise = {.forward = {&blocks_forward}, .backward = {&blocks_backward}};
