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
  size_t pixels = (size_t)samples->count * samples->height * samples->width;
  *source = (dg_source){
      .device = device, .height = samples->height, .width = samples->width, .capacity = capacity};
  if (upload(source, samples->images, pixels, &source->images, err) &&
      upload(source, samples->labels, samples->count, &source->labels, err) &&
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

bool dg_source_from_images(dg_source *source, dg_device *device, uint32_t height, uint32_t width,
                           uint32_t count, bool labels, dg_error *err) {
  *source = (dg_source){.device = device, .height = height, .width = width, .capacity = count};
  if (new_buffer(source, (size_t)count * height * width, &source->images, err) &&
      (!labels || new_buffer(source, count, &source->labels, err)) &&
      new_buffer(source, count * sizeof(uint32_t), &source->order, err) &&
      dg_source_in_turn(source, err))
    return true;
  dg_source_close(source);
  return false;
}

void dg_source_close(dg_source *source) {
  if (!source->device) return;
  source->device->calls->buffer_free(source->images);
  source->device->calls->buffer_free(source->labels);
  source->device->calls->buffer_free(source->order);
  *source = (dg_source){0};
}

bool dg_source_set_order(dg_source *source, const uint32_t *order, uint32_t count, dg_error *err) {
  return source->device->calls->write(source->order, 0, order, count * sizeof *order, err);
}

bool dg_source_put(dg_source *source, const uint8_t *images, const uint8_t *labels, uint32_t n,
                   dg_error *err) {
  size_t bytes = (size_t)n * source->height * source->width;
  return source->device->calls->write(source->images, 0, images, bytes, err) &&
         (!labels || source->device->calls->write(source->labels, 0, labels, n, err));
}
