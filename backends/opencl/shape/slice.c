/* A part of a dimension: a block of columns of [outer, count inner]. */
#include "backends/opencl/runtime/implementation.h"

typedef struct {
  dg_cl_op op;
  cl_kernel copy, backward;
} slice_op;

/* The rows of a tensor, and the columns that are the slice. */
typedef struct {
  uint32_t rows, row, first, length;
} columns;

static columns columns_of(const dg_cl_op *op, uint32_t n) {
  const dg_slice_desc *d = &op->desc.slice;
  return (columns){.rows = n * d->outer,
                   .row = d->count * d->inner,
                   .first = d->first * d->inner,
                   .length = d->length * d->inner};
}

static dg_cl_range range_of(const dg_cl_op *op, uint32_t count, uint32_t rows) {
  return dg_cl_range_of((size_t[3]){dg_cl_ceil_div(count, dg_cl_width(op->device)), rows, 1},
                        (size_t[3]){8, 8, 1});
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  slice_op *self = (slice_op *)op;
  self->copy = dg_cl_kernel(op, DG_CL_ELEMENTS, "copy_columns", err);
  self->backward = dg_cl_kernel(op, DG_CL_ELEMENTS, "slice_backward", err);
  return self->copy && self->backward;
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const columns c = columns_of(op, step->n);
  return dg_cl_launch(op, ((slice_op *)op)->copy, range_of(op, c.length, c.rows),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_u32(c.first), dg_cl_u32(c.row),
                                 dg_cl_mem(b->out[0]), dg_cl_u32(0), dg_cl_u32(c.length),
                                 dg_cl_u32(c.rows), dg_cl_u32(c.length), dg_cl_u32(false)),
                      err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const slice_op *self = (slice_op *)op;
  const columns c = columns_of(op, step->n);
  if (op->desc.d_in[0] == DG_GRAD_WRITE)
    return dg_cl_launch(op, self->backward, range_of(op, c.row, c.rows),
                        DG_CL_ARGS(dg_cl_mem(b->d_out), dg_cl_mem(b->d_in[0]), dg_cl_u32(c.first),
                                   dg_cl_u32(c.length), dg_cl_u32(c.row), dg_cl_u32(c.rows)),
                        err);
  return op->desc.d_in[0] == DG_GRAD_NONE ||
         dg_cl_launch(op, self->copy, range_of(op, c.length, c.rows),
                      DG_CL_ARGS(dg_cl_mem(b->d_out), dg_cl_u32(0), dg_cl_u32(c.length),
                                 dg_cl_mem(b->d_in[0]), dg_cl_u32(c.first), dg_cl_u32(c.row),
                                 dg_cl_u32(c.rows), dg_cl_u32(c.length), dg_cl_u32(true)),
                      err);
}

static const dg_cl_implementation columns_forward = {
    .name = "columns", .size = sizeof(slice_op), .prepare = prepare, .run = forward};
static const dg_cl_implementation columns_backward = {
    .name = "columns", .size = sizeof(slice_op), .prepare = prepare, .run = backward};

const dg_cl_family dg_cl_slice = {.forward = {&columns_forward}, .backward = {&columns_backward}};
