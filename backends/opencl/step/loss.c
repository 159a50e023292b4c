/* Losses: of each sample, then their mean and the count of correct answers; in one kernel if
   samples are few, in tile form. */
#include "backends/opencl/runtime/implementation.h"

static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  const dg_loss_desc *d = &desc->loss;
  return d->outputs > 0 && !d->targets && !d->weighted && d->smoothing >= 0 && d->smoothing < 1 &&
         (d->kind == DG_LOSS_CROSS_ENTROPY || (d->kind == DG_LOSS_MSE && d->smoothing == 0));
}

/* The factor of each sample's loss, or of each number's. */
static float weight_of(const dg_loss_desc *d, const dg_step *step) {
  const uint64_t whole = dg_whole_samples(step);
  return 1.0f / (float)(d->kind == DG_LOSS_MSE ? whole * d->outputs : whole);
}

/* ---- in one kernel ------------------------------------------------------ */

typedef struct {
  dg_cl_op op;
  cl_kernel kernel;
} once_op;

static bool once_fits(const dg_cl_device *device, const dg_op_desc *desc, uint32_t max_n,
                      bool train) {
  enum { FEW = 1 << 14 };
  (void)train;
  return device->form == DG_CL_TILE && (uint64_t)max_n * desc->loss.outputs <= FEW;
}

static bool once_prepare(dg_cl_op *op, dg_error *err) {
  once_op *self = (once_op *)op;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, "loss_at_once", err);
  return self->kernel;
}

static bool once_run(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_loss_desc *d = &op->desc.loss;
  return dg_cl_launch(op, ((once_op *)op)->kernel,
                      (dg_cl_range){.global = {1, 1, 1}, .local = {1, 1, 1}},
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->in[1]), dg_cl_mem(b->out[0]),
                                 dg_cl_mem(b->out[1]), dg_cl_mem(b->out[2]), dg_cl_u32(step->n),
                                 dg_cl_u32(d->outputs), dg_cl_u32(d->kind), dg_cl_f32(d->smoothing),
                                 dg_cl_f32(weight_of(d, step)), dg_cl_u32(step->train && b->out[0]),
                                 dg_cl_u32(step->slot)),
                      err);
}

static const dg_cl_implementation at_once = {.name = "at once",
                                             .fits = once_fits,
                                             .size = sizeof(once_op),
                                             .prepare = once_prepare,
                                             .run = once_run};

/* ---- sample by sample --------------------------------------------------- */

enum { LOSS_SUMS = 64 }; /* of cl/step/loss.cl */

typedef struct {
  dg_cl_op op;
  cl_kernel of_samples, of_batch;
  dg_buffer *losses, *hits; /* of each sample */
} samples_op;

static bool samples_prepare(dg_cl_op *op, dg_error *err) {
  samples_op *self = (samples_op *)op;
  self->of_samples = dg_cl_kernel(op, DG_CL_ELEMENTS, "loss_of_samples", err);
  self->of_batch = dg_cl_kernel(op, DG_CL_ELEMENTS, "loss_of_batch", err);
  if (!self->of_samples || !self->of_batch) return false;
  self->losses = dg_cl_scratch(op, sizeof(float) * op->max_n, err);
  self->hits = dg_cl_scratch(op, sizeof(uint32_t) * op->max_n, err);
  return self->losses && self->hits;
}

static bool samples_run(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const samples_op *self = (samples_op *)op;
  const dg_loss_desc *d = &op->desc.loss;
  const float weight = weight_of(d, step);
  return dg_cl_launch(op, self->of_samples,
                      dg_cl_range_of((size_t[3]){step->n, 1, 1}, (size_t[3]){16, 1, 1}),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->in[1]), dg_cl_mem(b->out[0]),
                                 dg_cl_mem(self->losses), dg_cl_mem(self->hits), dg_cl_u32(step->n),
                                 dg_cl_u32(d->outputs), dg_cl_u32(d->kind), dg_cl_f32(d->smoothing),
                                 dg_cl_f32(weight), dg_cl_u32(step->train && b->out[0])),
                      err) &&
         dg_cl_launch(op, self->of_batch,
                      (dg_cl_range){
                          .global = {LOSS_SUMS, 1, 1}, .local = {LOSS_SUMS, 1, 1}, .strided = true},
                      DG_CL_ARGS(dg_cl_mem(self->losses), dg_cl_mem(self->hits),
                                 dg_cl_mem(b->out[1]), dg_cl_mem(b->out[2]), dg_cl_u32(step->n),
                                 dg_cl_u32(step->slot), dg_cl_f32(weight)),
                      err);
}

static const dg_cl_implementation by_samples = {
    .name = "samples", .size = sizeof(samples_op), .prepare = samples_prepare, .run = samples_run};

const dg_cl_family dg_cl_loss = {.supports = supports, .forward = {&at_once, &by_samples}};
