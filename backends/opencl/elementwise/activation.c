/* Activations that are not fused to another op. */
#include "backends/opencl/elementwise/act_backward.h"
#include "backends/opencl/runtime/implementation.h"

typedef struct {
  dg_cl_op op;
  cl_kernel kernel;
} activation_op;

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  activation_op *self = (activation_op *)op;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, "activation_forward", err);
  return self->kernel;
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_activation_desc *d = &op->desc.activation;
  const uint32_t count = step->n * d->count;
  return dg_cl_launch(op, ((activation_op *)op)->kernel, dg_cl_blocks(op->device, count, 1),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->out[0]), dg_cl_u32(count),
                                 dg_cl_u32(d->act.kind), dg_cl_f32(d->act.slope)),
                      err);
}

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  activation_op *self = (activation_op *)op;
  op->needs.reads_out = true;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, "activation_backward", err);
  return self->kernel;
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_activation_desc *d = &op->desc.activation;
  if (op->desc.d_in[0] == DG_GRAD_NONE) return true;
  const dg_cl_act_backward how = {
      .act = d->act, .scale = 1, .add = op->desc.d_in[0] == DG_GRAD_ADD};
  return dg_cl_run_act_backward(op, ((activation_op *)op)->kernel, &how, b, b->d_in[0], step->n,
                                err);
}

static const dg_cl_implementation blocks_forward = {
    .name = "blocks", .size = sizeof(activation_op), .prepare = prepare_forward, .run = forward};
static const dg_cl_implementation blocks_backward = {
    .name = "blocks", .size = sizeof(activation_op), .prepare = prepare_backward, .run = backward};

const dg_cl_family dg_cl_activation = {.forward = {&blocks_forward},
                                       .backward = {&blocks_backward}};
