/* Losses: each sample's, then their mean and the count of right answers; at once where they are
   few, in tile form. */
#include "backends/opencl/runtime/opencl.h"

enum { LOSS_ITEMS = 64 };

typedef struct {
  dg_cl_op op;
  cl_kernel at_once; /* or NULL, and the next two */
  cl_kernel of_samples, of_batch;
  dg_buffer *losses, *hits; /* of each sample */
} loss_op;

static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  const dg_loss_desc *d = &desc->loss;
  return d->classes > 0 && d->smoothing >= 0 && d->smoothing < 1 &&
         (d->kind == DG_LOSS_CROSS_ENTROPY || (d->kind == DG_LOSS_MSE && d->smoothing == 0));
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  enum { FEW = 1 << 14 };
  loss_op *self = (loss_op *)op;
  if (op->device->form == DG_CL_TILE && op->base.max_n * op->base.desc.loss.classes <= FEW) {
    self->at_once = dg_cl_kernel(op, DG_CL_ELEMENTS, "loss_at_once", err);
    return self->at_once;
  }
  self->of_samples = dg_cl_kernel(op, DG_CL_ELEMENTS, "loss_of_samples", err);
  self->of_batch = dg_cl_kernel(op, DG_CL_ELEMENTS, "loss_of_batch", err);
  if (!self->of_samples || !self->of_batch) return false;
  self->losses = dg_cl_scratch(op, sizeof(float) * op->base.max_n, err);
  self->hits = dg_cl_scratch(op, sizeof(uint32_t) * op->base.max_n, err);
  return self->losses && self->hits;
}

static bool find_at_once(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, float mean,
                         bool train, dg_error *err) {
  const dg_loss_desc *d = &op->base.desc.loss;
  return dg_cl_launch(op, ((loss_op *)op)->at_once,
                      (dg_cl_range){.global = {1, 1, 1}, .local = {1, 1, 1}},
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->in[1]), dg_cl_mem(b->out[0]),
                                 dg_cl_mem(b->out[1]), dg_cl_mem(b->out[2]), dg_cl_u32(step->n),
                                 dg_cl_u32(d->classes), dg_cl_u32(d->kind), dg_cl_f32(d->smoothing),
                                 dg_cl_f32(mean), dg_cl_u32(train), dg_cl_u32(step->slot)),
                      err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const loss_op *self = (loss_op *)op;
  const dg_loss_desc *d = &op->base.desc.loss;
  const uint32_t whole = dg_loss_samples(step);
  const float mean = 1.0f / (float)(d->kind == DG_LOSS_MSE ? whole * d->classes : whole);
  const bool train = step->train && b->out[0];
  if (self->at_once) return find_at_once(op, b, step, mean, train, err);
  return dg_cl_launch(op, self->of_samples,
                      dg_cl_range_of((size_t[3]){step->n, 1, 1}, (size_t[3]){16, 1, 1}),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->in[1]), dg_cl_mem(b->out[0]),
                                 dg_cl_mem(self->losses), dg_cl_mem(self->hits), dg_cl_u32(step->n),
                                 dg_cl_u32(d->classes), dg_cl_u32(d->kind), dg_cl_f32(d->smoothing),
                                 dg_cl_f32(mean), dg_cl_u32(train)),
                      err) &&
         dg_cl_launch(op, self->of_batch,
                      (dg_cl_range){.global = {LOSS_ITEMS, 1, 1}, .local = {LOSS_ITEMS, 1, 1}},
                      DG_CL_ARGS(dg_cl_mem(self->losses), dg_cl_mem(self->hits),
                                 dg_cl_mem(b->out[1]), dg_cl_mem(b->out[2]), dg_cl_u32(step->n),
                                 dg_cl_u32(step->slot), dg_cl_f32(mean)),
                      err);
}

const dg_cl_family dg_cl_loss = {
    .size = sizeof(loss_op),
    .supports = supports,
    .prepare = prepare,
    .forward = forward,
};
