/* Activation, dropout, reordering and sums: the ops that treat every number by itself. */
#include "backends/opencl/elementwise/drop.h"

/* ---- activation --------------------------------------------------------- */

typedef struct {
  dg_cl_op op;
  cl_kernel forward, backward;
} activation_op;

static bool activation_prepare(dg_cl_op *op, dg_error *err) {
  activation_op *self = (activation_op *)op;
  op->base.needs.backward_reads_out = true;
  self->forward = dg_cl_kernel(op, DG_CL_ELEMENTS, "activation_forward", err);
  self->backward = dg_cl_kernel(op, DG_CL_ELEMENTS, "activation_backward", err);
  return self->forward && self->backward;
}

static bool activation_forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step,
                               dg_error *err) {
  const dg_activation_desc *d = &op->base.desc.activation;
  const uint32_t count = step->n * d->count;
  return dg_cl_launch(op, ((activation_op *)op)->forward, dg_cl_blocks(op->device, count, 1),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->out[0]), dg_cl_u32(count),
                                 dg_cl_u32(d->act.kind), dg_cl_f32(d->act.slope)),
                      err);
}

static bool activation_backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step,
                                dg_error *err) {
  const dg_activation_desc *d = &op->base.desc.activation;
  if (op->base.desc.d_in[0] == DG_GRAD_NONE) return true;
  const uint32_t count = step->n * d->count;
  return dg_cl_launch(op, ((activation_op *)op)->backward, dg_cl_blocks(op->device, count, 1),
                      DG_CL_ARGS(dg_cl_mem(b->out[0]), dg_cl_mem(b->d_out), dg_cl_mem(b->d_in[0]),
                                 dg_cl_u32(count), dg_cl_u32(d->act.kind), dg_cl_f32(d->act.slope),
                                 dg_cl_f32(1), dg_cl_u32(op->base.desc.d_in[0] == DG_GRAD_ADD)),
                      err);
}

const dg_cl_family dg_cl_activation = {
    .size = sizeof(activation_op),
    .prepare = activation_prepare,
    .forward = activation_forward,
    .backward = activation_backward,
};

/* ---- dropout ------------------------------------------------------------ */

typedef struct {
  dg_cl_op op;
  cl_kernel drop, copy;
} dropout_op;

static bool dropout_prepare(dg_cl_op *op, dg_error *err) {
  dropout_op *self = (dropout_op *)op;
  self->drop = dg_cl_kernel(op, DG_CL_ELEMENTS, "dropout", err);
  self->copy = dg_cl_kernel(op, DG_CL_ELEMENTS, "copy", err);
  return self->drop && self->copy;
}

/* The same mask over activations and over their gradients. */
static bool run_dropout(dg_cl_op *op, const dg_buffer *from, const dg_buffer *to, bool add,
                        const dg_step *step, dg_error *err) {
  const dropout_op *self = (dropout_op *)op;
  const dg_dropout_desc *d = &op->base.desc.dropout;
  const uint32_t total = step->n * d->count;
  const dg_drop drop = {d->rate, d->stream};
  if (dg_cl_drop_runs(drop, step))
    return dg_cl_drop(op, self->drop, drop, d->count, from, to, add, step, err);
  return dg_cl_launch(op, self->copy, dg_cl_blocks(op->device, total, 1),
                      DG_CL_ARGS(dg_cl_mem(from), dg_cl_mem(to), dg_cl_u32(total), dg_cl_u32(add)),
                      err);
}

static bool dropout_forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step,
                            dg_error *err) {
  return run_dropout(op, b->in[0], b->out[0], false, step, err);
}

static bool dropout_backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step,
                             dg_error *err) {
  const dg_grad_mode mode = op->base.desc.d_in[0];
  return mode == DG_GRAD_NONE ||
         run_dropout(op, b->d_out, b->d_in[0], mode == DG_GRAD_ADD, step, err);
}

