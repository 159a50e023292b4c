/* Softmax and its logarithm (cl/reduce/softmax.cl). */
#include "backends/opencl/norm/norm.h"
#include "backends/opencl/runtime/implementation.h"

typedef struct {
  dg_cl_op op;
  cl_kernel kernel; /* of rows, or of columns */
} softmax_op;

static bool are_rows(const dg_cl_op *op) {
  return op->desc.softmax.inner == 1;
}

static dg_cl_range range_of(const dg_cl_op *op, uint32_t n, const dg_cl_lines *rows) {
  const dg_softmax_desc *d = &op->desc.softmax;
  return are_rows(op) ? dg_cl_line_range(op, rows) : dg_cl_column_range(op, d->inner, n * d->outer);
}

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  softmax_op *self = (softmax_op *)op;
  self->kernel =
      dg_cl_kernel(op, DG_CL_ELEMENTS, are_rows(op) ? "softmax_rows" : "softmax_columns", err);
  return self->kernel;
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_softmax_desc *d = &op->desc.softmax;
  const dg_cl_lines rows = dg_cl_lines_of(step->n * d->outer, d->count);
  return dg_cl_launch(op, ((softmax_op *)op)->kernel, range_of(op, step->n, &rows),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->out[0]), dg_cl_u32(rows.lines),
                                 dg_cl_u32(d->count),
                                 dg_cl_u32(are_rows(op) ? rows.share : d->inner),
                                 dg_cl_u32(d->log)),
                      err);
}

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  softmax_op *self = (softmax_op *)op;
  op->needs.reads_out = true;
  self->kernel = dg_cl_kernel(
      op, DG_CL_ELEMENTS, are_rows(op) ? "softmax_rows_backward" : "softmax_columns_backward", err);
  return self->kernel;
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_softmax_desc *d = &op->desc.softmax;
  const dg_cl_lines rows = dg_cl_lines_of(step->n * d->outer, d->count);
  if (op->desc.d_in[0] == DG_GRAD_NONE) return true;
  return dg_cl_launch(op, ((softmax_op *)op)->kernel, range_of(op, step->n, &rows),
                      DG_CL_ARGS(dg_cl_mem(b->out[0]), dg_cl_mem(b->d_out), dg_cl_mem(b->d_in[0]),
                                 dg_cl_u32(rows.lines), dg_cl_u32(d->count),
                                 dg_cl_u32(are_rows(op) ? rows.share : d->inner), dg_cl_u32(d->log),
                                 dg_cl_u32(op->desc.d_in[0] == DG_GRAD_ADD)),
                      err);
}

static const dg_cl_implementation lines_forward = {
    .name = "lines", .size = sizeof(softmax_op), .prepare = prepare_forward, .run = forward};
static const dg_cl_implementation lines_backward = {
    .name = "lines", .size = sizeof(softmax_op), .prepare = prepare_backward, .run = backward};

const dg_cl_family dg_cl_softmax = {.forward = {&lines_forward}, .backward = {&lines_backward}};
