#include "core/exec/gather.h"

#include <math.h>
#include <stdlib.h>

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

bool dg_gather_takes(const dg_shape *input, const dg_shape *sample) {
  if (dg_shape_equal(sample, input)) return true;
  if (dg_shape_count(sample) != dg_shape_count(input)) return false;
  if (input->rank == 1 || sample->rank == 1) return true;
  return sample->rank == 3 && sample->dim[0] == 1 && input->rank == 2;
}

/** How the numbers of a sample lie: pictures as they are, others as the model reads them. */
static dg_gather_desc layout_of(const dg_shape *sample, const dg_model *model) {
  const dg_shape *input = &model->input;
  const dg_shape *s = sample->rank == 3 && !model->lengths ? sample : input;
  if (s->rank == 3)
    return (dg_gather_desc){.channels = s->dim[0], .height = s->dim[1], .width = s->dim[2]};
  return (dg_gather_desc){.channels = s->dim[s->rank - 1],
                          .height = 1,
                          .width = s->rank == 2 ? s->dim[0] : 1,
                          .channels_last = true};
}

dg_gather_desc dg_gather_describe(const dg_model *model, const dg_sample_kind *kind) {
  dg_gather_desc desc = layout_of(&kind->shape, model);
  desc.lengths = model->lengths;
  desc.type = kind->type;
  desc.targets = kind->targets;
  desc.targets_type = kind->targets_type;
  desc.mean = (float)dg_number_of(&model->data.mean, 0, 0);
  desc.std = (float)dg_number_of(&model->data.std, 0, 1);
  desc.per_channel = model->data.mean.count > 1 || model->data.std.count > 1;
  desc.augment = augment_of(&model->data.augment);
  return desc;
}

/** Has a key one number for all channels, or one for each of these samples? */
static bool check_norms(const dg_model *model, const char *key, const dg_number_list *numbers,
                        uint32_t channels, dg_error *err) {
  return numbers->count <= 1 || numbers->count == channels ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s: data.%s has %u numbers, but samples of this shape have %u channels: one for "
                 "all, or one for each",
                 model->path, key, numbers->count, channels);
}

float *dg_gather_norms(const dg_model *model, const dg_gather_desc *desc, dg_error *err) {
  const uint32_t channels = desc->channels;
  if (!check_norms(model, "mean", &model->data.mean, channels, err) ||
      !check_norms(model, "std", &model->data.std, channels, err))
    return NULL;
  float *norms = malloc(2 * channels * sizeof *norms);
  if (!norms) return dg_fail_memory(err, 2 * channels * sizeof *norms), NULL;
  for (uint32_t c = 0; c < channels; c++) {
    norms[c] = (float)dg_number_of(&model->data.mean, c, 0);
    norms[channels + c] = (float)(1 / dg_number_of(&model->data.std, c, 1));
  }
  return norms;
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
  size_t bytes = options->max_n * (size_t)(desc->targets ? desc->targets : 1) * sizeof(uint32_t);
  *gather = (dg_gather){0};
  if (desc->type == DG_NUMBERS_FLOATS && dg_augment_recolours(&desc->augment))
    return dg_fail(err, DG_ERR_INPUT,
                   "brightness and contrast in data.augment are for pictures of bytes; these data "
                   "are floats: use gain and noise");
  if (!dg_bound_prepare(&gather->bound, device, "gather", &op, options->max_n, options->train, err))
    return false;
  gather->bound.buffers.out[0] = options->x;
  gather->bound.buffers.out[2] = options->lengths;
  if (!open_norms(gather, desc, options->norms, err)) return false;
  if (options->targets) gather->targets = device->calls->buffer_new(device, bytes, err);
  return !options->targets || gather->targets;
}

void dg_gather_close(dg_gather *gather) {
  const dg_device *device = gather->bound.device;
  if (device) device->calls->buffer_free(gather->targets);
  if (device) device->calls->buffer_free(gather->norms);
  dg_bound_release(&gather->bound);
  *gather = (dg_gather){0};
}

void dg_gather_from(dg_gather *gather, const dg_source *source) {
  dg_op_buffers *b = &gather->bound.buffers;
  gather->ring = source->ring;
  b->in[0] = source->inputs;
  b->in[1] = source->targets;
  b->in[2] = source->order;
  b->in[4] = source->lengths;
  b->out[1] = source->targets ? gather->targets : NULL;
}

bool dg_gather_run(const dg_gather *gather, const dg_step *step, dg_error *err) {
  return (!gather->ring || dg_ring_load(gather->ring, step->first, step->n, err)) &&
         dg_bound_forward(&gather->bound, step, err);
}