const dg_cl_family dg_cl_dropout = {
    .size = sizeof(dropout_op),
    .prepare = dropout_prepare,
    .forward = dropout_forward,
    .backward = dropout_backward,
};

/* ---- chw to hwc --------------------------------------------------------- */

typedef struct {
  dg_cl_op op;
  cl_kernel transpose;
} chw_op;

static bool chw_prepare(dg_cl_op *op, dg_error *err) {
  chw_op *self = (chw_op *)op;
  self->transpose = dg_cl_kernel(op, DG_CL_ELEMENTS, "transpose", err);
  return self->transpose;
}

static bool run_transpose(dg_cl_op *op, const dg_buffer *from, const dg_buffer *to, uint32_t rows,
                          uint32_t columns, bool add, uint32_t n, dg_error *err) {
  return dg_cl_launch(op, ((chw_op *)op)->transpose,
                      dg_cl_range_of((size_t[3]){rows, columns, n}, (size_t[3]){16, 4, 1}),
                      DG_CL_ARGS(dg_cl_mem(from), dg_cl_mem(to), dg_cl_u32(rows),
                                 dg_cl_u32(columns), dg_cl_u32(add)),
                      err);
}

static bool chw_forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_chw_desc *d = &op->base.desc.chw;
  return run_transpose(op, b->in[0], b->out[0], d->channels, d->height * d->width, false, step->n,
                       err);
}

static bool chw_backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_chw_desc *d = &op->base.desc.chw;
  const dg_grad_mode mode = op->base.desc.d_in[0];
  return mode == DG_GRAD_NONE || run_transpose(op, b->d_out, b->d_in[0], d->height * d->width,
                                               d->channels, mode == DG_GRAD_ADD, step->n, err);
}

const dg_cl_family dg_cl_chw_to_hwc = {
    .size = sizeof(chw_op),
    .prepare = chw_prepare,
    .forward = chw_forward,
    .backward = chw_backward,
};

/* ---- add ---------------------------------------------------------------- */

typedef struct {
  dg_cl_op op;
  cl_kernel sum, copy;
} add_op;

static bool add_prepare(dg_cl_op *op, dg_error *err) {
  add_op *self = (add_op *)op;
  self->sum = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum", err);
  self->copy = dg_cl_kernel(op, DG_CL_ELEMENTS, "copy", err);
  return self->sum && self->copy;
}

static bool run_copy(dg_cl_op *op, const dg_buffer *from, const dg_buffer *to, uint32_t count,
                     bool add, dg_error *err) {
  return dg_cl_launch(op, ((add_op *)op)->copy, dg_cl_blocks(op->device, count, 1),
                      DG_CL_ARGS(dg_cl_mem(from), dg_cl_mem(to), dg_cl_u32(count), dg_cl_u32(add)),
                      err);
}

static bool add_forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_add_desc *d = &op->base.desc.add;
  const uint32_t count = step->n * d->count;
  bool ok = dg_cl_launch(
      op, ((add_op *)op)->sum, dg_cl_blocks(op->device, count, 1),
      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->in[1]), dg_cl_mem(b->out[0]), dg_cl_u32(count)),
      err);
  for (uint32_t i = 2; ok && i < d->inputs; i++)
    ok = run_copy(op, b->in[i], b->out[0], count, true, err);
  return ok;
}

static bool add_backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_add_desc *d = &op->base.desc.add;
  bool ok = true;
  for (uint32_t i = 0; ok && i < d->inputs; i++) {
    const dg_grad_mode mode = op->base.desc.d_in[i];
    if (mode != DG_GRAD_NONE)
      ok = run_copy(op, b->d_out, b->d_in[i], step->n * d->count, mode == DG_GRAD_ADD, err);
  }
  return ok;
}

const dg_cl_family dg_cl_add = {
    .size = sizeof(add_op),
    .prepare = add_prepare,
    .forward = add_forward,
    .backward = add_backward,
};
