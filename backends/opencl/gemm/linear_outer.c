/* The gradients of linear layers as outer products, on unpacked tensors. Of several rows a sample,
   the gradient of the weights is computed in parts, which are added up in order. */
#include "backends/opencl/elementwise/act_backward.h"
#include "backends/opencl/elementwise/drop.h"
#include "backends/opencl/elementwise/leaky.h"
#include "backends/opencl/elementwise/sum_columns.h"
#include "backends/opencl/gemm/gemm.h"
#include "backends/opencl/gemm/linear.h"

typedef struct {
  dg_cl_op op;
  cl_kernel outer, derive, sum_columns, sum_parts;
  dg_buffer *rows;             /* for row n of a part: {n * out, n * in} */
  dg_buffer *outputs;          /* for output o: {o, o * in} */
  uint32_t share, parts_first; /* rows of a part; offset of the parts in the workspace */
} outer_op;

static bool has_parts(const dg_cl_op *op) {
  return dg_linear_rows(&op->desc.linear) > 1;
}

static dg_cl_gemm_offset row_offset(const dg_cl_op *op, uint32_t n) {
  return (dg_cl_gemm_offset){n * op->desc.linear.out, n * op->desc.linear.in};
}

static dg_cl_gemm_offset output_offset(const dg_cl_op *op, uint32_t o) {
  return (dg_cl_gemm_offset){o, o * op->desc.linear.in};
}

/* Assigns the parts of the workspace: dz, unless it is d_out, and parts of d_weight. */
static bool plan(outer_op *self, uint64_t rows, dg_error *err) {
  enum { PARTS = 16 }; /* the same for all devices, so that the order of sums is fixed */
  dg_cl_op *op = &self->op;
  const dg_linear_desc *d = &op->desc.linear;
  const uint64_t dz = d->act.kind != DG_ACT_NONE ? rows * d->out : 0;
  self->share = (uint32_t)(has_parts(op) ? dg_cl_ceil_div(rows, PARTS) : rows);
  const uint64_t parts = has_parts(op) ? dg_cl_ceil_div(rows, self->share) : 0;
  const uint64_t end = dz + parts * d->in * d->out;
  if (!dg_cl_check_count(end, err)) return false;
  self->parts_first = (uint32_t)dz;
  op->needs.workspace = sizeof(float) * end;
  return true;
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  outer_op *self = (outer_op *)op;
  const dg_linear_desc *d = &op->desc.linear;
  op->needs.reads_in = true;
  op->needs.reads_out = d->act.kind != DG_ACT_NONE;
  if (!plan(self, (uint64_t)op->max_n * dg_linear_rows(d), err)) return false;
  self->outer = dg_cl_kernel(op, DG_CL_GEMM, "gemm_outer", err);
  self->derive = dg_cl_kernel(op, DG_CL_ELEMENTS, "activation_backward", err);
  self->sum_columns = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_columns", err);
  self->sum_parts = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_parts", err);
  if (!self->outer || !self->derive || !self->sum_columns || !self->sum_parts) return false;
  self->rows = dg_cl_gemm_offsets(op, self->share, row_offset, err);
  self->outputs = self->rows ? dg_cl_gemm_offsets(op, d->out, output_offset, err) : NULL;
  return self->outputs;
}

/* Computes the gradient before the fused ops from that after them, in the workspace. */
static bool derive(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const dg_linear_desc *d = &op->desc.linear;
  const dg_cl_act_backward how = {.act = d->act, .scale = dg_cl_drop_scale(d->drop)};
  return dg_cl_run_act_backward(op, ((outer_op *)op)->derive, &how, b, b->workspace, n, err);
}

/* to[item][o][k] = sum over a part's rows of dz[n][o] x[n][k], for some parts of so many rows. */
static bool find_parts(dg_cl_op *op, const dg_op_buffers *b, const dg_buffer *dz,
                       const dg_buffer *to, uint32_t to_first, uint32_t first, uint32_t parts,
                       uint32_t rows, dg_error *err) {
  const outer_op *self = (outer_op *)op;
  const dg_linear_desc *d = &op->desc.linear;
  return parts == 0 || rows == 0 ||
         dg_cl_gemm_outer(op, self->outer,
                          &(dg_cl_gemm_outer_args){.a = dz,
                                                   .a_row = 1,
                                                   .a_item = self->share * d->out,
                                                   .offsets = self->rows,
                                                   .depth = rows,
                                                   .b = b->in[0],
                                                   .b_item = self->share * d->in,
                                                   .slope = 1,
                                                   .c = to,
                                                   .c_first = to_first,
                                                   .c_row = d->in,
                                                   .c_item = d->out * d->in,
                                                   .first_item = first,
                                                   .items = parts,
                                                   .rows = d->out,
                                                   .columns = d->in,
                                                   .pitch = d->in,
                                                   .width = d->in},
                          err);
}

static bool find_d_weight(dg_cl_op *op, const dg_op_buffers *b, const dg_buffer *dz, uint32_t n,
                          dg_error *err) {
  const outer_op *self = (outer_op *)op;
  const dg_linear_desc *d = &op->desc.linear;
  const uint32_t whole = n / self->share, rest = n % self->share;
  if (!has_parts(op)) return find_parts(op, b, dz, b->d_param[0], 0, 0, 1, n, err);
  return find_parts(op, b, dz, b->workspace, self->parts_first, 0, whole, self->share, err) &&
         find_parts(op, b, dz, b->workspace, self->parts_first, whole, 1, rest, err) &&
         dg_cl_launch(op, self->sum_parts,
                      dg_cl_range_of((size_t[3]){d->in, 1, d->out}, (size_t[3]){16, 1, 1}),
                      DG_CL_ARGS(dg_cl_mem(b->workspace), dg_cl_u32(self->parts_first),
                                 dg_cl_mem(b->d_param[0]), dg_cl_u32(1), dg_cl_u32(d->in),
                                 dg_cl_u32(whole + (rest > 0))),
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
  const uint32_t rows = step->n * dg_linear_rows(d);
  if (d->act.kind != DG_ACT_NONE) {
    if (!derive(op, b, step->n, err)) return false;
    dz = b->workspace;
  }
  return find_d_weight(op, b, dz, rows, err) && (!d->bias || find_d_bias(op, b, dz, rows, err)) &&
         (op->desc.d_in[0] == DG_GRAD_NONE || find_d_in(op, b, dz, rows, err));
}

const dg_cl_implementation dg_cl_linear_outer = {
    .name = "outer", .size = sizeof(outer_op), .prepare = prepare, .run = backward};
