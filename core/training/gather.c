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

/** The images on a device, and a batch of them. */
typedef struct {
  dg_device *device;
  dg_feed feed;
  dg_op *op;
  dg_buffer *x, *labels; /**< of the batch */
  dg_buffer *workspace;  /**< NULL where the op wants none */
} bench;

static bool bench_open(bench *b, const dg_model *model, const dg_samples *samples, uint32_t count,
                       dg_error *err) {
  dg_op_desc desc = dg_gather_describe(model, samples->height, samples->width);
  desc.gather.mean = 0;
  desc.gather.std = 1;
  size_t pixels = (size_t)samples->height * samples->width;
  *b = (bench){.device = dg_open("cpu", NULL, 1, err)};
  if (!b->device) return false;
  const dg_device_calls *calls = b->device->calls;
  if (!dg_feed_open(&b->feed, b->device, samples, count, err) ||
      !(b->op = calls->prepare(b->device, &desc, count, true, err)))
    return false;
  size_t workspace = b->op->needs.forward_workspace;
  return (b->x = calls->buffer_new(b->device, count * pixels * sizeof(float), err)) &&
         (b->labels = calls->buffer_new(b->device, count * sizeof(uint32_t), err)) &&
         (!workspace || (b->workspace = calls->buffer_new(b->device, workspace, err)));
}

static void bench_close(bench *b) {
  if (!b->device) return;
  b->device->calls->op_free(b->op);
  b->device->calls->buffer_free(b->x);
  b->device->calls->buffer_free(b->labels);
  b->device->calls->buffer_free(b->workspace);
  dg_feed_close(&b->feed);
  dg_close(b->device);
}

static bool bench_run(bench *b, const uint32_t *chosen, const dg_step *step, float *x,
                      size_t pixels, dg_error *err) {
  const dg_device_calls *calls = b->device->calls;
  const dg_op_buffers buffers = {.in = {b->feed.images, b->feed.labels, b->feed.order},
                                 .out = {b->x, b->labels},
                                 .workspace = b->workspace};
  return dg_feed_order(&b->feed, chosen, step->n, err) &&
         calls->forward(b->op, &buffers, step, err) &&
         calls->read(b->x, 0, x, step->n * pixels * sizeof *x, err);
}

bool dg_data_augment(const dg_dataset *data, const dg_model *model, const uint32_t *chosen,
                     uint32_t count, uint32_t seed, uint32_t step, uint8_t *images, dg_error *err) {
  size_t pixels = (size_t)data->train.height * data->train.width;
  const dg_step now = {.n = count, .train = true, .seed = seed, .step = step};
  float *x = malloc(count * pixels * sizeof *x);
  if (!x) return dg_fail_memory(err, count * pixels * sizeof *x);
  bench b;
  bool right = bench_open(&b, model, &data->train, count, err) &&
               bench_run(&b, chosen, &now, x, pixels, err);
  bench_close(&b);
  for (size_t i = 0; right && i < count * pixels; i++) images[i] = (uint8_t)lrintf(255 * x[i]);
  free(x);
  return right;
}
