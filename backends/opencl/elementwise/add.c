/* The sum of several inputs. */
#include "backends/opencl/runtime/implementation.h"

typedef struct {
  dg_cl_op op;
  cl_kernel sum; /* for forward */
  cl_kernel copy;
} add_op;

static bool prepare_copy(dg_cl_op *op, dg_error *err) {
  add_op *self = (add_op *)op;
  self->copy = dg_cl_kernel(op, DG_CL_ELEMENTS, "copy", err);
  return self->copy;
}

static bool prepare_sum(dg_cl_op *op, dg_error *err) {
  add_op *self = (add_op *)op;
  self->sum = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum", err);
  return self->sum && prepare_copy(op, err);
}

static bool copy(dg_cl_op *op, const dg_buffer *from, const dg_buffer *to, uint32_t count, bool add,
                 dg_error *err) {
  return dg_cl_launch(op, ((add_op *)op)->copy, dg_cl_blocks(op->device, count, 1),
                      DG_CL_ARGS(dg_cl_mem(from), dg_cl_mem(to), dg_cl_u32(count), dg_cl_u32(add)),
                      err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_add_desc *d = &op->desc.add;
  const uint32_t count = step->n * d->count;
  bool ok = dg_cl_launch(
      op, ((add_op *)op)->sum, dg_cl_blocks(op->device, count, 1),
      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->in[1]), dg_cl_mem(b->out[0]), dg_cl_u32(count)),
      err);
  for (uint32_t i = 2; ok && i < d->inputs; i++)
    ok = copy(op, b->in[i], b->out[0], count, true, err);
  return ok;
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_add_desc *d = &op->desc.add;
  bool ok = true;
  for (uint32_t i = 0; ok && i < d->inputs; i++) {
    const dg_grad_mode mode = op->desc.d_in[i];
    if (mode != DG_GRAD_NONE)
      ok = copy(op, b->d_out, b->d_in[i], step->n * d->count, mode == DG_GRAD_ADD, err);
  }
  return ok;
}

static const dg_cl_implementation blocks_forward = {
    .name = "blocks", .size = sizeof(add_op), .prepare = prepare_sum, .run = forward};
static const dg_cl_implementation blocks_backward = {
    .name = "blocks", .size = sizeof(add_op), .prepare = prepare_copy, .run = backward};

const dg_cl_family dg_cl_add = {.forward = {&blocks_forward}, .backward = {&blocks_backward}};
