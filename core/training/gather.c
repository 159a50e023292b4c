#include "core/training/gather.h"

#include <math.h>
#include <stdlib.h>

#include "core/data/dataset.h"
#include "core/training/feed.h"

static dg_augment augment_of(const dg_augment_recipe *recipe) {
  const double radians = acos(-1) / 180;
  return (dg_augment){.rotate = (float)(recipe->rotate * radians),
                      .shift = (float)recipe->shift,
                      .scale = (float)recipe->scale,
                      .shear = (float)(recipe->shear * radians)};
}

dg_op_desc dg_gather_describe(const dg_model *model, uint32_t height, uint32_t width) {
  return (dg_op_desc){.kind = DG_OP_GATHER,
                      .gather = {.height = height,
                                 .width = width,
                                 .mean = (float)model->data.mean,
                                 .std = (float)model->data.std,
                                 .augment = augment_of(&model->data.augment)}};
}

/* ---- images as training sees them --------------------------------------- */

/** The gather op of a recipe, with the images that it reads and the batch that it writes. */
typedef struct {
  dg_device *device;
  dg_feed feed;
  dg_op *op;
  dg_buffer *x, *labels; /**< of the batch */
  dg_buffer *workspace;  /**< NULL where the op wants none */
} augmenter;

static bool augmenter_open(augmenter *a, const dg_model *model, dg_device *device,
                           const dg_samples *samples, uint32_t count, dg_error *err) {
  const dg_device_calls *calls = device->calls;
  dg_op_desc desc = dg_gather_describe(model, samples->height, samples->width);
  desc.gather.mean = 0;
  desc.gather.std = 1;
  size_t pixels = (size_t)samples->height * samples->width;
  *a = (augmenter){.device = device};
  if (!dg_feed_open(&a->feed, device, samples, count, err) ||
      !(a->op = calls->prepare(device, &desc, count, true, err)))
    return false;
  size_t workspace = a->op->needs.forward_workspace;
  return (a->x = calls->buffer_new(device, count * pixels * sizeof(float), err)) &&
         (a->labels = calls->buffer_new(device, count * sizeof(uint32_t), err)) &&
         (!workspace || (a->workspace = calls->buffer_new(device, workspace, err)));
}

static void augmenter_close(augmenter *a) {
  a->device->calls->op_free(a->op);
  a->device->calls->buffer_free(a->x);
  a->device->calls->buffer_free(a->labels);
  a->device->calls->buffer_free(a->workspace);
  dg_feed_close(&a->feed);
}

/** Runs the steps, each by way of `x`, the `numbers` of a batch. */
static bool augmenter_run(augmenter *a, const dg_step *first, uint32_t steps, float *x,
                          size_t numbers, uint8_t *images, dg_error *err) {
  const dg_device_calls *calls = a->device->calls;
  const dg_op_buffers buffers = {.in = {a->feed.images, a->feed.labels, a->feed.order},
                                 .out = {a->x, a->labels},
                                 .workspace = a->workspace};
  dg_step step = *first;
  for (uint32_t i = 0; i < steps; i++, step.step++) {
    if (!calls->forward(a->op, &buffers, &step, err) ||
        !calls->read(a->x, 0, x, numbers * sizeof *x, err))
      return false;
    for (size_t k = 0; k < numbers; k++) *images++ = (uint8_t)lrintf(255 * x[k]);
  }
  return true;
}

static bool check_chosen(const dg_dataset *data, const uint32_t *chosen, uint32_t count,
                         dg_error *err) {
  if (count == 0) return dg_fail(err, DG_ERR_INPUT, "no image was chosen; choose one at least");
  for (uint32_t i = 0; i < count; i++)
    if (chosen[i] >= data->train.count)
      return dg_fail(err, DG_ERR_INPUT, "there is no training image %u; %s has %u of them",
                     chosen[i], data->source, data->train.count);
  return true;
}

bool dg_data_augment(const dg_dataset *data, const dg_model *model, dg_device *device,
                     const uint32_t *chosen, uint32_t count, uint32_t seed, uint32_t first_step,
                     uint32_t steps, uint8_t *images, dg_error *err) {
  if (!check_chosen(data, chosen, count, err)) return false;
  const dg_step first = {.n = count, .train = true, .seed = seed, .step = first_step};
  size_t numbers = (size_t)count * data->train.height * data->train.width;
  float *x = malloc(numbers * sizeof *x);
  if (!x) return dg_fail_memory(err, numbers * sizeof *x);
  augmenter a;
  bool right = augmenter_open(&a, model, device, &data->train, count, err) &&
               dg_feed_order(&a.feed, chosen, count, err) &&
               augmenter_run(&a, &first, steps, x, numbers, images, err);
  augmenter_close(&a);
  free(x);
  return right;
}
