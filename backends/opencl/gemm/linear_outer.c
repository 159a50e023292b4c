/* The gradients of linear layers as outer products, on unpacked tensors. */
#include "backends/opencl/elementwise/drop.h"
#include "backends/opencl/elementwise/leaky.h"
#include "backends/opencl/elementwise/sum_columns.h"
#include "backends/opencl/gemm/gemm.h"
#include "backends/opencl/gemm/linear.h"

typedef struct {
  dg_cl_op op;
  cl_kernel outer, derive, sum_columns;
  dg_buffer *samples; /* for sample n: {n * out, n * in} */
  dg_buffer *outputs; /* for output o: {o, o * in} */
} outer_op;

static dg_cl_gemm_offset sample_offset(const dg_cl_op *op, uint32_t n) {
  return (dg_cl_gemm_offset){n * op->desc.linear.out, n * op->desc.linear.in};
}

static dg_cl_gemm_offset output_offset(const dg_cl_op *op, uint32_t o) {
  return (dg_cl_gemm_offset){o, o * op->desc.linear.in};
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  outer_op *self = (outer_op *)op;
  const dg_linear_desc *d = &op->desc.linear;
  const bool act = d->act.kind != DG_ACT_NONE;
  op->needs.reads_in = true;
  op->needs.reads_out = act;
  op->needs.workspace = act ? sizeof(float) * op->max_n * d->out : 0;
  self->outer = dg_cl_kernel(op, DG_CL_GEMM, "gemm_outer", err);
  self->derive = dg_cl_kernel(op, DG_CL_ELEMENTS, "activation_backward", err);
  self->sum_columns = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_columns", err);
  if (!self->outer || !self->derive || !self->sum_columns) return false;
  self->samples = dg_cl_gemm_offsets(op, op->max_n, sample_offset, err);
  self->outputs = self->samples ? dg_cl_gemm_offsets(op, d->out, output_offset, err) : NULL;
  return self->outputs;
}

/* Computes the gradient before the fused ops from that after them, in the workspace. */
static bool derive(dg_cl_op *op, const dg_op_buffers *b, uint32_t count, dg_error *err) {
  const dg_linear_desc *d = &op->desc.linear;
  return dg_cl_launch(op, ((outer_op *)op)->derive, dg_cl_blocks(op->device, count, 1),
                      DG_CL_ARGS(dg_cl_mem(b->out[0]), dg_cl_mem(b->d_out), dg_cl_mem(b->workspace),
                                 dg_cl_u32(count), dg_cl_u32(d->act.kind), dg_cl_f32(d->act.slope),
                                 dg_cl_f32(dg_cl_drop_scale(d->drop)), dg_cl_u32(0)),
                      err);
}

/* d_weight[o][k] = sum over n of dz[n][o] x[n][k] */
static bool find_d_weight(dg_cl_op *op, const dg_op_buffers *b, const dg_buffer *dz, uint32_t n,
                          dg_error *err) {
  const outer_op *self = (outer_op *)op;
  const dg_linear_desc *d = &op->desc.linear;
  return dg_cl_gemm_outer(op, self->outer,
                          &(dg_cl_gemm_outer_args){.a = dz,
                                                   .a_row = 1,
                                                   .offsets = self->samples,
                                                   .depth = n,
                                                   .b = b->in[0],
                                                   .slope = 1,
                                                   .c = b->d_param[0],
                                                   .c_row = d->in,
                                                   .items = 1,
                                                   .rows = d->out,
                                                   .columns = d->in,
                                                   .pitch = d->in,
                                                   .width = d->in},
                          err);
}

static bool find_d_bias(dg_cl_op *op, const dg_op_buffers *b, const dg_buffer *dz, uint32_t n,
                        dg_error *err) {
  return dg_cl_sum_columns(op, ((outer_op *)op)->sum_columns, dz, 0, b->d_param[1], n,
                           op->desc.linear.out, err);
}

/* d_in[n][k] (+)= sum over o of dz[n][o] weight[o][k] */
static bool find_d_in(dg_cl_op *op, const dg_op_buffers *b, const dg_buffer *dz, uint32_t n,
                      dg_error *err) {
  const outer_op *self = (outer_op *)op;
  const dg_linear_desc *d = &op->desc.linear;
  return dg_cl_gemm_outer(op, self->outer,
                          &(dg_cl_gemm_outer_args){.a = dz,
                                                   .a_row = d->out,
                                                   .offsets = self->outputs,
                                                   .depth = d->out,
                                                   .b = b->param[0],
                                                   .slope = 1,
                                                   .c = b->d_in[0],
                                                   .c_row = d->in,
                                                   .items = 1,
                                                   .rows = n,
                                                   .columns = d->in,
                                                   .pitch = d->in,
                                                   .width = d->in,
                                                   .add = op->desc.d_in[0] == DG_GRAD_ADD},
                          err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_linear_desc *d = &op->desc.linear;
  const dg_buffer *dz = b->d_out;
  if (d->act.kind != DG_ACT_NONE) {
    if (!derive(op, b, step->n * d->out, err)) return false;
    dz = b->workspace;
  }
  return find_d_weight(op, b, dz, step->n, err) &&
         (!d->bias || find_d_bias(op, b, dz, step->n, err)) &&
         (op->desc.d_in[0] == DG_GRAD_NONE || find_d_in(op, b, dz, step->n, err));
}

const dg_cl_implementation dg_cl_linear_outer = {
    .name = "outer", .size = sizeof(outer_op), .prepare = prepare, .run = backward};
