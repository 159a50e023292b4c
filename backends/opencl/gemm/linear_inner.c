/* Linear layers forward as an inner product, on unpacked tensors: x and weight are both contiguous
   along the sum. */
#include "backends/opencl/elementwise/drop.h"
#include "backends/opencl/elementwise/leaky.h"
#include "backends/opencl/gemm/gemm.h"
#include "backends/opencl/gemm/linear.h"

typedef struct {
  dg_cl_op op;
  cl_kernel inner, drop;
  dg_buffer *samples; /* for row n of all samples: {0, n * in} */
} inner_op;

static dg_cl_gemm_offset sample_offset(const dg_cl_op *op, uint32_t n) {
  return (dg_cl_gemm_offset){0, n * op->desc.linear.in};
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  inner_op *self = (inner_op *)op;
  const dg_linear_desc *d = &op->desc.linear;
  if (!dg_cl_check_count((uint64_t)d->in * d->out, err)) return false;
  self->inner = dg_cl_kernel(op, DG_CL_GEMM, "gemm_inner", err);
  self->samples = dg_cl_gemm_offsets(op, op->max_n * dg_linear_rows(d), sample_offset, err);
  return self->inner && self->samples &&
         (!op->train || dg_cl_drop_prepare(op, d->drop, &self->drop, err));
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const inner_op *self = (inner_op *)op;
  const dg_linear_desc *d = &op->desc.linear;
  return dg_cl_gemm_inner(op, self->inner,
                          &(dg_cl_gemm_inner_args){.x = b->param[0],
                                                   .x_row = d->in,
                                                   .y = b->in[0],
                                                   .offsets = self->samples,
                                                   .count = d->in,
                                                   .items = 1,
                                                   .share = 1,
                                                   .bias = d->bias ? b->param[1] : NULL,
                                                   .slope = dg_cl_leaky_slope(d->act),
                                                   .c = b->out[0],
                                                   .c_row = d->out,
                                                   .x_rows = d->out,
                                                   .y_rows = step->n * dg_linear_rows(d)},
                          err) &&
         dg_cl_drop_epilogue(op, self->drop, d->drop, d->out, b->out[0], step, err);
}

const dg_cl_implementation dg_cl_linear_inner = {
    .name = "inner", .size = sizeof(inner_op), .prepare = prepare, .run = forward};
