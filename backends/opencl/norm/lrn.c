/* Local response normalization (cl/norm/lrn.cl). */
#include "backends/opencl/runtime/implementation.h"

/* The sizes, as the kernels read them. */
typedef struct {
  uint32_t channels, plane, before, after;
  float factor, beta, k;
} sizes;

typedef struct {
  dg_cl_op op;
  const dg_buffer *sizes;
  cl_kernel kernel;
} lrn_op;

static bool prepare(dg_cl_op *op, const char *kernel, dg_error *err) {
  lrn_op *self = (lrn_op *)op;
  const dg_lrn_desc *d = &op->desc.lrn;
  const sizes s = {.channels = d->channels,
                   .plane = d->plane,
                   .before = d->size / 2,
                   .after = (d->size - 1) / 2,
                   .factor = d->alpha / (float)d->size,
                   .beta = d->beta,
                   .k = d->k};
  self->kernel = dg_cl_kernel(op, DG_CL_GROUP_NORMS, kernel, err);
  self->sizes = self->kernel ? dg_cl_table(op, &s, sizeof s, err) : NULL;
  return self->sizes;
}

/* One work-item per block of pixels of a channel. */
static dg_cl_range range_of(const dg_cl_op *op, uint32_t lines) {
  const size_t blocks = dg_cl_ceil_div(op->desc.lrn.plane, dg_cl_width(op->device));
  return dg_cl_range_of((size_t[3]){blocks, lines, 1}, (size_t[3]){4, 4, 1});
}

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  return prepare(op, "lrn_forward", err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const lrn_op *self = (lrn_op *)op;
  const uint32_t lines = step->n * op->desc.lrn.channels;
  return dg_cl_launch(op, self->kernel, range_of(op, lines),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->out[0]), dg_cl_mem(b->saved),
                                 dg_cl_mem(self->sizes), dg_cl_u32(lines),
                                 dg_cl_u32(step->train && b->saved)),
                      err);
}

/* What the powers are taken of is saved. */
static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  op->needs.reads_in = op->needs.reads_out = true;
  op->needs.saved = op->max_n * dg_op_sizes_of(&op->desc).out[0] * sizeof(float);
  return prepare(op, "lrn_backward", err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const lrn_op *self = (lrn_op *)op;
  const dg_grad_mode mode = op->desc.d_in[0];
  const uint32_t lines = step->n * op->desc.lrn.channels;
  if (mode == DG_GRAD_NONE) return true;
  return dg_cl_launch(op, self->kernel, range_of(op, lines),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->out[0]), dg_cl_mem(b->d_out),
                                 dg_cl_mem(b->saved), dg_cl_mem(b->d_in[0]), dg_cl_mem(self->sizes),
                                 dg_cl_u32(lines), dg_cl_u32(mode == DG_GRAD_ADD)),
                      err);
}

static const dg_cl_implementation blocks_forward = {.name = "blocks",
                                                    .saved = "bases",
                                                    .size = sizeof(lrn_op),
                                                    .prepare = prepare_forward,
                                                    .run = forward};
static const dg_cl_implementation blocks_backward = {.name = "blocks",
                                                     .saved = "bases",
                                                     .size = sizeof(lrn_op),
                                                     .prepare = prepare_backward,
                                                     .run = backward};

const dg_cl_family dg_cl_lrn = {.forward = {&blocks_forward}, .backward = {&blocks_backward}};
