/* Losses: of each sample, then their mean and the count of correct answers; in one kernel if
   samples are few, in tile form. */
#include "backends/opencl/runtime/implementation.h"

static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  return dg_loss_agrees(&desc->loss);
}

/* The factor of each sample's loss, or of each number's. */
static float weight_of(const dg_loss_desc *d, const dg_step *step) {
  const uint64_t whole = dg_whole_samples(step);
  return 1.0f / (float)(d->kind == DG_LOSS_CROSS_ENTROPY ? whole : whole * d->outputs);
}

/* Is it added up over blocks of outputs? Else it has kernels of its own, which add up one after the
   other: exact enough for few squares. */
static bool is_mean(const dg_loss_desc *d) {
  enum { FEW = 256 };
  return d->targets || d->kind > DG_LOSS_MSE || (d->kind == DG_LOSS_MSE && d->outputs > FEW);
}

/* ---- what is wanted, as arguments --------------------------------------- */

static dg_cl_arg labels_of(const dg_loss_desc *d, const dg_op_buffers *b) {
  return dg_cl_mem(d->targets ? NULL : b->in[1]);
}

static dg_cl_arg targets_of(const dg_loss_desc *d, const dg_op_buffers *b) {
  return dg_cl_mem(d->targets ? b->in[1] : NULL);
}

static dg_cl_arg weights_of(const dg_loss_desc *d, const dg_op_buffers *b) {
  return dg_cl_mem(d->weighted ? b->in[2] : NULL);
}

static dg_cl_arg trains(const dg_op_buffers *b, const dg_step *step) {
  return dg_cl_u32(step->train && b->out[0]);
}

/* ---- in one kernel ------------------------------------------------------ */

typedef struct {
  dg_cl_op op;
  cl_kernel kernel;
} once_op;

static bool once_fits(const dg_cl_device *device, const dg_op_desc *desc, uint32_t max_n,
                      bool train) {
  enum { FEW = 1 << 14 };
  const dg_loss_desc *d = &desc->loss;
  const uint64_t numbers =
      is_mean(d) ? dg_cl_round_up(d->outputs, dg_cl_width(device)) : d->outputs;
  (void)train;
  return device->form == DG_CL_TILE && max_n * numbers <= FEW;
}

static bool once_prepare(dg_cl_op *op, dg_error *err) {
  once_op *self = (once_op *)op;
  const char *name = is_mean(&op->desc.loss) ? "loss_of_few" : "loss_at_once";
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, name, err);
  return self->kernel;
}

static bool once_run(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_loss_desc *d = &op->desc.loss;
  const cl_kernel kernel = ((once_op *)op)->kernel;
  const dg_cl_range one = {.global = {1, 1, 1}, .local = {1, 1, 1}};
  const dg_cl_arg weight = dg_cl_f32(weight_of(d, step)), slot = dg_cl_u32(step->slot);
  if (is_mean(d))
    return dg_cl_launch(op, kernel, one,
                        DG_CL_ARGS(dg_cl_mem(b->in[0]), labels_of(d, b), targets_of(d, b),
                                   weights_of(d, b), dg_cl_mem(b->out[0]), dg_cl_mem(b->out[1]),
                                   dg_cl_mem(b->out[2]), dg_cl_u32(step->n), dg_cl_u32(d->outputs),
                                   dg_cl_u32(d->kind), dg_cl_f32(d->delta), weight, trains(b, step),
                                   slot),
                        err);
  return dg_cl_launch(op, kernel, one,
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), labels_of(d, b), weights_of(d, b),
                                 dg_cl_mem(b->out[0]), dg_cl_mem(b->out[1]), dg_cl_mem(b->out[2]),
                                 dg_cl_u32(step->n), dg_cl_u32(d->outputs), dg_cl_u32(d->kind),
                                 dg_cl_f32(d->smoothing), weight, trains(b, step), slot),
                      err);
}

static const dg_cl_implementation at_once = {.name = "at once",
                                             .fits = once_fits,
                                             .size = sizeof(once_op),
                                             .prepare = once_prepare,
                                             .run = once_run};

