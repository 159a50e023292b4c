/* Layer normalization, and that by the root mean square (cl/norm/norm.cl). */
#include "backends/opencl/elementwise/sum_columns.h"
#include "backends/opencl/norm/norm.h"
#include "backends/opencl/runtime/implementation.h"

static bool is_rms(const dg_cl_op *op) {
  return op->desc.kind == DG_OP_RMS_NORM;
}

static dg_cl_lines lines_of(const dg_cl_op *op, uint32_t n) {
  const dg_layer_norm_desc *d = &op->desc.layer_norm;
  return dg_cl_lines_of(n * d->rows, d->count);
}

static uint32_t blocks_of(const dg_cl_op *op, uint32_t n) {
  return (uint32_t)dg_cl_ceil_div(n * op->desc.layer_norm.rows, DG_CL_NORM_BLOCK);
}

/* ---- forward ------------------------------------------------------------ */

typedef struct {
  dg_cl_op op;
  cl_kernel kernel;
} forward_op;

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  forward_op *self = (forward_op *)op;
  self->kernel = dg_cl_kernel(op, DG_CL_NORMS, "layer_norm_forward", err);
  return self->kernel;
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_cl_lines s = lines_of(op, step->n);
  return dg_cl_launch(op, ((forward_op *)op)->kernel, dg_cl_line_range(op, &s),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->param[0]),
                                 dg_cl_mem(b->param[1]), dg_cl_mem(b->out[0]), dg_cl_mem(b->saved),
                                 dg_cl_u32(s.lines), dg_cl_u32(s.length), dg_cl_u32(s.share),
                                 dg_cl_f32(op->desc.layer_norm.eps), dg_cl_u32(is_rms(op)),
                                 dg_cl_u32(step->train)),
                      err);
}

static const dg_cl_implementation lines_forward = {.name = "lines",
                                                   .saved = "statistics",
                                                   .size = sizeof(forward_op),
                                                   .prepare = prepare_forward,
                                                   .run = forward};

/* ---- backward ----------------------------------------------------------- */

typedef struct {
  dg_cl_op op;
  cl_kernel sums, sum_columns, backward;
} backward_op;

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  backward_op *self = (backward_op *)op;
  op->needs.saved = sizeof(float) * 3 * op->max_n * op->desc.layer_norm.rows;
  op->needs.workspace = sizeof(float) * 2 * blocks_of(op, op->max_n) * op->desc.layer_norm.count;
  op->needs.reads_in = true;
  self->sums = dg_cl_kernel(op, DG_CL_NORMS, "norm_column_sums", err);
  self->sum_columns = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_columns", err);
  self->backward = dg_cl_kernel(op, DG_CL_NORMS, "layer_norm_backward", err);
  return self->sums && self->sum_columns && self->backward;
}

static bool find_d_params(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const backward_op *self = (const backward_op *)op;
  const dg_cl_lines s = lines_of(op, n);
  const uint32_t blocks = blocks_of(op, n), products_first = blocks * s.length;
  return dg_cl_launch(op, self->sums, dg_cl_column_range(op, s.length, blocks),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->d_out), dg_cl_mem(b->saved),
                                 dg_cl_mem(b->param[0]), dg_cl_mem(b->param[1]),
                                 dg_cl_mem(b->workspace), dg_cl_u32(products_first),
                                 dg_cl_u32(s.lines), dg_cl_u32(s.length), dg_cl_u32(s.lines),
                                 dg_cl_f32(1)),
                      err) &&
         (is_rms(op) || dg_cl_sum_columns(op, self->sum_columns, b->workspace, 0, b->d_param[1],
                                          blocks, s.length, err)) &&
         dg_cl_sum_columns(op, self->sum_columns, b->workspace, products_first, b->d_param[0],
                           blocks, s.length, err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_cl_lines s = lines_of(op, step->n);
  const dg_grad_mode mode = op->desc.d_in[0];
  return find_d_params(op, b, step->n, err) &&
         (mode == DG_GRAD_NONE ||
          dg_cl_launch(op, ((backward_op *)op)->backward, dg_cl_line_range(op, &s),
                       DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->d_out), dg_cl_mem(b->saved),
                                  dg_cl_mem(b->param[0]), dg_cl_mem(b->d_in[0]), dg_cl_u32(s.lines),
                                  dg_cl_u32(s.length), dg_cl_u32(s.share), dg_cl_u32(is_rms(op)),
                                  dg_cl_u32(mode == DG_GRAD_ADD)),
                       err));
}

static const dg_cl_implementation lines_backward = {.name = "lines",
                                                    .saved = "statistics",
                                                    .size = sizeof(backward_op),
                                                    .prepare = prepare_backward,
                                                    .run = backward};

const dg_cl_family dg_cl_rms_norm = {.forward = {&lines_forward}, .backward = {&lines_backward}};
const dg_cl_family dg_cl_layer_norm = {.forward = {&lines_forward}, .backward = {&lines_backward}};
