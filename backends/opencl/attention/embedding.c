/* Rows of a table, chosen by whole numbers (cl/attention/embedding.cl). */
#include "backends/opencl/runtime/implementation.h"

typedef struct {
  dg_cl_op op;
  cl_kernel kernel;
} embedding_op;

static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  return desc->d_in[0] == DG_GRAD_NONE && desc->embedding.width > 0;
}

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  embedding_op *self = (embedding_op *)op;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, "embedding_forward", err);
  return self->kernel;
}

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  embedding_op *self = (embedding_op *)op;
  op->needs.reads_in = true;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, "embedding_backward", err);
  return self->kernel;
}

/* A launch over `rows` rows; from: the weight or the gradient. */
static bool launch(dg_cl_op *op, const dg_buffer *numbers, const dg_buffer *from,
                   const dg_buffer *to, uint32_t rows, uint32_t n, dg_error *err) {
  const dg_embedding_desc *d = &op->desc.embedding;
  const size_t items[3] = {dg_cl_ceil_div(d->width, dg_cl_width(op->device)), rows, 1};
  return dg_cl_launch(op, ((embedding_op *)op)->kernel,
                      dg_cl_range_of(items, (size_t[3]){1, 16, 1}),
                      DG_CL_ARGS(dg_cl_mem(numbers), dg_cl_mem(from), dg_cl_mem(to),
                                 dg_cl_u32(n * d->steps), dg_cl_u32(d->words), dg_cl_u32(d->width)),
                      err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  return launch(op, b->in[0], b->param[0], b->out[0], step->n * op->desc.embedding.steps, step->n,
                err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  return launch(op, b->in[0], b->d_out, b->d_param[0], op->desc.embedding.words, step->n, err);
}

static const dg_cl_implementation rows_forward = {
    .name = "rows", .size = sizeof(embedding_op), .prepare = prepare_forward, .run = forward};
static const dg_cl_implementation rows_backward = {
    .name = "rows", .size = sizeof(embedding_op), .prepare = prepare_backward, .run = backward};

const dg_cl_family dg_cl_embedding = {
    .supports = supports, .forward = {&rows_forward}, .backward = {&rows_backward}};
