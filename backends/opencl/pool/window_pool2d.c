/* Pooling over windows that are dilated, unequally padded, or of unequal sizes: a work-item has an
   output forward, and an input backward. */
#include "backends/opencl/runtime/implementation.h"

/* The sizes, as the kernels read them. */
typedef struct {
  dg_pool_axis rows, columns;
  uint32_t count_padding;
} sizes;

typedef struct {
  dg_cl_op op;
  const dg_buffer *sizes;
  cl_kernel kernel;
} window_op;

static bool prepare(dg_cl_op *op, const char *kernel, dg_error *err) {
  window_op *self = (window_op *)op;
  const dg_window_pool2d_desc *d = &op->desc.window_pool2d;
  const sizes s = {d->rows, d->columns, d->count_padding};
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, kernel, err);
  self->sizes = self->kernel ? dg_cl_table(op, &s, sizeof s, err) : NULL;
  return self->sizes;
}

static dg_cl_range outputs_of(const dg_window_pool2d_desc *d, uint32_t n) {
  return dg_cl_range_of((size_t[3]){d->columns.out, d->rows.out, n * d->channels},
                        (size_t[3]){16, 4, 1});
}

static dg_cl_range inputs_of(const dg_window_pool2d_desc *d, uint32_t n) {
  return dg_cl_range_of((size_t[3]){d->columns.size, d->rows.size, n * d->channels},
                        (size_t[3]){16, 4, 1});
}

/* ---- maxima ------------------------------------------------------------- */

static bool prepare_max(dg_cl_op *op, dg_error *err) {
  return prepare(op, "window_max_forward", err);
}

static bool max_forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const window_op *self = (window_op *)op;
  return dg_cl_launch(op, self->kernel, outputs_of(&op->desc.window_pool2d, step->n),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->out[0]), dg_cl_mem(b->saved),
                                 dg_cl_mem(self->sizes), dg_cl_u32(step->train && b->saved)),
                      err);
}

static bool prepare_max_backward(dg_cl_op *op, dg_error *err) {
  op->needs.saved = sizeof(cl_uint) * op->max_n * dg_op_sizes_of(&op->desc).out[0];
  return prepare(op, "window_max_backward", err);
}

static bool max_backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const window_op *self = (window_op *)op;
  const dg_grad_mode mode = op->desc.d_in[0];
  if (mode == DG_GRAD_NONE) return true;
  return dg_cl_launch(op, self->kernel, inputs_of(&op->desc.window_pool2d, step->n),
                      DG_CL_ARGS(dg_cl_mem(b->d_out), dg_cl_mem(b->saved), dg_cl_mem(b->d_in[0]),
                                 dg_cl_mem(self->sizes), dg_cl_u32(mode == DG_GRAD_ADD)),
                      err);
}

static const dg_cl_implementation max_windows = {.name = "windows",
                                                 .saved = "indices",
                                                 .size = sizeof(window_op),
                                                 .prepare = prepare_max,
                                                 .run = max_forward};
static const dg_cl_implementation max_windows_backward = {.name = "windows",
                                                          .saved = "indices",
                                                          .size = sizeof(window_op),
                                                          .prepare = prepare_max_backward,
                                                          .run = max_backward};

const dg_cl_family dg_cl_window_maxpool2d = {.forward = {&max_windows},
                                             .backward = {&max_windows_backward}};

/* ---- means -------------------------------------------------------------- */

static bool prepare_average(dg_cl_op *op, dg_error *err) {
  return prepare(op, "window_average_forward", err);
}

static bool average_forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step,
                            dg_error *err) {
  const window_op *self = (window_op *)op;
  return dg_cl_launch(op, self->kernel, outputs_of(&op->desc.window_pool2d, step->n),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->out[0]), dg_cl_mem(self->sizes)),
                      err);
}

static bool prepare_average_backward(dg_cl_op *op, dg_error *err) {
  return prepare(op, "window_average_backward", err);
}

static bool average_backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step,
                             dg_error *err) {
  const window_op *self = (window_op *)op;
  const dg_grad_mode mode = op->desc.d_in[0];
  if (mode == DG_GRAD_NONE) return true;
  return dg_cl_launch(op, self->kernel, inputs_of(&op->desc.window_pool2d, step->n),
                      DG_CL_ARGS(dg_cl_mem(b->d_out), dg_cl_mem(b->d_in[0]), dg_cl_mem(self->sizes),
                                 dg_cl_u32(mode == DG_GRAD_ADD)),
                      err);
}

static const dg_cl_implementation average_windows = {.name = "windows",
                                                     .size = sizeof(window_op),
                                                     .prepare = prepare_average,
                                                     .run = average_forward};
static const dg_cl_implementation average_windows_backward = {.name = "windows",
                                                              .size = sizeof(window_op),
                                                              .prepare = prepare_average_backward,
                                                              .run = average_backward};

const dg_cl_family dg_cl_window_avgpool2d = {.forward = {&average_windows},
                                             .backward = {&average_windows_backward}};
