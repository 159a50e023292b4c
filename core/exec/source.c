#include "core/exec/source.h"

#include <stdlib.h>

static bool new_buffer(dg_source *source, size_t bytes, dg_buffer **out, dg_error *err) {
  return (*out = source->device->calls->buffer_new(source->device, bytes, err)) != NULL;
}

/** Uploads bytes to a new buffer. */
static bool upload(dg_source *source, const uint8_t *bytes, size_t size, dg_buffer **out,
                   dg_error *err) {
  return new_buffer(source, size, out, err) &&
         source->device->calls->write(*out, 0, bytes, size, err);
}

bool dg_source_from_samples(dg_source *source, dg_device *device, const dg_samples *samples,
                            uint32_t capacity, dg_error *err) {
  const dg_sample_kind *kind = &samples->kind;
  const uint8_t *targets = kind->targets ? samples->targets : samples->labels;
  *source = (dg_source){.device = device, .kind = *kind, .capacity = capacity};
  if (upload(source, samples->inputs, samples->count * dg_input_bytes(kind), &source->inputs,
             err) &&
      upload(source, targets, samples->count * dg_target_bytes(kind), &source->targets, err) &&
      new_buffer(source, capacity * sizeof(uint32_t), &source->order, err))
    return true;
  dg_source_close(source);
  return false;
}

bool dg_source_in_turn(dg_source *source, dg_error *err) {
  uint32_t *order = malloc(source->capacity * sizeof *order);
  if (!order) return dg_fail_memory(err, source->capacity * sizeof *order);
  for (uint32_t i = 0; i < source->capacity; i++) order[i] = i;
  bool ok = dg_source_set_order(source, order, source->capacity, err);
  free(order);
  return ok;
}

bool dg_source_for_samples(dg_source *source, dg_device *device, const dg_sample_kind *kind,
                           uint32_t count, bool targets, dg_error *err) {
  *source = (dg_source){.device = device, .kind = *kind, .capacity = count};
  if (new_buffer(source, count * dg_input_bytes(kind), &source->inputs, err) &&
      (!targets || new_buffer(source, count * dg_target_bytes(kind), &source->targets, err)) &&
      new_buffer(source, count * sizeof(uint32_t), &source->order, err) &&
      dg_source_in_turn(source, err))
    return true;
  dg_source_close(source);
  return false;
}

void dg_source_close(dg_source *source) {
  if (!source->device) return;
  source->device->calls->buffer_free(source->inputs);
  source->device->calls->buffer_free(source->targets);
  source->device->calls->buffer_free(source->order);
  *source = (dg_source){0};
}

bool dg_source_set_order(dg_source *source, const uint32_t *order, uint32_t count, dg_error *err) {
  return source->device->calls->write(source->order, 0, order, count * sizeof *order, err);
}

bool dg_source_put(dg_source *source, const void *inputs, const void *targets, uint32_t n,
                   dg_error *err) {
  const dg_device_calls *calls = source->device->calls;
  const dg_sample_kind *kind = &source->kind;
  return calls->write(source->inputs, 0, inputs, n * dg_input_bytes(kind), err) &&
         (!targets || calls->write(source->targets, 0, targets, n * dg_target_bytes(kind), err));
}
