/* Concatenation of several inputs: each is a block of columns of the output. */
#include "backends/opencl/runtime/implementation.h"

typedef struct {
  dg_cl_op op;
  cl_kernel copy;
  uint32_t first[DG_MAX_IN], total; /* columns before each input's, and of the output */
} concat_op;

static bool prepare(dg_cl_op *op, dg_error *err) {
  concat_op *self = (concat_op *)op;
  const dg_concat_desc *d = &op->desc.concat;
  uint64_t total = 0;
  for (uint32_t k = 0; k < d->inputs; k++) {
    self->first[k] = (uint32_t)total;
    total += d->count[k];
  }
  if (!dg_cl_check_count(total * d->rows * op->max_n, err)) return false;
  self->total = (uint32_t)total;
  self->copy = dg_cl_kernel(op, DG_CL_ELEMENTS, "copy_columns", err);
  return self->copy;
}

/* `count` numbers of each line of a tensor, from index `first` on. */
typedef struct {
  const dg_buffer *buffer;
  uint32_t first, pitch;
} columns;

static bool copy(dg_cl_op *op, columns from, columns to, uint32_t count, uint32_t n, bool add,
                 dg_error *err) {
  const uint32_t rows = n * op->desc.concat.rows;
  return dg_cl_launch(
      op, ((concat_op *)op)->copy,
      dg_cl_range_of((size_t[3]){dg_cl_ceil_div(count, dg_cl_width(op->device)), rows, 1},
                     (size_t[3]){8, 8, 1}),
      DG_CL_ARGS(dg_cl_mem(from.buffer), dg_cl_u32(from.first), dg_cl_u32(from.pitch),
                 dg_cl_mem(to.buffer), dg_cl_u32(to.first), dg_cl_u32(to.pitch), dg_cl_u32(rows),
                 dg_cl_u32(count), dg_cl_u32(add)),
      err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const concat_op *self = (concat_op *)op;
  const dg_concat_desc *d = &op->desc.concat;
  bool ok = true;
  for (uint32_t k = 0; ok && k < d->inputs; k++)
    ok = copy(op, (columns){b->in[k], 0, d->count[k]},
              (columns){b->out[0], self->first[k], self->total}, d->count[k], step->n, false, err);
  return ok;
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const concat_op *self = (concat_op *)op;
  const dg_concat_desc *d = &op->desc.concat;
  bool ok = true;
  for (uint32_t k = 0; ok && k < d->inputs; k++) {
    const dg_grad_mode mode = op->desc.d_in[k];
    if (mode == DG_GRAD_NONE) continue;
    ok =
        copy(op, (columns){b->d_out, self->first[k], self->total},
             (columns){b->d_in[k], 0, d->count[k]}, d->count[k], step->n, mode == DG_GRAD_ADD, err);
  }
  return ok;
}

static const dg_cl_implementation columns_forward = {
    .name = "columns", .size = sizeof(concat_op), .prepare = prepare, .run = forward};
static const dg_cl_implementation columns_backward = {
    .name = "columns", .size = sizeof(concat_op), .prepare = prepare, .run = backward};

const dg_cl_family dg_cl_concat = {.forward = {&columns_forward}, .backward = {&columns_backward}};
