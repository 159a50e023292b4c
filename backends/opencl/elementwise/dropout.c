/* Dropout that is not fused to another op: the same mask is applied to numbers and gradients. */
#include "backends/opencl/elementwise/drop.h"
#include "backends/opencl/runtime/implementation.h"

typedef struct {
  dg_cl_op op;
  cl_kernel drop, copy;
} dropout_op;

static bool prepare(dg_cl_op *op, dg_error *err) {
  dropout_op *self = (dropout_op *)op;
  self->drop = dg_cl_kernel(op, DG_CL_ELEMENTS, "dropout", err);
  self->copy = dg_cl_kernel(op, DG_CL_ELEMENTS, "copy", err);
  return self->drop && self->copy;
}

static bool run(dg_cl_op *op, const dg_buffer *from, const dg_buffer *to, bool add,
                const dg_step *step, dg_error *err) {
  const dropout_op *self = (dropout_op *)op;
  const dg_dropout_desc *d = &op->desc.dropout;
  const uint32_t total = step->n * d->count;
  const dg_drop drop = {d->rate, d->stream};
  if (dg_cl_drop_runs(drop, step))
    return dg_cl_drop(op, self->drop, drop, d->count, from, to, add, step, err);
  return dg_cl_launch(op, self->copy, dg_cl_blocks(op->device, total, 1),
                      DG_CL_ARGS(dg_cl_mem(from), dg_cl_mem(to), dg_cl_u32(total), dg_cl_u32(add)),
                      err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  return run(op, b->in[0], b->out[0], false, step, err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_grad_mode mode = op->desc.d_in[0];
  return mode == DG_GRAD_NONE || run(op, b->d_out, b->d_in[0], mode == DG_GRAD_ADD, step, err);
}

static const dg_cl_implementation mask_forward = {
    .name = "mask", .size = sizeof(dropout_op), .prepare = prepare, .run = forward};
static const dg_cl_implementation mask_backward = {
    .name = "mask", .size = sizeof(dropout_op), .prepare = prepare, .run = backward};

const dg_cl_family dg_cl_dropout = {.forward = {&mask_forward}, .backward = {&mask_backward}};
