/* Attention (cl/attention/attention.cl). */
#include "backends/opencl/runtime/implementation.h"

enum { ROWS = 6 }; /* of a work-group */

/* The sizes, as the kernels read them. */
typedef struct {
  uint32_t steps, padded, heads, width, causal;
} sizes;

typedef struct {
  dg_cl_op op;
  const dg_buffer *sizes;
  cl_kernel turn, forward;       /* forward, and turn for both */
  cl_kernel own, d_query, d_key; /* backward */
} attention_op;

static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  return desc->d_in[1] == DG_GRAD_NONE && desc->attention.width > 0;
}

static uint32_t padded_of(const dg_cl_op *op) {
  return (uint32_t)dg_cl_round_up(op->desc.attention.steps, dg_cl_width(op->device));
}

/* Numbers of a turned tensor. */
static size_t turned_of(const dg_cl_op *op, uint32_t n) {
  const dg_attention_desc *d = &op->desc.attention;
  return (size_t)n * d->heads * d->width * padded_of(op);
}

static bool prepare_sizes(attention_op *self, dg_error *err) {
  const dg_attention_desc *d = &self->op.desc.attention;
  const sizes s = {.steps = d->steps,
                   .padded = padded_of(&self->op),
                   .heads = d->heads,
                   .width = d->width,
                   .causal = d->causal};
  self->sizes = dg_cl_table(&self->op, &s, sizeof s, err);
  self->turn = dg_cl_kernel(&self->op, DG_CL_ATTENTION, "attention_turn", err);
  return self->sizes && self->turn;
}

/* A work-group for each block of rows of each head. */
static dg_cl_range blocks_of(const dg_cl_op *op, uint32_t heads) {
  const size_t group = dg_cl_group(op->device);
  return (dg_cl_range){.global = {group, dg_cl_ceil_div(op->desc.attention.steps, ROWS), heads},
                       .local = {group, 1, 1}};
}

/* What the kernel attention_turn calls its parts, and the tensor. */
enum { QUERIES, KEYS, VALUES, AS_OUTPUT };

/* Turns a part of a tensor into the tensor `which` of the workspace. */
static bool turn(dg_cl_op *op, const dg_op_buffers *b, const dg_buffer *from, uint32_t part,
                 uint32_t which, uint32_t n, dg_error *err) {
  const attention_op *self = (attention_op *)op;
  const dg_attention_desc *d = &op->desc.attention;
  const size_t items[3] = {padded_of(op) / dg_cl_width(op->device), d->width, (size_t)n * d->heads};
  return dg_cl_launch(op, self->turn, dg_cl_range_of(items, (size_t[3]){4, 8, 1}),
                      DG_CL_ARGS(dg_cl_mem(from), dg_cl_mem(d->lengths ? b->in[1] : NULL),
                                 dg_cl_mem(b->workspace), dg_cl_mem(self->sizes), dg_cl_u32(part),
                                 dg_cl_u32(which), dg_cl_u32(n * d->heads)),
                      err);
}

/* ---- forward ------------------------------------------------------------ */

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  attention_op *self = (attention_op *)op;
  op->needs.workspace = turned_of(op, op->max_n) * sizeof(float);
  self->forward = dg_cl_kernel(op, DG_CL_ATTENTION, "attention_forward", err);
  return self->forward && prepare_sizes(self, err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const attention_op *self = (attention_op *)op;
  const dg_attention_desc *d = &op->desc.attention;
  return turn(op, b, b->in[0], KEYS, 0, step->n, err) &&
         dg_cl_launch(op, self->forward, blocks_of(op, step->n * d->heads),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(d->lengths ? b->in[1] : NULL),
                                 dg_cl_mem(b->workspace), dg_cl_mem(b->out[0]),
                                 dg_cl_mem(step->train ? b->saved : NULL), dg_cl_mem(self->sizes)),
                      err);
}

/* ---- backward ----------------------------------------------------------- */

/* The workspace holds two turned tensors, and a number for each query behind them. */
static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  attention_op *self = (attention_op *)op;
  const dg_attention_desc *d = &op->desc.attention;
  const size_t queries = (size_t)op->max_n * d->heads * d->steps;
  op->needs.saved = queries * sizeof(float);
  op->needs.workspace = (2 * turned_of(op, op->max_n) + queries) * sizeof(float);
  op->needs.reads_in = op->needs.reads_out = true;
  self->own = dg_cl_kernel(op, DG_CL_ATTENTION, "attention_own", err);
  self->d_query = dg_cl_kernel(op, DG_CL_ATTENTION, "attention_backward_query", err);
  self->d_key = dg_cl_kernel(op, DG_CL_ATTENTION, "attention_backward_key", err);
  return self->own && self->d_query && self->d_key && prepare_sizes(self, err);
}

static bool find_common(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const attention_op *self = (attention_op *)op;
  const dg_attention_desc *d = &op->desc.attention;
  const size_t items[3] = {d->steps, (size_t)n * d->heads, 1};
  return dg_cl_launch(op, self->own, dg_cl_range_of(items, (size_t[3]){16, 4, 1}),
                      DG_CL_ARGS(dg_cl_mem(b->out[0]), dg_cl_mem(b->d_out),
                                 dg_cl_mem(d->lengths ? b->in[1] : NULL), dg_cl_mem(b->workspace),
                                 dg_cl_mem(self->sizes), dg_cl_u32(n * d->heads)),
                      err);
}

static bool find_gradients(dg_cl_op *op, cl_kernel kernel, const dg_op_buffers *b, uint32_t n,
                           dg_error *err) {
  const dg_attention_desc *d = &op->desc.attention;
  return dg_cl_launch(op, kernel, blocks_of(op, n * d->heads),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(d->lengths ? b->in[1] : NULL),
                                 dg_cl_mem(b->d_out), dg_cl_mem(b->workspace), dg_cl_mem(b->saved),
                                 dg_cl_mem(b->d_in[0]), dg_cl_mem(((attention_op *)op)->sizes),
                                 dg_cl_u32(n * d->heads),
                                 dg_cl_u32(op->desc.d_in[0] == DG_GRAD_ADD)),
                      err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const attention_op *self = (attention_op *)op;
  if (op->desc.d_in[0] == DG_GRAD_NONE) return true;
  return find_common(op, b, step->n, err) && turn(op, b, b->in[0], KEYS, 0, step->n, err) &&
         turn(op, b, b->in[0], VALUES, 1, step->n, err) &&
         find_gradients(op, self->d_query, b, step->n, err) &&
         turn(op, b, b->in[0], QUERIES, 0, step->n, err) &&
         turn(op, b, b->d_out, AS_OUTPUT, 1, step->n, err) &&
         find_gradients(op, self->d_key, b, step->n, err);
}

static const dg_cl_implementation blocks_forward = {.name = "blocks",
                                                    .saved = "sums",
                                                    .size = sizeof(attention_op),
                                                    .prepare = prepare_forward,
                                                    .run = forward};
static const dg_cl_implementation blocks_backward = {.name = "blocks",
                                                     .saved = "sums",
                                                     .size = sizeof(attention_op),
                                                     .prepare = prepare_backward,
                                                     .run = backward};

const dg_cl_family dg_cl_attention = {
    .supports = supports, .forward = {&blocks_forward}, .backward = {&blocks_backward}};
