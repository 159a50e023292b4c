/* Optimizers: one launch over all parameters, and the norm for clipping. */
#include <math.h>

#include "backends/opencl/runtime/implementation.h"

enum { NORM_PARTS = 256 };

typedef struct {
  dg_cl_op op;
  cl_kernel update, note, parts, clip;
  dg_buffer *squares, *factor; /* for the norm, if gradients are clipped */
} update_op;

static bool prepare(dg_cl_op *op, dg_error *err) {
  static const char *const names[] = {
      [DG_SGD] = "sgd", [DG_ADAM] = "adam", [DG_ADADELTA] = "adadelta", [DG_RMSPROP] = "rmsprop"};
  update_op *self = (update_op *)op;
  const dg_update_desc *d = &op->desc.update;
  self->update = dg_cl_kernel(op, DG_CL_ELEMENTS, names[d->kind], err);
  self->note = dg_cl_kernel(op, DG_CL_ELEMENTS, "fault_note", err);
  if (!self->update || !self->note) return false;
  if (!(d->clip_norm > 0)) return true;
  self->parts = dg_cl_kernel(op, DG_CL_ELEMENTS, "norm_parts", err);
  self->clip = dg_cl_kernel(op, DG_CL_ELEMENTS, "norm_clip", err);
  if (!self->parts || !self->clip) return false;
  self->squares = dg_cl_scratch(op, sizeof(float) * NORM_PARTS, err);
  self->factor = dg_cl_scratch(op, sizeof(float), err);
  return self->squares && self->factor;
}

static dg_cl_range one_item(void) {
  return (dg_cl_range){.global = {1, 1, 1}, .local = {1, 1, 1}};
}

static bool find_clip(dg_cl_op *op, const dg_buffer *gradients, dg_error *err) {
  const update_op *self = (update_op *)op;
  const dg_update_desc *d = &op->desc.update;
  return dg_cl_launch(op, self->parts,
                      dg_cl_range_of((size_t[3]){NORM_PARTS, 1, 1}, (size_t[3]){16, 1, 1}),
                      DG_CL_ARGS(dg_cl_mem(gradients), dg_cl_mem(self->squares),
                                 dg_cl_u32(d->count), dg_cl_u32(NORM_PARTS)),
                      err) &&
         dg_cl_launch(op, self->clip, one_item(),
                      DG_CL_ARGS(dg_cl_mem(self->squares), dg_cl_mem(self->factor),
                                 dg_cl_u32(NORM_PARTS), dg_cl_f32(d->clip_norm)),
                      err);
}

static bool run_update(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const update_op *self = (update_op *)op;
  const dg_update_desc *d = &op->desc.update;
  const dg_cl_range range = dg_cl_blocks(op->device, d->count, 1);
  const dg_cl_arg gradients = dg_cl_mem(b->in[0]), parameters = dg_cl_mem(b->out[0]),
                  state = dg_cl_mem(b->out[1]), fault = dg_cl_mem(b->out[2]),
                  factor = dg_cl_mem(self->factor), count = dg_cl_u32(d->count),
                  lr = dg_cl_f32(step->lr), decay = dg_cl_f32(d->weight_decay);
  switch (d->kind) {
  case DG_SGD:
    return dg_cl_launch(op, self->update, range,
                        DG_CL_ARGS(gradients, parameters, state, fault, factor, count, lr, decay,
                                   dg_cl_f32(d->momentum), dg_cl_u32(d->nesterov)),
                        err);
  case DG_ADAM: {
    const double t = (double)step->step + 1;
    const double step_size = (double)step->lr / (1 - pow((double)d->beta1, t));
    const double root = sqrt(1 - pow((double)d->beta2, t));
    return dg_cl_launch(op, self->update, range,
                        DG_CL_ARGS(gradients, parameters, state, fault, factor, count, lr, decay,
                                   dg_cl_u32(d->decoupled), dg_cl_f32(d->beta1),
                                   dg_cl_f32(d->beta2), dg_cl_f32(d->eps),
                                   dg_cl_f32((float)step_size), dg_cl_f32((float)root)),
                        err);
  }
  case DG_RMSPROP:
    return dg_cl_launch(op, self->update, range,
                        DG_CL_ARGS(gradients, parameters, state, fault, factor, count, lr, decay,
                                   dg_cl_f32(d->alpha), dg_cl_f32(d->eps), dg_cl_f32(d->momentum),
                                   dg_cl_u32(d->centered)),
                        err);
  default:
    return dg_cl_launch(op, self->update, range,
                        DG_CL_ARGS(gradients, parameters, state, fault, factor, count, lr, decay,
                                   dg_cl_f32(d->rho), dg_cl_f32(d->eps)),
                        err);
  }
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const update_op *self = (update_op *)op;
  return (!self->factor || find_clip(op, b->in[0], err)) && run_update(op, b, step, err) &&
         dg_cl_launch(op, self->note, one_item(),
                      DG_CL_ARGS(dg_cl_mem(b->out[2]), dg_cl_u32(step->step)), err);
}

static const dg_cl_implementation blocks = {
    .name = "blocks", .size = sizeof(update_op), .prepare = prepare, .run = forward};

const dg_cl_family dg_cl_update = {.forward = {&blocks}};
