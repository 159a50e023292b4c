#include "core/training/meter.h"

bool dg_meter_open(dg_meter *meter, dg_device *device, dg_error *err) {
  *meter = (dg_meter){.device = device};
  meter->losses = device->calls->buffer_new(device, DG_METER_SLOTS * sizeof(float), err);
  if (!meter->losses) return false;
  meter->correct = device->calls->buffer_new(device, DG_METER_SLOTS * sizeof(uint32_t), err);
  return meter->correct != NULL;
}

void dg_meter_close(dg_meter *meter) {
  if (!meter->device) return;
  meter->device->calls->buffer_free(meter->losses);
  meter->device->calls->buffer_free(meter->correct);
}

void dg_meter_reset(dg_meter *meter) {
  meter->loss_sum = 0;
  meter->right = meter->total = 0;
}

uint32_t dg_meter_slot(dg_meter *meter, uint32_t n) {
  meter->samples[meter->pending] = n;
  return meter->pending++;
}

bool dg_meter_read(dg_meter *meter, const float **losses, uint32_t *count, dg_error *err) {
  const dg_device_calls *calls = meter->device->calls;
  uint32_t correct[DG_METER_SLOTS];
  *losses = meter->loss;
  *count = meter->pending;
  meter->pending = 0;
  if (*count == 0) return true;
  if (!calls->read(meter->losses, 0, meter->loss, *count * sizeof(float), err) ||
      !calls->read(meter->correct, 0, correct, *count * sizeof(uint32_t), err))
    return false;
  for (uint32_t i = 0; i < *count; i++) {
    meter->loss_sum += (double)meter->loss[i] * meter->samples[i];
    meter->accuracy[i] = (double)correct[i] / meter->samples[i];
    meter->right += correct[i];
    meter->total += meter->samples[i];
  }
  return true;
}

dg_score dg_meter_score(const dg_meter *meter) {
  return (dg_score){.loss = meter->loss_sum / meter->total,
                    .accuracy = (double)meter->right / meter->total,
                    .correct = meter->right,
                    .total = meter->total};
}
