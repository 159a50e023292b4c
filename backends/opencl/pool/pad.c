/* Padding: a work-item computes some numbers of a row. */
#include "backends/opencl/runtime/implementation.h"

/* The sizes, as the kernels read them. */
typedef struct {
  uint32_t height, width, inner, out_h, out_w, top, left, mode;
} sizes;

static sizes sizes_of(const dg_pad_desc *d) {
  return (sizes){.height = d->height,
                 .width = d->width,
                 .inner = d->inner,
                 .out_h = (uint32_t)dg_pad_out_h(d),
                 .out_w = (uint32_t)dg_pad_out_w(d),
                 .top = d->top,
                 .left = d->left,
                 .mode = d->mode};
}

typedef struct {
  dg_cl_op op;
  const dg_buffer *sizes;
  cl_kernel kernel;
} pad_op;

static bool prepare(dg_cl_op *op, const char *kernel, dg_error *err) {
  pad_op *self = (pad_op *)op;
  const sizes s = sizes_of(&op->desc.pad);
  self->sizes = dg_cl_table(op, &s, sizeof s, err);
  return self->sizes && (self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, kernel, err));
}

/* Work-items for rows of one width. */
static dg_cl_range range_of(const dg_cl_op *op, size_t width, size_t rows) {
  return dg_cl_range_of((size_t[3]){dg_cl_ceil_div(width, dg_cl_width(op->device)), rows, 1},
                        (size_t[3]){4, 16, 1});
}

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  return prepare(op, "pad_forward", err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const pad_op *self = (pad_op *)op;
  const dg_pad_desc *d = &op->desc.pad;
  const uint32_t rows = step->n * d->outer * (uint32_t)dg_pad_out_h(d);
  return dg_cl_launch(op, self->kernel, range_of(op, dg_pad_out_w(d) * d->inner, rows),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->out[0]), dg_cl_mem(self->sizes),
                                 dg_cl_u32(rows)),
                      err);
}

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  return prepare(op, "pad_backward", err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const pad_op *self = (pad_op *)op;
  const dg_pad_desc *d = &op->desc.pad;
  const uint32_t rows = step->n * d->outer * d->height;
  if (op->desc.d_in[0] == DG_GRAD_NONE) return true;
  return dg_cl_launch(op, self->kernel, range_of(op, (size_t)d->width * d->inner, rows),
                      DG_CL_ARGS(dg_cl_mem(b->d_out), dg_cl_mem(b->d_in[0]), dg_cl_mem(self->sizes),
                                 dg_cl_u32(rows), dg_cl_u32(op->desc.d_in[0] == DG_GRAD_ADD)),
                      err);
}

static const dg_cl_implementation numbers_forward = {
    .name = "numbers", .size = sizeof(pad_op), .prepare = prepare_forward, .run = forward};
static const dg_cl_implementation numbers_backward = {
    .name = "numbers", .size = sizeof(pad_op), .prepare = prepare_backward, .run = backward};

const dg_cl_family dg_cl_pad2d = {.forward = {&numbers_forward}, .backward = {&numbers_backward}};
