/* Gated linear units. */
#include "backends/opencl/runtime/implementation.h"

typedef struct {
  dg_cl_op op;
  cl_kernel kernel;
} glu_op;

static dg_cl_range range_of(const dg_cl_op *op, uint32_t rows) {
  const size_t blocks = dg_cl_ceil_div(op->desc.glu.count, dg_cl_width(op->device));
  return dg_cl_range_of((size_t[3]){blocks, rows, 1}, (size_t[3]){8, 8, 1});
}

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  glu_op *self = (glu_op *)op;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, "glu_forward", err);
  return self->kernel;
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const uint32_t rows = step->n * op->desc.glu.rows;
  return dg_cl_launch(op, ((glu_op *)op)->kernel, range_of(op, rows),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->out[0]), dg_cl_u32(rows),
                                 dg_cl_u32(op->desc.glu.count)),
                      err);
}

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  glu_op *self = (glu_op *)op;
  op->needs.reads_in = true;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, "glu_backward", err);
  return self->kernel;
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const uint32_t rows = step->n * op->desc.glu.rows;
  if (op->desc.d_in[0] == DG_GRAD_NONE) return true;
  return dg_cl_launch(op, ((glu_op *)op)->kernel, range_of(op, rows),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->d_out), dg_cl_mem(b->d_in[0]),
                                 dg_cl_u32(rows), dg_cl_u32(op->desc.glu.count),
                                 dg_cl_u32(op->desc.d_in[0] == DG_GRAD_ADD)),
                      err);
}

static const dg_cl_implementation rows_forward = {
    .name = "rows", .size = sizeof(glu_op), .prepare = prepare_forward, .run = forward};
static const dg_cl_implementation rows_backward = {
    .name = "rows", .size = sizeof(glu_op), .prepare = prepare_backward, .run = backward};

const dg_cl_family dg_cl_glu = {.forward = {&rows_forward}, .backward = {&rows_backward}};
