/** Samples on a device, as bytes, and the order in which batches take them. */
#ifndef DG_FEED_H
#define DG_FEED_H

#include "backends/backend.h"
#include "core/data/dataset.h"

typedef struct {
  dg_device *device;
  dg_buffer *images, *labels;
  dg_buffer *order; /**< uint32 [room] */
  uint32_t room;
} dg_feed;

/** Uploads samples; `room` is the longest order. On failure everything is freed again. */
bool dg_feed_open(dg_feed *feed, dg_device *device, const dg_samples *samples, uint32_t room,
                  dg_error *err);
void dg_feed_close(dg_feed *feed);

/** Writes the first `count` <= room places of the order. */
bool dg_feed_order(dg_feed *feed, const uint32_t *order, uint32_t count, dg_error *err);

/** Fills `order` with `count` numbers from 0 in a random order of a stream (Fisher and Yates). */
void dg_shuffled(uint32_t *order, uint32_t count, uint32_t seed, uint32_t stream, uint32_t b,
                 uint32_t c);

#endif
