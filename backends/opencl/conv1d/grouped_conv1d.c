/* Convolutions of sequences in groups, and transposed ones: a work-item computes some numbers of a
   step. The weights are packed anew in each run. */
#include "backends/opencl/elementwise/act_backward.h"
#include "backends/opencl/elementwise/sum_columns.h"
#include "backends/opencl/runtime/implementation.h"

/* The sizes, as the kernels read them. */
typedef struct {
  uint32_t steps, channels, short_steps, filters;
  uint32_t kernel, stride, dilation, pad;
  uint32_t group_channels, group_filters;
} sizes;

static sizes sizes_of(const dg_grouped_conv1d_desc *d) {
  return (sizes){d->steps,
                 d->channels,
                 dg_grouped_conv1d_out(d),
                 d->filters,
                 d->kernel,
                 d->stride,
                 d->dilation,
                 d->pad,
                 d->channels / d->groups,
                 d->filters / d->groups};
}

static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  return dg_grouped_conv1d_out(&desc->grouped_conv1d) > 0;
}

typedef struct {
  dg_cl_op op;
  const dg_buffer *sizes, *packed;
  cl_kernel pack, product;
  cl_kernel activation, weight, sum_columns; /* backward */
} lines_op;

static bool is_transposed(const dg_cl_op *op) {
  return op->desc.kind == DG_OP_CONV_TRANSPOSE1D;
}

static bool prepare_product(dg_cl_op *op, dg_error *err) {
  lines_op *self = (lines_op *)op;
  const sizes s = sizes_of(&op->desc.grouped_conv1d);
  self->sizes = dg_cl_table(op, &s, sizeof s, err);
  self->packed = dg_cl_scratch(op, dg_op_sizes_of(&op->desc).param[0] * sizeof(float), err);
  if (!self->sizes || !self->packed) return false;
  self->pack = dg_cl_kernel(op, DG_CL_GROUPED, "lines_pack", err);
  self->product = self->pack ? dg_cl_kernel(op, DG_CL_GROUPED, "lines_product", err) : NULL;
  return self->product;
}

/* What the product reads, and what it writes or adds to. */
typedef struct {
  const dg_buffer *from, *weight, *bias, *to; /* bias: NULL if there is none */
  bool up;                                    /* from the short sequence to the long one */
  dg_act act;
  bool add;
  uint32_t n;
} product;

static bool pack(dg_cl_op *op, const product *p, dg_error *err) {
  const lines_op *self = (lines_op *)op;
  const sizes s = sizes_of(&op->desc.grouped_conv1d);
  const size_t rows = (size_t)s.kernel * (p->up ? s.group_filters : s.group_channels);
  return dg_cl_launch(
      op, self->pack,
      dg_cl_range_of((size_t[3]){p->up ? s.channels : s.filters, rows, 1}, (size_t[3]){16, 4, 1}),
      DG_CL_ARGS(dg_cl_mem(p->weight), dg_cl_mem(self->packed), dg_cl_mem(self->sizes),
                 dg_cl_u32(p->up)),
      err);
}

static bool multiply(dg_cl_op *op, const product *p, dg_error *err) {
  const lines_op *self = (lines_op *)op;
  const sizes s = sizes_of(&op->desc.grouped_conv1d);
  const size_t blocks = dg_cl_ceil_div(p->up ? s.channels : s.filters, dg_cl_width(op->device));
  const dg_cl_range range = dg_cl_range_of(
      (size_t[3]){blocks, p->up ? s.steps : s.short_steps, p->n}, (size_t[3]){4, 4, 1});
  return pack(op, p, err) &&
         dg_cl_launch(op, self->product, range,
                      DG_CL_ARGS(dg_cl_mem(p->from), dg_cl_mem(self->packed), dg_cl_mem(p->bias),
                                 dg_cl_mem(p->to), dg_cl_mem(self->sizes), dg_cl_u32(p->up),
                                 dg_cl_u32(p->act.kind), dg_cl_f32(p->act.slope),
                                 dg_cl_u32(p->add)),
                      err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_grouped_conv1d_desc *d = &op->desc.grouped_conv1d;
  return multiply(op,
                  &(product){.from = b->in[0],
                             .weight = b->param[0],
                             .bias = d->bias ? b->param[1] : NULL,
                             .to = b->out[0],
                             .up = is_transposed(op),
                             .act = d->act,
                             .n = step->n},
                  err);
}

/* ---- backward ----------------------------------------------------------- */

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  lines_op *self = (lines_op *)op;
  const bool act = op->desc.grouped_conv1d.act.kind != DG_ACT_NONE;
  op->needs.reads_in = true;
  op->needs.reads_out = act;
  if (act) op->needs.workspace = op->max_n * dg_op_sizes_of(&op->desc).out[0] * sizeof(float);
  if (act && !(self->activation = dg_cl_kernel(op, DG_CL_GROUPED, "activation_backward", err)))
    return false;
  self->weight = dg_cl_kernel(op, DG_CL_GROUPED, "lines_weight", err);
  self->sum_columns = self->weight ? dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_columns", err) : NULL;
  return self->sum_columns && prepare_product(op, err);
}