/* ---- sample by sample, or part by part of them -------------------------- */

enum { LOSS_SUMS = 64 }; /* of cl/step/loss.cl */

typedef struct {
  dg_cl_op op;
  cl_kernel of_samples, of_batch;
  uint32_t parts;           /* of a sample */
  dg_buffer *losses, *hits; /* of each part */
} samples_op;

/* So many that each has two blocks or more. */
static uint32_t parts_of(const dg_cl_device *device, const dg_loss_desc *d) {
  enum { MOST = 64 };
  uint32_t parts = 1;
  while (d->targets && parts < MOST && d->outputs / (4 * parts) >= dg_cl_width(device)) parts *= 2;
  return parts;
}

static bool samples_prepare(dg_cl_op *op, dg_error *err) {
  samples_op *self = (samples_op *)op;
  const dg_loss_desc *d = &op->desc.loss;
  self->parts = parts_of(op->device, d);
  self->of_samples =
      dg_cl_kernel(op, DG_CL_ELEMENTS, is_mean(d) ? "loss_of_parts" : "loss_of_samples", err);
  self->of_batch = dg_cl_kernel(op, DG_CL_ELEMENTS, "loss_of_batch", err);
  if (!self->of_samples || !self->of_batch) return false;
  const size_t parts = (size_t)op->max_n * self->parts;
  self->losses = dg_cl_scratch(op, sizeof(float) * parts, err);
  self->hits = dg_cl_scratch(op, sizeof(uint32_t) * parts, err);
  return self->losses && self->hits;
}

static bool run_samples(samples_op *self, const dg_op_buffers *b, const dg_step *step,
                        dg_error *err) {
  const dg_loss_desc *d = &self->op.desc.loss;
  const size_t items = (size_t)step->n * self->parts;
  const dg_cl_range range = dg_cl_range_of((size_t[3]){items, 1, 1}, (size_t[3]){16, 1, 1});
  const dg_cl_arg weight = dg_cl_f32(weight_of(d, step));
  if (is_mean(d))
    return dg_cl_launch(&self->op, self->of_samples, range,
                        DG_CL_ARGS(dg_cl_mem(b->in[0]), labels_of(d, b), targets_of(d, b),
                                   weights_of(d, b), dg_cl_mem(b->out[0]), dg_cl_mem(self->losses),
                                   dg_cl_mem(self->hits), dg_cl_u32(step->n), dg_cl_u32(d->outputs),
                                   dg_cl_u32(self->parts), dg_cl_u32(d->kind), dg_cl_f32(d->delta),
                                   weight, trains(b, step)),
                        err);
  return dg_cl_launch(&self->op, self->of_samples, range,
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), labels_of(d, b), weights_of(d, b),
                                 dg_cl_mem(b->out[0]), dg_cl_mem(self->losses),
                                 dg_cl_mem(self->hits), dg_cl_u32(step->n), dg_cl_u32(d->outputs),
                                 dg_cl_u32(d->kind), dg_cl_f32(d->smoothing), weight,
                                 trains(b, step)),
                      err);
}

static bool samples_run(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  samples_op *self = (samples_op *)op;
  const dg_cl_range one_group = {
      .global = {LOSS_SUMS, 1, 1}, .local = {LOSS_SUMS, 1, 1}, .strided = true};
  return run_samples(self, b, step, err) &&
         dg_cl_launch(op, self->of_batch, one_group,
                      DG_CL_ARGS(dg_cl_mem(self->losses), dg_cl_mem(self->hits),
                                 dg_cl_mem(b->out[1]), dg_cl_mem(b->out[2]), dg_cl_u32(step->n),
                                 dg_cl_u32(self->parts), dg_cl_u32(step->slot),
                                 dg_cl_f32(weight_of(&op->desc.loss, step))),
                      err);
}

static const dg_cl_implementation by_samples = {
    .name = "samples", .size = sizeof(samples_op), .prepare = samples_prepare, .run = samples_run};

const dg_cl_family dg_cl_loss = {.supports = supports, .forward = {&at_once, &by_samples}};
