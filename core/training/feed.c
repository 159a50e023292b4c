#include "core/training/feed.h"

#include "core/base/philox.h"

static dg_buffer *upload(dg_device *device, const void *bytes, size_t size, dg_error *err) {
  dg_buffer *buffer = device->calls->buffer_new(device, size, err);
  if (buffer && !device->calls->write(buffer, 0, bytes, size, err)) {
    device->calls->buffer_free(buffer);
    return NULL;
  }
  return buffer;
}

bool dg_feed_open(dg_feed *feed, dg_device *device, const dg_samples *samples, uint32_t room,
                  dg_error *err) {
  size_t pixels = (size_t)samples->count * samples->height * samples->width;
  *feed = (dg_feed){.device = device, .room = room};
  feed->images = upload(device, samples->images, pixels, err);
  if (feed->images) feed->labels = upload(device, samples->labels, samples->count, err);
  if (feed->labels) feed->order = device->calls->buffer_new(device, room * sizeof(uint32_t), err);
  if (feed->order) return true;
  dg_feed_close(feed);
  return false;
}

void dg_feed_close(dg_feed *feed) {
  if (!feed->device) return;
  feed->device->calls->buffer_free(feed->images);
  feed->device->calls->buffer_free(feed->labels);
  feed->device->calls->buffer_free(feed->order);
  *feed = (dg_feed){0};
}

bool dg_feed_order(dg_feed *feed, const uint32_t *order, uint32_t count, dg_error *err) {
  return feed->device->calls->write(feed->order, 0, order, count * sizeof *order, err);
}

void dg_shuffled(uint32_t *order, uint32_t count, uint32_t seed, uint32_t stream, uint32_t b,
                 uint32_t c) {
  dg_random random = dg_random_start(seed, stream, b, c);
  for (uint32_t i = 0; i < count; i++) order[i] = i;
  for (uint32_t i = count; i-- > 1;) {
    uint32_t other = dg_random_below(&random, i + 1), kept = order[i];
    order[i] = order[other];
    order[other] = kept;
  }
}
