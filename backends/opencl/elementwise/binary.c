/* Functions of two tensors. */
#include "backends/opencl/runtime/implementation.h"

/* The sizes, as the kernels read them. */
typedef struct {
  uint32_t out[3], in[2][3];
} sizes;

typedef struct {
  dg_cl_op op;
  dg_binary_desc joined;
  const dg_buffer *sizes;
  cl_kernel kernel[2]; /* forward: the first; backward: that of each input, or NULL */
} binary_op;

static bool prepare_sizes(binary_op *self, dg_error *err) {
  sizes s;
  self->joined = dg_binary_joined(&self->op.desc.binary);
  for (uint32_t i = 0; i < 3; i++) {
    s.out[i] = dg_binary_out(&self->joined, i);
    for (uint32_t k = 0; k < 2; k++) s.in[k][i] = self->joined.dim[k][i];
  }
  self->sizes = dg_cl_table(&self->op, &s, sizeof s, err);
  return self->sizes;
}

/* Work-items for `rows` of the width of the output. */
static dg_cl_range range_of(const binary_op *self, uint32_t rows) {
  const uint32_t width = dg_binary_out(&self->joined, 2);
  return dg_cl_range_of((size_t[3]){dg_cl_ceil_div(width, dg_cl_width(self->op.device)), rows, 1},
                        (size_t[3]){4, 4, 1});
}

/* ---- forward ------------------------------------------------------------ */

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  binary_op *self = (binary_op *)op;
  self->kernel[0] = dg_cl_kernel(op, DG_CL_ELEMENTS, "binary_forward", err);
  return self->kernel[0] && prepare_sizes(self, err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const binary_op *self = (binary_op *)op;
  const dg_binary_desc *d = &self->joined;
  const uint32_t rows = step->n * dg_binary_out(d, 0) * dg_binary_out(d, 1);
  return dg_cl_launch(op, self->kernel[0], range_of(self, rows),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->in[1]), dg_cl_mem(b->out[0]),
                                 dg_cl_mem(self->sizes), dg_cl_u32(rows), dg_cl_u32(d->kind)),
                      err);
}

/* ---- backward ----------------------------------------------------------- */

/* Do the gradients depend on the inputs? */
static bool reads_in(const dg_cl_op *op) {
  return op->desc.binary.kind == DG_BINARY_MULTIPLY || op->desc.binary.kind == DG_BINARY_DIVIDE;
}

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  binary_op *self = (binary_op *)op;
  op->needs.reads_in = reads_in(op);
  if (!prepare_sizes(self, err)) return false;
  for (uint32_t k = 0; k < 2; k++) {
    const bool whole = dg_binary_has(&self->joined, k, 2);
    if (op->desc.d_in[k] == DG_GRAD_NONE) continue;
    self->kernel[k] = dg_cl_kernel(op, DG_CL_ELEMENTS,
                                   whole ? "binary_backward_row" : "binary_backward_sum", err);
    if (!self->kernel[k]) return false;
  }
  return true;
}

static bool run_gradient(dg_cl_op *op, const dg_op_buffers *b, uint32_t k, uint32_t n,
                         dg_error *err) {
  const binary_op *self = (binary_op *)op;
  const dg_binary_desc *d = &self->joined;
  const uint32_t rows = n * d->dim[k][0] * d->dim[k][1];
  const bool reads = reads_in(op);
  const dg_cl_arg a = dg_cl_mem(reads ? b->in[0] : NULL), c = dg_cl_mem(reads ? b->in[1] : NULL);
  const dg_cl_arg kind = dg_cl_u32(d->kind), add = dg_cl_u32(op->desc.d_in[k] == DG_GRAD_ADD);
  const size_t group = dg_cl_group(op->device);
  const dg_cl_range groups = {.global = {group, rows, 1}, .local = {group, 1, 1}};
  if (dg_binary_has(d, k, 2))
    return dg_cl_launch(op, self->kernel[k], range_of(self, rows),
                        DG_CL_ARGS(dg_cl_mem(b->d_out), a, c, dg_cl_mem(b->d_in[k]),
                                   dg_cl_mem(self->sizes), dg_cl_u32(rows), kind, dg_cl_u32(k),
                                   add),
                        err);
  return dg_cl_launch(op, self->kernel[k], groups,
                      DG_CL_ARGS(dg_cl_mem(b->d_out), a, c, dg_cl_mem(b->d_in[k]),
                                 dg_cl_mem(self->sizes), kind, dg_cl_u32(k), add),
                      err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  for (uint32_t k = 0; k < 2; k++)
    if (op->desc.d_in[k] != DG_GRAD_NONE && !run_gradient(op, b, k, step->n, err)) return false;
  return true;
}

static const dg_cl_implementation rows_forward = {
    .name = "rows", .size = sizeof(binary_op), .prepare = prepare_forward, .run = forward};
static const dg_cl_implementation rows_backward = {
    .name = "rows", .size = sizeof(binary_op), .prepare = prepare_backward, .run = backward};

const dg_cl_family dg_cl_binary = {.forward = {&rows_forward}, .backward = {&rows_backward}};
