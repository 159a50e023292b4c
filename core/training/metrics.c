#include "core/training/metrics.h"

#include <math.h>
#include <stdlib.h>

bool dg_metrics_open(dg_metrics *metrics, dg_device *device, uint32_t slices, bool counted,
                     dg_error *err) {
  uint32_t steps = DG_METRICS_SLOTS / slices;
  *metrics = (dg_metrics){.device = device, .counted = counted};
  metrics->capacity = steps < 1 ? 1 : steps < DG_METRICS_STEPS ? steps : DG_METRICS_STEPS;
  metrics->slots = metrics->capacity * slices;
  metrics->read_losses = malloc(metrics->slots * sizeof *metrics->read_losses);
  metrics->read_correct = malloc(metrics->slots * sizeof *metrics->read_correct);
  if (!metrics->read_losses || !metrics->read_correct)
    return dg_fail_memory(err, metrics->slots * sizeof *metrics->read_losses);
  metrics->losses = device->calls->buffer_new(device, metrics->slots * sizeof(float), err);
  if (!metrics->losses) return false;
  metrics->correct = device->calls->buffer_new(device, metrics->slots * sizeof(uint32_t), err);
  return metrics->correct != NULL;
}

void dg_metrics_close(dg_metrics *metrics) {
  if (!metrics->device) return;
  metrics->device->calls->buffer_free(metrics->losses);
  metrics->device->calls->buffer_free(metrics->correct);
  free(metrics->read_losses);
  free(metrics->read_correct);
}

void dg_metrics_reset(dg_metrics *metrics) {
  metrics->loss_sum = 0;
  metrics->correct_sum = metrics->total = 0;
}

void dg_metrics_begin(dg_metrics *metrics, uint32_t n) {
  metrics->samples[metrics->pending] = n;
  metrics->end_slots[metrics->pending++] = metrics->used;
}

uint32_t dg_metrics_slot(dg_metrics *metrics) {
  metrics->end_slots[metrics->pending - 1] = metrics->used + 1;
  return metrics->used++;
}

/** Adds up the slots [first, end) of step i. */
static void add_step(dg_metrics *metrics, uint32_t i, uint32_t first, uint32_t end) {
  double loss = 0;
  uint32_t correct = 0;
  for (uint32_t slot = first; slot < end; slot++) {
    loss += (double)metrics->read_losses[slot];
    correct += metrics->read_correct[slot];
  }
  metrics->loss[i] = (float)loss;
  metrics->accuracy[i] = metrics->counted ? (double)correct / metrics->samples[i] : NAN;
  metrics->loss_sum += (double)metrics->loss[i] * metrics->samples[i];
  metrics->correct_sum += correct;
  metrics->total += metrics->samples[i];
}

bool dg_metrics_read(dg_metrics *metrics, const float **losses, uint32_t *count, dg_error *err) {
  const dg_device_calls *calls = metrics->device->calls;
  uint32_t used = metrics->used;
  *losses = metrics->loss;
  *count = metrics->pending;
  metrics->pending = metrics->used = 0;
  if (*count == 0) return true;
  if (!calls->read(metrics->losses, 0, metrics->read_losses, used * sizeof(float), err) ||
      !calls->read(metrics->correct, 0, metrics->read_correct, used * sizeof(uint32_t), err))
    return false;
  for (uint32_t i = 0, first = 0; i < *count; first = metrics->end_slots[i++])
    add_step(metrics, i, first, metrics->end_slots[i]);
  return true;
}

dg_score dg_metrics_score(const dg_metrics *metrics) {
  return (dg_score){.loss = metrics->loss_sum / metrics->total,
                    .accuracy =
                        metrics->counted ? (double)metrics->correct_sum / metrics->total : NAN,
                    .correct = metrics->correct_sum,
                    .total = metrics->total};
}
