/* Selects the images of a batch from a data set of bytes. */
#include "backends/opencl/runtime/implementation.h"
#include "core/base/philox.h"

typedef struct {
  dg_cl_op op;
  cl_kernel gather, warped; /* warped is NULL if images are never warped */
  float scale, shift;       /* x = scale * byte + shift */
} gather_op;

static bool warps(const dg_augment *a) {
  return a->rotate != 0.0f || a->shift != 0.0f || a->scale != 0.0f || a->shear != 0.0f;
}

static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  const dg_gather_desc *d = &desc->gather;
  (void)device;
  return d->channels == 1 && d->type == DG_NUMBERS_BYTES && !d->targets && !d->per_channel;
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  gather_op *self = (gather_op *)op;
  const dg_gather_desc *d = &op->desc.gather;
  self->scale = (float)(1.0 / (255.0 * (double)d->std));
  self->shift = (float)(-(double)d->mean / (double)d->std);
  const bool tiles = op->device->form == DG_CL_TILE;
  self->gather = dg_cl_kernel(op, DG_CL_ELEMENTS, tiles ? "gather_whole" : "gather", err);
  if (!self->gather) return false;
  if (!warps(&d->augment)) return true;
  self->warped = dg_cl_kernel(op, DG_CL_ELEMENTS, "gather_warped", err);
  return self->warped;
}

static bool gather(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const gather_op *self = (gather_op *)op;
  const uint32_t count = op->desc.gather.height * op->desc.gather.width;
  const bool tiles = op->device->form == DG_CL_TILE;
  const dg_cl_range images = {.global = {step->n, 1, 1}, .local = {1, 1, 1}};
  return dg_cl_launch(op, self->gather, tiles ? images : dg_cl_blocks(op->device, count, step->n),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->in[1]), dg_cl_mem(b->in[2]),
                                 dg_cl_mem(b->out[0]), dg_cl_mem(b->out[1]), dg_cl_u32(count),
                                 dg_cl_u32(step->first), dg_cl_f32(self->scale),
                                 dg_cl_f32(self->shift)),
                      err);
}

static bool gather_warped(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step,
                          dg_error *err) {
  const gather_op *self = (gather_op *)op;
  const dg_gather_desc *d = &op->desc.gather;
  const dg_augment *a = &d->augment;
  const size_t group = dg_cl_group(op->device);
  return dg_cl_launch(
      op, self->warped, (dg_cl_range){.global = {group, step->n, 1}, .local = {group, 1, 1}},
      DG_CL_ARGS(
          dg_cl_mem(b->in[0]), dg_cl_mem(b->in[1]), dg_cl_mem(b->in[2]), dg_cl_mem(b->out[0]),
          dg_cl_mem(b->out[1]), dg_cl_u32(d->width), dg_cl_u32(d->height), dg_cl_u32(step->first),
          dg_cl_f32(self->scale), dg_cl_f32(self->shift), dg_cl_u32(step->seed),
          dg_cl_u32(dg_stream(DG_STREAM_AUGMENT, 0)), dg_cl_u32(step->step),
          dg_cl_u32(step->batch_index), dg_cl_f32(a->rotate), dg_cl_f32(a->shift * (float)d->width),
          dg_cl_f32(a->shift * (float)d->height), dg_cl_f32(a->scale), dg_cl_f32(a->shear)),
      err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  return step->train && ((gather_op *)op)->warped ? gather_warped(op, b, step, err)
                                                  : gather(op, b, step, err);
}

static const dg_cl_implementation images = {
    .name = "images", .size = sizeof(gather_op), .prepare = prepare, .run = forward};

const dg_cl_family dg_cl_gather = {.supports = supports, .forward = {&images}};
