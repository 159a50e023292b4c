/* The moving average of parameters. */
#include "backends/opencl/runtime/implementation.h"

typedef struct {
  dg_cl_op op;
  cl_kernel average;
} average_op;

static bool prepare(dg_cl_op *op, dg_error *err) {
  average_op *self = (average_op *)op;
  self->average = dg_cl_kernel(op, DG_CL_ELEMENTS, "moving_average", err);
  return self->average;
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const uint32_t count = op->desc.average.count;
  return dg_cl_launch(op, ((average_op *)op)->average, dg_cl_blocks(op->device, count, 1),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->out[0]), dg_cl_u32(count),
                                 dg_cl_f32(step->decay)),
                      err);
}

static const dg_cl_implementation blocks = {
    .name = "blocks", .size = sizeof(average_op), .prepare = prepare, .run = forward};

const dg_cl_family dg_cl_average = {.forward = {&blocks}};
