/*
 * Linear layers. Forward is an inner product (x and weight both lie along the
 * sum), both gradients are outer ones, all on the tensors as they lie. A layer
 * that only tests keeps its weights in panels, in tile form.
 */
#include "backends/opencl/elementwise/drop.h"
#include "backends/opencl/gemm/panels.h"
#include "backends/opencl/gemm/product.h"

typedef struct {
  dg_cl_op op;
  cl_kernel outer, inner, derive, sum_columns, drop;
  cl_kernel by_panels; /* NULL unless forward is from panels */
  dg_cl_panels panels;
  dg_buffer *sample_steps; /* of sample n: {n * out, n * in} */
  dg_buffer *output_steps; /* of output o: {o, o * in} */
} linear_op;

static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  return dg_cl_is_leaky(desc->linear.act) && dg_cl_drop_fits(desc->linear.drop, desc->linear.act);
}

static dg_cl_product_step sample_step(const dg_cl_op *op, uint32_t n) {
  return (dg_cl_product_step){n * op->base.desc.linear.out, n * op->base.desc.linear.in};
}

static dg_cl_product_step output_step(const dg_cl_op *op, uint32_t o) {
  return (dg_cl_product_step){o, o * op->base.desc.linear.in};
}

static bool prepare_panels(linear_op *self, dg_error *err) {
  const dg_linear_desc *d = &self->op.base.desc.linear;
  self->by_panels = dg_cl_kernel(&self->op, DG_CL_PANELS, "panels", err);
  return self->by_panels &&
         dg_cl_panels_prepare(&self->op, &self->panels, d->out, d->in, DG_CL_PANEL_VECTORS, err);
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  linear_op *self = (linear_op *)op;
  const dg_linear_desc *d = &op->base.desc.linear;
  if (!dg_cl_check_count((uint64_t)d->in * d->out, err)) return false;
  if (!op->train && op->device->form == DG_CL_TILE) return prepare_panels(self, err);
  self->inner = dg_cl_kernel(op, DG_CL_PRODUCTS, "inner", err);
  self->sample_steps = dg_cl_product_steps(op, op->base.max_n, sample_step, err);
  if (!self->inner || !self->sample_steps) return false;
  if (!op->train) return true;
  self->outer = dg_cl_kernel(op, DG_CL_PRODUCTS, "outer", err);
  if (d->drop.rate > 0) {
    self->drop = dg_cl_kernel(op, DG_CL_ELEMENTS, "dropout", err);
    if (!self->drop) return false;
  }
  self->derive = dg_cl_kernel(op, DG_CL_ELEMENTS, "activation_backward", err);
  self->sum_columns = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_columns", err);
  self->output_steps = dg_cl_product_steps(op, d->out, output_step, err);
  const bool act = d->act.kind != DG_ACT_NONE;
  op->base.needs.backward_reads_in = true;
  op->base.needs.backward_reads_out = act;
  op->base.needs.backward_workspace = act ? sizeof(float) * op->base.max_n * d->out : 0;
  return self->outer && self->derive && self->sum_columns && self->output_steps;
}

static bool forward_panels(linear_op *self, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const dg_linear_desc *d = &self->op.base.desc.linear;
  return dg_cl_panels_fill(&self->op, &self->panels, b->param[0], d->bias ? b->param[1] : NULL,
                           err) &&
         dg_cl_launch(&self->op, self->by_panels, dg_cl_panels_range(&self->panels, n),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_u32(d->in),
                                 dg_cl_mem(self->panels.panels), dg_cl_u32(d->in),
                                 dg_cl_f32(dg_cl_leaky_slope(d->act)), dg_cl_mem(b->out[0]),
                                 dg_cl_u32(d->out), dg_cl_u32(n), dg_cl_u32(d->out)),
                      err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  linear_op *self = (linear_op *)op;
  const dg_linear_desc *d = &op->base.desc.linear;
  if (self->by_panels) return forward_panels(self, b, step->n, err);
  return dg_cl_inner(op, self->inner,
                     &(dg_cl_inner_product){.x = b->param[0],
                                            .x_row = d->in,
                                            .y = b->in[0],
                                            .steps = self->sample_steps,
                                            .count = d->in,
                                            .items = 1,
                                            .share = 1,
                                            .bias = d->bias ? b->param[1] : NULL,
                                            .slope = dg_cl_leaky_slope(d->act),
                                            .c = b->out[0],
                                            .c_row = d->out,
                                            .x_rows = d->out,
                                            .y_rows = step->n},
                     err) &&
         (!dg_cl_drop_runs(d->drop, step) ||
          dg_cl_drop(op, self->drop, d->drop, d->out, b->out[0], b->out[0], false, step, err));
}

