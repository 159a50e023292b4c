#include "core/training/meter.h"

#include <stdlib.h>

bool dg_meter_open(dg_meter *meter, dg_device *device, uint32_t parts, dg_error *err) {
  uint32_t steps = DG_METER_SLOTS / parts;
  *meter = (dg_meter){.device = device};
  meter->room = steps < 1 ? 1 : steps < DG_METER_STEPS ? steps : DG_METER_STEPS;
  meter->slots = meter->room * parts;
  meter->read_losses = malloc(meter->slots * sizeof *meter->read_losses);
  meter->read_correct = malloc(meter->slots * sizeof *meter->read_correct);
  if (!meter->read_losses || !meter->read_correct)
    return dg_fail_memory(err, meter->slots * sizeof *meter->read_losses);
  meter->losses = device->calls->buffer_new(device, meter->slots * sizeof(float), err);
  if (!meter->losses) return false;
  meter->correct = device->calls->buffer_new(device, meter->slots * sizeof(uint32_t), err);
  return meter->correct != NULL;
}

void dg_meter_close(dg_meter *meter) {
  if (!meter->device) return;
  meter->device->calls->buffer_free(meter->losses);
  meter->device->calls->buffer_free(meter->correct);
  free(meter->read_losses);
  free(meter->read_correct);
}

void dg_meter_reset(dg_meter *meter) {
  meter->loss_sum = 0;
  meter->right = meter->total = 0;
}

void dg_meter_begin(dg_meter *meter, uint32_t n) {
  meter->samples[meter->pending] = n;
  meter->ends[meter->pending++] = meter->used;
}

uint32_t dg_meter_slot(dg_meter *meter) {
  meter->ends[meter->pending - 1] = meter->used + 1;
  return meter->used++;
}

/** Adds up what the slots [first, end) of step i say. */
static void add_step(dg_meter *meter, uint32_t i, uint32_t first, uint32_t end) {
  double loss = 0;
  uint32_t right = 0;
  for (uint32_t slot = first; slot < end; slot++) {
    loss += (double)meter->read_losses[slot];
    right += meter->read_correct[slot];
  }
  meter->loss[i] = (float)loss;
  meter->accuracy[i] = (double)right / meter->samples[i];
  meter->loss_sum += (double)meter->loss[i] * meter->samples[i];
  meter->right += right;
  meter->total += meter->samples[i];
}

bool dg_meter_read(dg_meter *meter, const float **losses, uint32_t *count, dg_error *err) {
  const dg_device_calls *calls = meter->device->calls;
  uint32_t used = meter->used;
  *losses = meter->loss;
  *count = meter->pending;
  meter->pending = meter->used = 0;
  if (*count == 0) return true;
  if (!calls->read(meter->losses, 0, meter->read_losses, used * sizeof(float), err) ||
      !calls->read(meter->correct, 0, meter->read_correct, used * sizeof(uint32_t), err))
    return false;
  for (uint32_t i = 0, first = 0; i < *count; first = meter->ends[i++])
    add_step(meter, i, first, meter->ends[i]);
  return true;
}

dg_score dg_meter_score(const dg_meter *meter) {
  return (dg_score){.loss = meter->loss_sum / meter->total,
                    .accuracy = (double)meter->right / meter->total,
                    .correct = meter->right,
                    .total = meter->total};
}