/* The gradient before the activation. NULL on failure. */
static const dg_buffer *before_activation(dg_cl_op *op, const dg_op_buffers *b, uint32_t n,
                                          dg_error *err) {
  const lines_op *self = (lines_op *)op;
  const dg_cl_act_backward how = {.act = op->desc.grouped_conv1d.act, .scale = 1};
  if (!self->activation) return b->d_out;
  return dg_cl_run_act_backward(op, self->activation, &how, b, b->workspace, n, err) ? b->workspace
                                                                                     : NULL;
}

static bool weight_gradient(dg_cl_op *op, const dg_op_buffers *b, const dg_buffer *d_z, uint32_t n,
                            dg_error *err) {
  const lines_op *self = (lines_op *)op;
  const sizes s = sizes_of(&op->desc.grouped_conv1d);
  const size_t group = dg_cl_group(op->device);
  const size_t blocks = dg_cl_ceil_div(s.filters, dg_cl_width(op->device));
  const dg_cl_range range = {.global = {blocks * group, (size_t)s.kernel * s.group_channels, 1},
                             .local = {group, 1, 1}};
  const dg_buffer *x = b->in[0];
  return dg_cl_launch(op, self->weight, range,
                      DG_CL_ARGS(dg_cl_mem(is_transposed(op) ? d_z : x),
                                 dg_cl_mem(is_transposed(op) ? x : d_z), dg_cl_mem(b->d_param[0]),
                                 dg_cl_mem(self->sizes), dg_cl_u32(n)),
                      err);
}

static bool bias_gradient(dg_cl_op *op, const dg_op_buffers *b, const dg_buffer *d_z, uint32_t n,
                          dg_error *err) {
  const dg_grouped_conv1d_desc *d = &op->desc.grouped_conv1d;
  const uint32_t steps = is_transposed(op) ? d->steps : dg_grouped_conv1d_out(d);
  return !d->bias ||
         dg_cl_sum_columns(op, ((lines_op *)op)->sum_columns, d_z, 0, b->d_param[1], n * steps,
                           is_transposed(op) ? d->channels : d->filters, err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_buffer *d_z = before_activation(op, b, step->n, err);
  const product d_in = {.from = d_z,
                        .weight = b->param[0],
                        .to = b->d_in[0],
                        .up = !is_transposed(op),
                        .add = op->desc.d_in[0] == DG_GRAD_ADD,
                        .n = step->n};
  return d_z && (op->desc.d_in[0] == DG_GRAD_NONE || multiply(op, &d_in, err)) &&
         weight_gradient(op, b, d_z, step->n, err) && bias_gradient(op, b, d_z, step->n, err);
}

static const dg_cl_implementation lines_forward = {
    .name = "lines", .size = sizeof(lines_op), .prepare = prepare_product, .run = forward};
static const dg_cl_implementation lines_backward = {
    .name = "lines", .size = sizeof(lines_op), .prepare = prepare_backward, .run = backward};

const dg_cl_family dg_cl_grouped_conv1d = {.supports = supports,
                                           .forward = {&lines_forward},
                                           .backward = {&lines_backward}},
                   dg_cl_conv_transpose1d = {.supports = supports,
                                             .forward = {&lines_forward},
                                             .backward = {&lines_backward}};
