/** Testing over and over: images that stay on the device, and one that comes from the host. */
#include <stdlib.h>

#include "core/bench.h"
#include "core/training/trainer.h"

enum { ROOM = 1 << 16 }; /**< about how many samples are run between two looks at the device */

struct dg_tester {
  dg_trainer *trainer;
  dg_feed feed;
  uint32_t room; /**< of the feed's order: whole batches */
};

/** Has the order go round the test images. */
static bool set_order(dg_tester *t, dg_error *err) {
  uint32_t count = t->trainer->data->test.count;
  uint32_t *order = malloc(t->room * sizeof *order);
  if (!order) return dg_fail_memory(err, t->room * sizeof *order);
  for (uint32_t i = 0; i < t->room; i++) order[i] = i % count;
  bool right = dg_feed_order(&t->feed, order, t->room, err);
  free(order);
  return right;
}

dg_tester *dg_tester_new(dg_trainer *trainer, dg_error *err) {
  const dg_samples *samples = &trainer->data->test;
  uint32_t batch = trainer->model->train.batch;
  if (!dg_trainer_fits(trainer, samples, trainer->data->classes, err)) return NULL;
  dg_tester *t = calloc(1, sizeof *t);
  if (!t) return dg_fail_memory(err, sizeof *t), NULL;
  t->trainer = trainer;
  t->room = batch < ROOM ? ROOM / batch * batch : batch;
  if (dg_feed_open(&t->feed, trainer->device, samples, t->room, err) && set_order(t, err)) return t;
  dg_tester_free(t);
  return NULL;
}

void dg_tester_free(dg_tester *t) {
  if (!t) return;
  dg_trainer_calls(t->trainer)->finish(t->trainer->device, NULL);
  dg_feed_close(&t->feed);
  free(t);
}

bool dg_tester_run(dg_tester *t, uint32_t samples, dg_error *err) {
  while (samples > 0) {
    dg_score score;
    uint32_t count = samples < t->room ? samples : t->room;
    if (!dg_trainer_evaluate(t->trainer, &t->feed, count, &score, NULL, err) ||
        !dg_trainer_check_loss(t->trainer, &t->feed, count, &score, err))
      return false;
    samples -= count;
  }
  return true;
}

bool dg_tester_answer(dg_tester *t, const uint8_t *image, float *logits, dg_error *err) {
  const dg_device_calls *calls = dg_trainer_calls(t->trainer);
  const dg_samples *samples = &t->trainer->data->test;
  const dg_step step = {.n = 1};
  dg_network *network = t->trainer->network;
  dg_trainer_feed(t->trainer, &t->feed);
  return calls->write(t->feed.images, 0, image, (size_t)samples->height * samples->width, err) &&
         calls->forward(t->trainer->gather.op, &t->trainer->gather.buffers, &step, err) &&
         dg_network_forward(network, &step, err) &&
         calls->read(dg_network_output(network), 0, logits,
                     dg_network_outputs(network) * sizeof *logits, err) &&
         dg_network_check_logits(network, logits, 1, err);
}
