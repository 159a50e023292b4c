/* The gather of a batch from a data set of bytes. */
#include "backends/opencl/opencl.h"

typedef struct {
  dg_cl_op op;
  cl_kernel gather;
} gather_op;

static bool prepare(dg_cl_op *op, dg_error *err) {
  gather_op *self = (gather_op *)op;
  self->gather = dg_cl_kernel(op, DG_CL_ELEMENTS, "gather", err);
  return self->gather;
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_gather_desc *d = &op->base.desc.gather;
  const uint32_t count = d->height * d->width;
  const float scale = (float)(1.0 / (255.0 * (double)d->std));
  const float shift = (float)(-(double)d->mean / (double)d->std);
  return dg_cl_launch(op, ((gather_op *)op)->gather, dg_cl_blocks(op->device, count, step->n),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->in[1]), dg_cl_mem(b->in[2]),
                                 dg_cl_mem(b->out[0]), dg_cl_mem(b->out[1]), dg_cl_u32(count),
                                 dg_cl_u32(step->first), dg_cl_f32(scale), dg_cl_f32(shift)),
                      err);
}

const dg_cl_family dg_cl_gather = {
    .size = sizeof(gather_op),
    .prepare = prepare,
    .forward = forward,
};
