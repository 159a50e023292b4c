#include "core/exec/source.h"

#include <stdlib.h>
#include <string.h>

static bool new_buffer(dg_source *source, size_t bytes, dg_buffer **out, dg_error *err) {
  return (*out = source->device->calls->buffer_new(source->device, bytes, err)) != NULL;
}

/** Makes room for the samples, or takes that of another source. */
static bool open_arrays(dg_source *source, const dg_source_plan *plan, dg_error *err) {
  const dg_sample_kind *kind = &source->kind;
  if (plan->in) {
    source->borrowed = true;
    source->inputs = plan->in->inputs;
    source->targets = plan->targets ? plan->in->targets : NULL;
    source->lengths = plan->lengths ? plan->in->lengths : NULL;
    return true;
  }
  return new_buffer(source, plan->samples * dg_input_bytes(kind), &source->inputs, err) &&
         (!plan->targets ||
          new_buffer(source, plan->samples * dg_target_bytes(kind), &source->targets, err)) &&
         (!plan->lengths ||
          new_buffer(source, plan->samples * sizeof(uint32_t), &source->lengths, err));
}

bool dg_source_open(dg_source *source, dg_device *device, const dg_sample_kind *kind,
                    const dg_source_plan *plan, dg_error *err) {
  *source =
      (dg_source){.device = device, .kind = *kind, .slots = plan->samples, .capacity = plan->order};
  if (open_arrays(source, plan, err) &&
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
  if (!source->borrowed) {
    source->device->calls->buffer_free(source->inputs);
    source->device->calls->buffer_free(source->targets);
    source->device->calls->buffer_free(source->lengths);
  }
  source->device->calls->buffer_free(source->order);
  free(source->ring);
  free(source->places);
  free(source->kept);
  *source = (dg_source){0};
}

static bool write_order(dg_source *source, const uint32_t *order, uint32_t count, dg_error *err) {
  return source->device->calls->write(source->order, 0, order, count * sizeof *order, err);
}

bool dg_source_set_order(dg_source *source, const uint32_t *order, uint32_t count, dg_error *err) {
  if (!source->ring) return write_order(source, order, count, err);
  uint32_t *slots = malloc(count * sizeof *slots);
  if (!slots) return dg_fail_memory(err, count * sizeof *slots);
  memcpy(source->places, order, count * sizeof *order);
  for (uint32_t i = 0; i < count; i++) slots[i] = i % source->slots;
  const dg_ring_order places = {.samples = source->places, .places = count};
  bool ok = dg_source_set_groups(source, &places, slots, count, err);
  free(slots);
  return ok;
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

/* ---- fed ---------------------------------------------------------------- */

bool dg_source_feed(dg_source *source, const void *inputs, const void *targets, dg_error *err) {
  source->ring = malloc(sizeof *source->ring);
  source->places = malloc(source->capacity * sizeof *source->places);
  if (!source->ring || !source->places)
    return dg_fail_memory(err, source->capacity * sizeof *source->places);
  *source->ring =
      (dg_ring){.device = source->device,
                .inputs = {source->inputs, inputs, dg_input_bytes(&source->kind)},
                .targets = {source->targets, targets, targets ? dg_target_bytes(&source->kind) : 0},
                .slots = source->slots};
  return true;
}

bool dg_source_feed_lengths(dg_source *source, const uint32_t *lengths, uint32_t steps,
                            dg_error *err) {
  if (lengths && source->lengths)
    source->ring->lengths =
        (dg_ring_array){source->lengths, (const uint8_t *)lengths, sizeof *lengths};
  return lengths || dg_source_put_lengths(source, NULL, steps, source->slots, err);
}

bool dg_source_set_groups(dg_source *source, const dg_ring_order *order, const uint32_t *slots,
                          uint32_t count, dg_error *err) {
  dg_ring_start(source->ring, order);
  return write_order(source, slots, count, err);
}
