/* ReLU with learned slopes (cl/elementwise/prelu.cl). */
#include "backends/opencl/elementwise/sum_columns.h"
#include "backends/opencl/norm/norm.h"
#include "backends/opencl/runtime/implementation.h"

/* Lines of a block whose columns are added up. */
enum { BLOCK = 64 };

/* Does a line hold all channels? Else it is the plane of one. */
static bool lie_along(const dg_cl_op *op) {
  return op->desc.prelu.plane == 1;
}

static dg_cl_lines lines_of(const dg_cl_op *op, uint32_t n) {
  const dg_prelu_desc *d = &op->desc.prelu;
  return lie_along(op) ? dg_cl_lines_of(n * d->rows, d->channels)
                       : dg_cl_lines_of(n * d->rows * d->channels, d->plane);
}

static dg_cl_range range_of(const dg_cl_op *op, const dg_cl_lines *s) {
  const size_t blocks = dg_cl_ceil_div(s->length, dg_cl_width(op->device));
  return dg_cl_range_of((size_t[3]){blocks, s->lines, 1}, (size_t[3]){8, 8, 1});
}

/* ---- forward ------------------------------------------------------------ */

typedef struct {
  dg_cl_op op;
  cl_kernel kernel;
} forward_op;

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  forward_op *self = (forward_op *)op;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, "prelu_forward", err);
  return self->kernel;
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_cl_lines s = lines_of(op, step->n);
  return dg_cl_launch(op, ((forward_op *)op)->kernel, range_of(op, &s),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->param[0]), dg_cl_mem(b->out[0]),
                                 dg_cl_u32(s.lines), dg_cl_u32(s.length),
                                 dg_cl_u32(op->desc.prelu.channels), dg_cl_u32(lie_along(op))),
                      err);
}

/* ---- backward ----------------------------------------------------------- */

typedef struct {
  dg_cl_op op;
  cl_kernel backward, sums, sum_columns;
} backward_op;

/* Rows of channels in the workspace: a sum for each row of planes, or for each block of lines. */
static uint32_t sum_rows_of(const dg_cl_op *op, uint32_t n) {
  const uint32_t rows = n * op->desc.prelu.rows;
  return lie_along(op) ? (uint32_t)dg_cl_ceil_div(rows, BLOCK) : rows;
}

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  backward_op *self = (backward_op *)op;
  op->needs.reads_in = true;
  op->needs.workspace = sizeof(float) * sum_rows_of(op, op->max_n) * op->desc.prelu.channels;
  self->backward = dg_cl_kernel(op, DG_CL_ELEMENTS, "prelu_backward", err);
  self->sums = dg_cl_kernel(op, DG_CL_ELEMENTS,
                            lie_along(op) ? "prelu_column_sums" : "prelu_line_sums", err);
  self->sum_columns = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_columns", err);
  return self->backward && self->sums && self->sum_columns;
}

static bool find_d_weight(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const backward_op *self = (const backward_op *)op;
  const dg_cl_lines s = lines_of(op, n);
  const uint32_t rows = sum_rows_of(op, n);
  const dg_cl_range range =
      lie_along(op) ? dg_cl_column_range(op, s.length, rows) : dg_cl_line_range(op, &s);
  return dg_cl_launch(op, self->sums, range,
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->d_out), dg_cl_mem(b->workspace),
                                 dg_cl_u32(s.lines), dg_cl_u32(s.length),
                                 dg_cl_u32(lie_along(op) ? BLOCK : s.share)),
                      err) &&
         dg_cl_sum_columns(op, self->sum_columns, b->workspace, 0, b->d_param[0], rows,
                           op->desc.prelu.channels, err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_cl_lines s = lines_of(op, step->n);
  const dg_grad_mode mode = op->desc.d_in[0];
  return find_d_weight(op, b, step->n, err) &&
         (mode == DG_GRAD_NONE ||
          dg_cl_launch(op, ((backward_op *)op)->backward, range_of(op, &s),
                       DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->param[0]), dg_cl_mem(b->d_out),
                                  dg_cl_mem(b->d_in[0]), dg_cl_u32(s.lines), dg_cl_u32(s.length),
                                  dg_cl_u32(op->desc.prelu.channels), dg_cl_u32(lie_along(op)),
                                  dg_cl_u32(mode == DG_GRAD_ADD)),
                       err));
}

static const dg_cl_implementation lines_forward = {
    .name = "lines", .size = sizeof(forward_op), .prepare = prepare_forward, .run = forward};
static const dg_cl_implementation lines_backward = {
    .name = "lines", .size = sizeof(backward_op), .prepare = prepare_backward, .run = backward};

const dg_cl_family dg_cl_prelu = {.forward = {&lines_forward}, .backward = {&lines_backward}};
