/* What goes over all parameters alike: their moving average, and sums of their gradients. */
#include "backends/opencl/runtime/implementation.h"

typedef struct {
  dg_cl_op op;
  cl_kernel kernel;
} elements_op;

static bool prepare_kernel(dg_cl_op *op, const char *name, dg_error *err) {
  elements_op *self = (elements_op *)op;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, name, err);
  return self->kernel;
}

static bool prepare_average(dg_cl_op *op, dg_error *err) {
  return prepare_kernel(op, "moving_average", err);
}

static bool average(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const uint32_t count = op->desc.average.count;
  return dg_cl_launch(op, ((elements_op *)op)->kernel, dg_cl_blocks(op->device, count, 1),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->out[0]), dg_cl_u32(count),
                                 dg_cl_f32(step->decay)),
                      err);
}

static bool prepare_accumulate(dg_cl_op *op, dg_error *err) {
  return prepare_kernel(op, "accumulate", err);
}

static bool accumulate(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const uint32_t count = op->desc.accumulate.count;
  (void)step;
  return dg_cl_launch(op, ((elements_op *)op)->kernel, dg_cl_blocks(op->device, count, 1),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->out[0]), dg_cl_u32(count)), err);
}

static const dg_cl_implementation average_blocks = {.name = "blocks",
                                                    .size = sizeof(elements_op),
                                                    .prepare = prepare_average,
                                                    .run = average},
                                  accumulate_blocks = {.name = "blocks",
                                                       .size = sizeof(elements_op),
                                                       .prepare = prepare_accumulate,
                                                       .run = accumulate};

const dg_cl_family dg_cl_average = {.forward = {&average_blocks}};
const dg_cl_family dg_cl_accumulate = {.forward = {&accumulate_blocks}};
