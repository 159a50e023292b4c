/* Sums of the results of a batch's slices. */
#include "backends/opencl/runtime/implementation.h"

typedef struct {
  dg_cl_op op;
  cl_kernel accumulate;
} accumulate_op;

static bool prepare(dg_cl_op *op, dg_error *err) {
  accumulate_op *self = (accumulate_op *)op;
  self->accumulate = dg_cl_kernel(op, DG_CL_ELEMENTS, "accumulate", err);
  return self->accumulate;
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const uint32_t count = op->desc.accumulate.count;
  (void)step;
  return dg_cl_launch(op, ((accumulate_op *)op)->accumulate, dg_cl_blocks(op->device, count, 1),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->out[0]), dg_cl_u32(count)), err);
}

static const dg_cl_implementation blocks = {
    .name = "blocks", .size = sizeof(accumulate_op), .prepare = prepare, .run = forward};

const dg_cl_family dg_cl_accumulate = {.forward = {&blocks}};