/* The gradient before what is fused, from that after it, into the workspace. */
static bool derive(dg_cl_op *op, const dg_op_buffers *b, uint32_t count, dg_error *err) {
  const dg_linear_desc *d = &op->base.desc.linear;
  return dg_cl_launch(op, ((linear_op *)op)->derive, dg_cl_blocks(op->device, count, 1),
                      DG_CL_ARGS(dg_cl_mem(b->out[0]), dg_cl_mem(b->d_out), dg_cl_mem(b->workspace),
                                 dg_cl_u32(count), dg_cl_u32(d->act.kind), dg_cl_f32(d->act.slope),
                                 dg_cl_f32(dg_cl_drop_scale(d->drop)), dg_cl_u32(0)),
                      err);
}

/* d_weight[o][k] = sum over n of dz[n][o] x[n][k] */
static bool find_d_weight(dg_cl_op *op, const dg_op_buffers *b, const dg_buffer *dz, uint32_t n,
                          dg_error *err) {
  const linear_op *self = (linear_op *)op;
  const dg_linear_desc *d = &op->base.desc.linear;
  return dg_cl_outer(op, self->outer,
                     &(dg_cl_outer_product){.a = dz,
                                            .a_row = 1,
                                            .steps = self->sample_steps,
                                            .step_count = n,
                                            .b = b->in[0],
                                            .slope = 1,
                                            .c = b->d_param[0],
                                            .c_row = d->in,
                                            .items = 1,
                                            .rows = d->out,
                                            .columns = d->in,
                                            .pitch = d->in,
                                            .width = d->in},
                     err);
}

static bool find_d_bias(dg_cl_op *op, const dg_op_buffers *b, const dg_buffer *dz, uint32_t n,
                        dg_error *err) {
  const dg_linear_desc *d = &op->base.desc.linear;
  return dg_cl_launch(op, ((linear_op *)op)->sum_columns, dg_cl_blocks(op->device, d->out, 1),
                      DG_CL_ARGS(dg_cl_mem(dz), dg_cl_u32(0), dg_cl_mem(b->d_param[1]),
                                 dg_cl_u32(n), dg_cl_u32(d->out)),
                      err);
}

/* d_in[n][k] (+)= sum over o of dz[n][o] weight[o][k] */
static bool find_d_in(dg_cl_op *op, const dg_op_buffers *b, const dg_buffer *dz, uint32_t n,
                      dg_error *err) {
  const linear_op *self = (linear_op *)op;
  const dg_linear_desc *d = &op->base.desc.linear;
  return dg_cl_outer(op, self->outer,
                     &(dg_cl_outer_product){.a = dz,
                                            .a_row = d->out,
                                            .steps = self->output_steps,
                                            .step_count = d->out,
                                            .b = b->param[0],
                                            .slope = 1,
                                            .c = b->d_in[0],
                                            .c_row = d->in,
                                            .items = 1,
                                            .rows = n,
                                            .columns = d->in,
                                            .pitch = d->in,
                                            .width = d->in,
                                            .add = op->base.desc.d_in[0] == DG_GRAD_ADD},
                     err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_linear_desc *d = &op->base.desc.linear;
  const dg_buffer *dz = b->d_out;
  if (d->act.kind != DG_ACT_NONE) {
    if (!derive(op, b, step->n * d->out, err)) return false;
    dz = b->workspace;
  }
  return find_d_weight(op, b, dz, step->n, err) &&
         (!d->bias || find_d_bias(op, b, dz, step->n, err)) &&
         (op->base.desc.d_in[0] == DG_GRAD_NONE || find_d_in(op, b, dz, step->n, err));
}

const dg_cl_family dg_cl_linear = {
    .size = sizeof(linear_op),
    .supports = supports,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
