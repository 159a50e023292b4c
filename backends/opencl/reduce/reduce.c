/* Sums, means and maxima over a dimension (cl/reduce/reduce.cl). */
#include "backends/opencl/norm/norm.h"
#include "backends/opencl/runtime/implementation.h"

typedef struct {
  dg_cl_op op;
  cl_kernel kernel;
} reduce_op;

static bool are_rows(const dg_cl_op *op) {
  return op->desc.reduce.inner == 1;
}

static float factor_of(const dg_reduce_desc *d) {
  return d->kind == DG_REDUCE_MEAN ? 1 / (float)d->count : 1;
}

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  reduce_op *self = (reduce_op *)op;
  self->kernel =
      dg_cl_kernel(op, DG_CL_ELEMENTS, are_rows(op) ? "reduce_rows" : "reduce_columns", err);
  return self->kernel;
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_reduce_desc *d = &op->desc.reduce;
  const dg_cl_lines rows = dg_cl_lines_of(step->n * d->outer, d->count);
  const dg_cl_range range =
      are_rows(op) ? dg_cl_line_range(op, &rows) : dg_cl_column_range(op, d->inner, rows.lines);
  return dg_cl_launch(op, ((reduce_op *)op)->kernel, range,
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->out[0]), dg_cl_u32(rows.lines),
                                 dg_cl_u32(d->count),
                                 dg_cl_u32(are_rows(op) ? rows.share : d->inner),
                                 dg_cl_u32(d->kind), dg_cl_f32(factor_of(d))),
                      err);
}

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  reduce_op *self = (reduce_op *)op;
  const bool maximum = op->desc.reduce.kind == DG_REDUCE_MAX;
  op->needs.reads_in = maximum;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS,
                              !maximum       ? "reduce_spread"
                              : are_rows(op) ? "maximum_of_row_backward"
                                             : "maxima_of_columns_backward",
                              err);
  return self->kernel;
}

static bool spread(dg_cl_op *op, const dg_op_buffers *b, uint32_t outer, dg_error *err) {
  const dg_reduce_desc *d = &op->desc.reduce;
  const uint32_t length = are_rows(op) ? d->count : d->inner;
  const uint32_t lines = are_rows(op) ? outer : outer * d->count;
  return dg_cl_launch(op, ((reduce_op *)op)->kernel, dg_cl_column_range(op, length, lines),
                      DG_CL_ARGS(dg_cl_mem(b->d_out), dg_cl_mem(b->d_in[0]), dg_cl_u32(length),
                                 dg_cl_u32(lines), dg_cl_u32(d->count), dg_cl_u32(are_rows(op)),
                                 dg_cl_f32(factor_of(d)),
                                 dg_cl_u32(op->desc.d_in[0] == DG_GRAD_ADD)),
                      err);
}

static bool maxima_of_rows(dg_cl_op *op, const dg_op_buffers *b, uint32_t rows, dg_error *err) {
  return dg_cl_launch(
      op, ((reduce_op *)op)->kernel, dg_cl_range_of((size_t[3]){rows, 1, 1}, (size_t[3]){64, 1, 1}),
      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->d_out), dg_cl_mem(b->d_in[0]), dg_cl_u32(rows),
                 dg_cl_u32(op->desc.reduce.count), dg_cl_u32(op->desc.d_in[0] == DG_GRAD_ADD)),
      err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_reduce_desc *d = &op->desc.reduce;
  const uint32_t outer = step->n * d->outer;
  if (op->desc.d_in[0] == DG_GRAD_NONE) return true;
  if (d->kind != DG_REDUCE_MAX) return spread(op, b, outer, err);
  if (are_rows(op)) return maxima_of_rows(op, b, outer, err);
  return dg_cl_launch(op, ((reduce_op *)op)->kernel, dg_cl_column_range(op, d->inner, outer),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->d_out), dg_cl_mem(b->d_in[0]),
                                 dg_cl_u32(outer), dg_cl_u32(d->count), dg_cl_u32(d->inner),
                                 dg_cl_u32(op->desc.d_in[0] == DG_GRAD_ADD)),
                      err);
}

static const dg_cl_implementation lines_forward = {
    .name = "lines", .size = sizeof(reduce_op), .prepare = prepare_forward, .run = forward};
static const dg_cl_implementation lines_backward = {
    .name = "lines", .size = sizeof(reduce_op), .prepare = prepare_backward, .run = backward};

const dg_cl_family dg_cl_reduce = {.forward = {&lines_forward}, .backward = {&lines_backward}};
