#include "core/exec/gather.h"

#include <math.h>

static dg_augment augment_of(const dg_augment_recipe *recipe) {
  const double radians = acos(-1) / 180;
  return (dg_augment){.rotate = (float)(recipe->rotate * radians),
                      .shift = (float)recipe->shift,
                      .scale = (float)recipe->scale,
                      .shear = (float)(recipe->shear * radians),
                      .flip = (float)recipe->flip,
                      .crop = recipe->crop,
                      .brightness = (float)recipe->brightness,
                      .contrast = (float)recipe->contrast,
                      .gain = (float)recipe->gain,
                      .noise = (float)recipe->noise,
                      .cutout = recipe->cutout};
}

dg_gather_desc dg_gather_describe(const dg_model *model, uint32_t height, uint32_t width) {
  return (dg_gather_desc){.channels = 1,
                          .height = height,
                          .width = width,
                          .mean = (float)model->data.mean,
                          .std = (float)model->data.std,
                          .augment = augment_of(&model->data.augment)};
}

/** Puts the norms of the channels on the device, once. */
static bool open_norms(dg_gather *gather, const dg_gather_desc *desc, const float *norms,
                       dg_error *err) {
  dg_device *device = gather->bound.device;
  size_t bytes = 2 * (size_t)desc->channels * sizeof *norms;
  if (!desc->per_channel) return true;
  if (!norms) return dg_fail(err, DG_ERR_INPUT, "a gather per channel needs the channels' norms");
  gather->norms = device->calls->buffer_new(device, bytes, err);
  gather->bound.buffers.in[3] = gather->norms;
  return gather->norms && device->calls->write(gather->norms, 0, norms, bytes, err);
}

bool dg_gather_open(dg_gather *gather, dg_device *device, const dg_gather_desc *desc,
                    const dg_gather_options *options, dg_error *err) {
  const dg_op_desc op = {.kind = DG_OP_GATHER, .gather = *desc};
  size_t bytes = options->max_n * sizeof(uint32_t);
  *gather = (dg_gather){0};
  if (desc->type == DG_NUMBERS_FLOATS && dg_augment_recolours(&desc->augment))
    return dg_fail(err, DG_ERR_INPUT,
                   "brightness and contrast in data.augment are for pictures of bytes; these data "
                   "are floats: use gain and noise");
  if (!dg_bound_prepare(&gather->bound, device, "gather", &op, options->max_n, options->train, err))
    return false;
  gather->bound.buffers.out[0] = options->x;
  if (!open_norms(gather, desc, options->norms, err)) return false;
  if (options->labels) gather->labels = device->calls->buffer_new(device, bytes, err);
  return !options->labels || gather->labels;
}

void dg_gather_close(dg_gather *gather) {
  const dg_device *device = gather->bound.device;
  if (device) device->calls->buffer_free(gather->labels);
  if (device) device->calls->buffer_free(gather->norms);
  dg_bound_release(&gather->bound);
  *gather = (dg_gather){0};
}

void dg_gather_from(dg_gather *gather, const dg_source *source) {
  dg_op_buffers *b = &gather->bound.buffers;
  b->in[0] = source->images;
  b->in[1] = source->labels;
  b->in[2] = source->order;
  b->out[1] = source->labels ? gather->labels : NULL;
}

bool dg_gather_run(const dg_gather *gather, const dg_step *step, dg_error *err) {
  return dg_bound_forward(&gather->bound, step, err);
}
