/** Augments images as training does. */
#include <math.h>
#include <stdlib.h>

#include "core/data/dataset.h"
#include "core/exec/gather.h"

/** A data set and the gather op that augments batches of it. */
typedef struct {
  dg_source source;
  dg_gather gather;
  dg_buffer *x; /**< images of the batch */
} augmenter;

static bool augmenter_open(augmenter *a, const dg_model *model, dg_device *device,
                           const dg_samples *samples, uint32_t count, dg_error *err) {
  const size_t numbers = dg_shape_count(&samples->kind.shape);
  dg_gather_desc desc = dg_gather_describe(model, &samples->kind);
  desc.lengths = false; /* they are pictures */
  desc.mean = 0;
  desc.std = 1;
  desc.per_channel = false;
  *a = (augmenter){0};
  const dg_source_plan plan = {.samples = samples->count, .order = count};
  if (!dg_source_open(&a->source, device, &samples->kind, &plan, err) ||
      !dg_source_put(&a->source, samples->inputs, NULL, samples->count, err) ||
      !(a->x = device->calls->buffer_new(device, count * numbers * sizeof(float), err)) ||
      !dg_gather_open(&a->gather, device, &desc,
                      &(dg_gather_options){.max_n = count, .x = a->x, .train = true}, err))
    return false;
  dg_gather_from(&a->gather, &a->source);
  return true;
}

static void augmenter_close(augmenter *a, dg_device *device) {
  dg_gather_close(&a->gather);
  device->calls->buffer_free(a->x);
  dg_source_close(&a->source);
}

/** Runs the steps; each one reads `x`, the `numbers` of a batch, back to the host. */
static bool augmenter_run(augmenter *a, dg_device *device, const dg_step *first, uint32_t steps,
                          float *x, size_t numbers, uint8_t *images, dg_error *err) {
  dg_step step = *first;
  for (uint32_t i = 0; i < steps; i++, step.step++) {
    if (!dg_gather_run(&a->gather, &step, err) ||
        !device->calls->read(a->x, 0, x, numbers * sizeof *x, err))
      return false;
    /* noise and gain may leave the range of a byte */
    for (size_t k = 0; k < numbers; k++)
      *images++ = (uint8_t)lrintf(fminf(fmaxf(255 * x[k], 0), UINT8_MAX));
  }
  return true;
}

static bool check_chosen(const dg_dataset *data, const uint32_t *chosen, uint32_t count,
                         dg_error *err) {
  if (!dg_dataset_part(data, DG_PART_TRAIN).images)
    return dg_fail(err, DG_ERR_INPUT, "%s: its samples are no pictures", data->source);
  if (count == 0) return dg_fail(err, DG_ERR_INPUT, "no image was chosen; choose one at least");
  for (uint32_t i = 0; i < count; i++)
    if (chosen[i] >= data->train.count)
      return dg_fail(err, DG_ERR_INPUT, "there is no training image %u; %s has %u of them",
                     chosen[i], data->source, data->train.count);
  return true;
}

bool dg_dataset_augment(const dg_dataset *data, const dg_model *model, dg_device *device,
                        const uint32_t *chosen, uint32_t count, uint32_t seed, uint32_t first_step,
                        uint32_t steps, uint8_t *images, dg_error *err) {
  if (!check_chosen(data, chosen, count, err)) return false;
  const dg_step first = {.n = count, .train = true, .seed = seed, .step = first_step};
  size_t numbers = count * dg_input_bytes(&data->train.kind);
  float *x = malloc(numbers * sizeof *x);
  if (!x) return dg_fail_memory(err, numbers * sizeof *x);
  augmenter a;
  bool ok = augmenter_open(&a, model, device, &data->train, count, err) &&
            dg_source_set_order(&a.source, chosen, count, err) &&
            augmenter_run(&a, device, &first, steps, x, numbers, images, err);
  augmenter_close(&a, device);
  free(x);
  return ok;
}
