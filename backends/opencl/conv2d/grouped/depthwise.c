#include "backends/opencl/conv2d/grouped/depthwise.h"

#include <stdlib.h>

#include "backends/depthwise_plan.h"
#include "backends/opencl/elementwise/act_backward.h"

/* The sizes, as the kernels read them. */
typedef struct {
  uint32_t channels, height, width, pitch, out, rows, phases_h, phases_w, filters, taps, record;
  uint32_t x_front, x_floats, z_front, z_floats;
} sizes;

typedef struct {
  dg_cl_op op;
  sizes s;
  const dg_buffer *sizes, *records, *masks, *scratch; /* the last for backward */
  cl_kernel kernel, activation;                       /* the latter for backward */
} depthwise_op;

static bool fits(const dg_cl_device *device, const dg_op_desc *desc, uint32_t max_n, bool train) {
  (void)max_n, (void)train;
  return dg_cl_group(device) == 1 && dg_depthwise_fits(&desc->grouped_conv2d);
}

static sizes sizes_of(const dg_grouped_conv2d_desc *d, const dg_depthwise_plan *p) {
  return (sizes){.channels = d->channels,
                 .height = d->height,
                 .width = d->width,
                 .pitch = p->pitch,
                 .out = p->out,
                 .rows = p->rows,
                 .phases_h = p->phases_h,
                 .phases_w = p->phases_w,
                 .filters = p->filters,
                 .taps = p->taps,
                 .record = p->record,
                 .x_front = p->x.front,
                 .x_floats = p->x.floats,
                 .z_front = p->d_z.front,
                 .z_floats = p->d_z.floats};
}

static bool prepare_tables(depthwise_op *self, dg_error *err) {
  const dg_grouped_conv2d_desc *d = &self->op.desc.grouped_conv2d;
  dg_depthwise_plan *p = dg_depthwise_plan_new(d, dg_cl_width(self->op.device), err);
  if (!p) return false;
  const size_t records = (size_t)(1 + p->phases_h * p->phases_w) * p->record;
  self->s = sizes_of(d, p);
  self->sizes = dg_cl_table(&self->op, &self->s, sizeof self->s, err);
  if (self->sizes)
    self->records = dg_cl_table(&self->op, p->records, records * sizeof *p->records, err);
  if (self->records)
    self->masks = dg_cl_table(&self->op, p->masks, p->mask_count * sizeof *p->masks, err);
  free(p);
  return self->masks;
}

static uint32_t phase_floats(const sizes *s) {
  return s->phases_h * s->phases_w * s->x_floats;
}

/* Work-items that process some planes, or channels, each. */
static dg_cl_range range_of(uint32_t items) {
  return (dg_cl_range){.global = {items, 1, 1}, .local = {1, 1, 1}};
}

/* ---- forward ------------------------------------------------------------ */

static uint32_t items_of(const dg_cl_op *op, uint32_t planes) {
  enum { ITEMS = 8 }; /* of a compute unit */
  const uint32_t wanted = ITEMS * op->device->base.info.compute_units;
  return planes < wanted ? planes : wanted;
}

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  depthwise_op *self = (depthwise_op *)op;
  self->kernel = dg_cl_kernel(op, DG_CL_GROUPED, "depthwise_forward", err);
  if (!self->kernel || !prepare_tables(self, err)) return false;
  op->needs.workspace = (size_t)items_of(op, UINT32_MAX) * phase_floats(&self->s) * sizeof(float);
  return true;
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const depthwise_op *self = (depthwise_op *)op;
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  const uint32_t planes = step->n * d->channels;
  return dg_cl_launch(op, self->kernel, range_of(items_of(op, planes)),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->param[0]),
                                 dg_cl_mem(d->bias ? b->param[1] : NULL), dg_cl_mem(b->out[0]),
                                 dg_cl_mem(b->workspace), dg_cl_mem(self->sizes),
                                 dg_cl_mem(self->records), dg_cl_mem(self->masks),
                                 dg_cl_u32(planes), dg_cl_u32(d->act.kind),
                                 dg_cl_f32(d->act.slope)),
                      err);
}

/* ---- backward ----------------------------------------------------------- */

/* Channels of a work-item: adjacent numbers enough, before those of the next sample follow. */
static uint32_t share_of(const dg_grouped_conv2d_desc *d) {
  enum { ENOUGH = 512 };
  return 1 + (uint32_t)(ENOUGH / ((uint64_t)d->height * d->width));
}

/* Of the gradient before the activation; 0: there is none, and it is d_out. */
static size_t gradient_floats(const dg_cl_op *op) {
  const bool acts = op->desc.grouped_conv2d.act.kind != DG_ACT_NONE;
  return acts ? op->max_n * (size_t)dg_op_sizes_of(&op->desc).out[0] : 0;
}

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  depthwise_op *self = (depthwise_op *)op;
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  const bool acts = d->act.kind != DG_ACT_NONE;
  op->needs.reads_in = true;
  op->needs.reads_out = acts;
  self->kernel = dg_cl_kernel(op, DG_CL_GROUPED, "depthwise_backward", err);
  if (!self->kernel || !prepare_tables(self, err)) return false;
  if (acts && !(self->activation = dg_cl_kernel(op, DG_CL_GROUPED, "activation_backward", err)))
    return false;
  const size_t lanes = (size_t)share_of(d) * self->s.filters * (self->s.taps + 1);
  const size_t floats = lanes * dg_cl_width(op->device) + phase_floats(&self->s) + self->s.z_floats;
  self->scratch =
      dg_cl_scratch(op, dg_cl_ceil_div(d->channels, share_of(d)) * floats * sizeof(float), err);
  op->needs.workspace = gradient_floats(op) * sizeof(float);
  return self->scratch;
}

/* Writes the gradient before the activation to the workspace. */
static bool before_activation(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const dg_cl_act_backward how = {.act = op->desc.grouped_conv2d.act, .scale = 1};
  return dg_cl_run_act_backward(op, ((depthwise_op *)op)->activation, &how, b, b->workspace, n,
                                err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const depthwise_op *self = (depthwise_op *)op;
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  const dg_grad_mode mode = op->desc.d_in[0];
  const uint32_t share = share_of(d);
  if (self->activation && !before_activation(op, b, step->n, err)) return false;
  return dg_cl_launch(
      op, self->kernel, range_of((uint32_t)dg_cl_ceil_div(d->channels, share)),
      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(self->activation ? b->workspace : b->d_out),
                 dg_cl_mem(b->param[0]), dg_cl_mem(mode == DG_GRAD_NONE ? NULL : b->d_in[0]),
                 dg_cl_mem(b->d_param[0]), dg_cl_mem(d->bias ? b->d_param[1] : NULL),
                 dg_cl_mem(self->scratch), dg_cl_mem(self->sizes), dg_cl_mem(self->records),
                 dg_cl_mem(self->masks), dg_cl_u32(step->n), dg_cl_u32(share),
                 dg_cl_u32(mode != DG_GRAD_NONE), dg_cl_u32(mode == DG_GRAD_ADD)),
      err);
}

const dg_cl_implementation dg_cl_depthwise_forward = {.name = "depthwise",
                                                      .size = sizeof(depthwise_op),
                                                      .fits = fits,
                                                      .prepare = prepare_forward,
                                                      .run = forward};
const dg_cl_implementation dg_cl_depthwise_backward = {.name = "depthwise",
                                                       .size = sizeof(depthwise_op),
                                                       .fits = fits,
                                                       .prepare = prepare_backward,
                                                       .run = backward};
