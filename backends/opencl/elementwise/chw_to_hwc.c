/* Images moved to channels-last order: a transposition. */
#include "backends/opencl/runtime/implementation.h"

typedef struct {
  dg_cl_op op;
  cl_kernel transpose;
} chw_op;

static bool prepare(dg_cl_op *op, dg_error *err) {
  chw_op *self = (chw_op *)op;
  self->transpose = dg_cl_kernel(op, DG_CL_ELEMENTS, "transpose", err);
  return self->transpose;
}

static bool transpose(dg_cl_op *op, const dg_buffer *from, const dg_buffer *to, uint32_t rows,
                      uint32_t columns, bool add, uint32_t n, dg_error *err) {
  return dg_cl_launch(op, ((chw_op *)op)->transpose,
                      dg_cl_range_of((size_t[3]){rows, columns, n}, (size_t[3]){16, 4, 1}),
                      DG_CL_ARGS(dg_cl_mem(from), dg_cl_mem(to), dg_cl_u32(rows),
                                 dg_cl_u32(columns), dg_cl_u32(add)),
                      err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_chw_desc *d = &op->desc.chw;
  return transpose(op, b->in[0], b->out[0], d->channels, d->height * d->width, false, step->n, err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_chw_desc *d = &op->desc.chw;
  const dg_grad_mode mode = op->desc.d_in[0];
  return mode == DG_GRAD_NONE || transpose(op, b->d_out, b->d_in[0], d->height * d->width,
                                           d->channels, mode == DG_GRAD_ADD, step->n, err);
}

static const dg_cl_implementation transpose_forward = {
    .name = "transpose", .size = sizeof(chw_op), .prepare = prepare, .run = forward};
static const dg_cl_implementation transpose_backward = {
    .name = "transpose", .size = sizeof(chw_op), .prepare = prepare, .run = backward};

const dg_cl_family dg_cl_chw_to_hwc = {.forward = {&transpose_forward},
                                       .backward = {&transpose_backward}};
