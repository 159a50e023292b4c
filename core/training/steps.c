/** Batches through the network: training steps, and passes that only score. */
#include <math.h>
#include <stdlib.h>

#include "core/base/numbers.h"
#include "core/training/trainer.h"

static bool run(dg_trainer *t, dg_step_op *s, const dg_step *step, dg_error *err) {
  return dg_trainer_calls(t)->forward(s->op, &s->buffers, step, err);
}

void dg_trainer_feed(dg_trainer *t, const dg_feed *feed) {
  t->gather.buffers.in[0] = feed->images;
  t->gather.buffers.in[1] = feed->labels;
  t->gather.buffers.in[2] = feed->order;
}

/** Gathers a batch and runs it through the network and the loss. */
static bool run_forward(dg_trainer *t, dg_step *step, dg_error *err) {
  step->slot = dg_meter_slot(&t->meter, step->n);
  return run(t, &t->gather, step, err) && dg_network_forward(t->network, step, err) &&
         run(t, &t->loss, step, err);
}

bool dg_trainer_step(dg_trainer *t, dg_step *step, dg_error *err) {
  return run_forward(t, step, err) && dg_network_backward(t->network, step, err) &&
         run(t, &t->update, step, err) && (!t->averaged || run(t, &t->average, step, err));
}

/** Copies what the network gave for the samples of a step to their places in `logits`. */
static bool read_logits(dg_trainer *t, const dg_step *step, float *logits, dg_error *err) {
  size_t outputs = dg_network_outputs(t->network);
  return dg_trainer_calls(t)->read(dg_network_output(t->network), 0, logits + step->first * outputs,
                                   step->n * outputs * sizeof(float), err);
}

bool dg_trainer_evaluate(dg_trainer *t, const dg_feed *feed, uint32_t count, dg_score *score,
                         float *logits, dg_error *err) {
  const float *losses;
  uint32_t read, batch = t->model->train.batch;
  dg_trainer_feed(t, feed);
  dg_meter_reset(&t->meter);
  for (uint32_t first = 0, left = count; left > 0; first += batch) {
    dg_step step = {.n = left < batch ? left : batch, .first = first};
    left -= step.n;
    if (dg_meter_full(&t->meter) && !dg_meter_read(&t->meter, &losses, &read, err)) return false;
    if (!run_forward(t, &step, err) || (logits && !read_logits(t, &step, logits, err)))
      return false;
  }
  if (!dg_meter_read(&t->meter, &losses, &read, err)) return false;
  *score = dg_meter_score(&t->meter);
  return true;
}

/** Runs the network on samples again and finds the first whose numbers are not finite; `count`:
    there is none. `logits` has room for a batch. */
static bool find_unfinite(dg_trainer *t, uint32_t count, float *logits, uint32_t *sample,
                          dg_error *err) {
  uint32_t batch = t->model->train.batch, outputs = dg_network_outputs(t->network);
  for (*sample = 0; *sample < count;) {
    dg_step step = {.n = count - *sample < batch ? count - *sample : batch, .first = *sample};
    size_t numbers = (size_t)step.n * outputs;
    if (!run(t, &t->gather, &step, err) || !dg_network_forward(t->network, &step, err) ||
        !dg_trainer_calls(t)->read(dg_network_output(t->network), 0, logits,
                                   numbers * sizeof *logits, err))
      return false;
    size_t at = dg_first_unfinite(logits, numbers);
    *sample += (uint32_t)(at / outputs);
    if (at < numbers) break;
  }
  return true;
}

bool dg_trainer_check_loss(dg_trainer *t, const dg_feed *feed, uint32_t count,
                           const dg_score *score, dg_error *err) {
  if (isfinite(score->loss)) return true;
  size_t bytes = (size_t)t->model->train.batch * dg_network_outputs(t->network) * sizeof(float);
  float *logits = malloc(bytes);
  uint32_t sample;
  if (!logits) return dg_fail_memory(err, bytes);
  dg_trainer_feed(t, feed);
  bool right = find_unfinite(t, count, logits, &sample, err);
  free(logits);
  if (right && sample < count) return dg_network_fail_unfinite(sample, err);
  return right && dg_fail(err, DG_ERR_RUNTIME,
                          "the loss is not finite: the network's numbers are too large");
}

bool dg_test_check(const dg_trainer *t, const dg_dataset *data, dg_error *err) {
  if (!data) data = t->data;
  if (data->test.count == 0)
    return dg_fail(err, DG_ERR_INPUT, "%.400s: there is no image to test on", data->source);
  return dg_trainer_fits(t, &data->test, data->classes, err) &&
         dg_trainer_same_classes(&t->data->names, data, t->data->source, err);
}

/** Runs the network on the test images of `data` (NULL: the trainer's own); see
 * dg_trainer_evaluate. */
static bool run_test(dg_trainer *t, const dg_dataset *data, dg_score *score, float *logits,
                     dg_error *err) {
  const dg_samples *samples = data ? &data->test : &t->data->test;
  if (!dg_test_check(t, data, err)) return false;
  dg_feed feed;
  if (!dg_feed_open(&feed, t->device, samples, samples->count, err)) return false;
  uint32_t *order = malloc(samples->count * sizeof *order);
  for (uint32_t i = 0; order && i < samples->count; i++) order[i] = i;
  bool right = order ? dg_feed_order(&feed, order, samples->count, err)
                     : dg_fail_memory(err, samples->count * sizeof *order);
  right = right && dg_trainer_evaluate(t, &feed, samples->count, score, logits, err) &&
          dg_trainer_check_loss(t, &feed, samples->count, score, err);
  free(order);
  dg_trainer_calls(t)->finish(t->device, NULL);
  dg_feed_close(&feed);
  return right;
}

bool dg_test(dg_trainer *t, const dg_dataset *data, dg_score *score, dg_error *err) {
  return run_test(t, data, score, NULL, err);
}

bool dg_predict(dg_trainer *t, const dg_dataset *data, float *logits, dg_error *err) {
  dg_score score;
  uint32_t count = data ? data->test.count : t->data->test.count;
  return run_test(t, data, &score, logits, err) &&
         dg_network_check_logits(t->network, logits, count, err);
}
