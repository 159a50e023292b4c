/** Measures testing: with images that stay on the device, and with one image from the host. */
#include <stdlib.h>

#include "core/training/trainer.h"
#include "digits/bench.h"
#include "digits/device.h"
#include "digits/train.h"

enum {
  CHUNK_SAMPLES = 1 << 16
}; /**< about how many samples run between two checks of the device */

struct dg_tester {
  dg_trainer *trainer;
  dg_source set; /**< the test images, in an order of whole batches */
  dg_source one; /**< a sample from the host */
};

/** Makes the order cycle through the test images. */
static bool set_order(dg_tester *t, dg_error *err) {
  uint32_t count = t->trainer->data->test.count, capacity = t->set.capacity;
  uint32_t *order = malloc(capacity * sizeof *order);
  if (!order) return dg_fail_memory(err, capacity * sizeof *order);
  for (uint32_t i = 0; i < capacity; i++) order[i] = i % count;
  bool ok = dg_source_set_order(&t->set, order, capacity, err);
  free(order);
  return ok;
}

static bool open_sources(dg_tester *t, dg_error *err) {
  dg_device *device = t->trainer->device;
  const dg_samples *samples = &t->trainer->data->test;
  uint32_t batch = dg_network_samples(t->trainer->network);
  uint32_t capacity = batch < CHUNK_SAMPLES ? CHUNK_SAMPLES / batch * batch : batch;
  return dg_trainer_upload(t->trainer, samples, capacity, &t->set, err) && set_order(t, err) &&
         dg_source_open(
             &t->one, device, &samples->kind,
             &(dg_source_plan){.samples = 1, .order = 1, .lengths = t->trainer->model->lengths},
             err) &&
         dg_source_put_lengths(&t->one, NULL, t->trainer->model->input.dim[0], 1, err) &&
         dg_source_in_turn(&t->one, err);
}

dg_tester *dg_tester_new(dg_trainer *trainer, dg_error *err) {
  if (!dg_trainer_fits(trainer, &trainer->data->test, trainer->data->classes, err)) return NULL;
  dg_tester *t = calloc(1, sizeof *t);
  if (!t) return dg_fail_memory(err, sizeof *t), NULL;
  t->trainer = trainer;
  if (open_sources(t, err)) return t;
  dg_tester_free(t);
  return NULL;
}

void dg_tester_free(dg_tester *t) {
  if (!t) return;
  dg_trainer_calls(t->trainer)->finish(t->trainer->device, NULL);
  dg_source_close(&t->set);
  dg_source_close(&t->one);
  free(t);
}

bool dg_tester_run(dg_tester *t, uint32_t samples, dg_error *err) {
  while (samples > 0) {
    dg_score score;
    uint32_t count = samples < t->set.capacity ? samples : t->set.capacity;
    if (!dg_trainer_evaluate(t->trainer, &t->set, count, &score, NULL, err) ||
        !dg_trainer_check_loss(t->trainer, &t->set, count, &score, err))
      return false;
    samples -= count;
  }
  return true;
}

bool dg_tester_answer(dg_tester *t, const uint8_t *image, float *logits, dg_error *err) {
  const dg_step step = {.n = 1};
  dg_network *network = t->trainer->network;
  dg_gather *gather = &t->trainer->batch_ops->gather;
  dg_gather_from(gather, &t->one);
  return dg_source_put(&t->one, image, NULL, 1, err) && dg_gather_run(gather, &step, err) &&
         dg_network_forward(network, &step, err) &&
         dg_trainer_calls(t->trainer)
             ->read(dg_network_output(network), 0, logits,
                    dg_network_outputs(network) * sizeof *logits, err) &&
         dg_network_check_logits(network, logits, 1, err);
}
