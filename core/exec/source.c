#include "core/exec/source.h"

#include <stdlib.h>

static bool new_buffer(dg_source *source, size_t bytes, dg_buffer **out, dg_error *err) {
  return (*out = source->device->calls->buffer_new(source->device, bytes, err)) != NULL;
}

bool dg_source_open(dg_source *source, dg_device *device, const dg_sample_kind *kind,
                    const dg_source_plan *plan, dg_error *err) {
  const size_t samples = plan->samples;
  *source = (dg_source){.device = device, .kind = *kind, .capacity = plan->order};
  if (new_buffer(source, samples * dg_input_bytes(kind), &source->inputs, err) &&
      (!plan->targets ||
       new_buffer(source, samples * dg_target_bytes(kind), &source->targets, err)) &&
      (!plan->lengths || new_buffer(source, samples * sizeof(uint32_t), &source->lengths, err)) &&
      new_buffer(source, plan->order * sizeof(uint32_t), &source->order, err))
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

void dg_source_close(dg_source *source) {
  if (!source->device) return;
  source->device->calls->buffer_free(source->inputs);
  source->device->calls->buffer_free(source->targets);
  source->device->calls->buffer_free(source->order);
  source->device->calls->buffer_free(source->lengths);
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

bool dg_source_put_lengths(dg_source *source, const uint32_t *lengths, uint32_t steps, uint32_t n,
                           dg_error *err) {
  const dg_device_calls *calls = source->device->calls;
  const size_t bytes = n * sizeof *lengths;
  if (!source->lengths) return true;
  return lengths ? calls->write(source->lengths, 0, lengths, bytes, err)
                 : calls->fill(source->lengths, 0, steps, bytes, err);
}
