/**
 * The source of batches: images on a device, as bytes, and the order in which batches take them.
 * They come from a data set, with its labels, or from the caller's memory.
 */
#ifndef DG_SOURCE_H
#define DG_SOURCE_H

#include "backends/backend.h"
#include "core/data/dataset.h"

/** All zero: none. */
typedef struct {
  dg_device *device;
  uint32_t height, width;
  dg_buffer *images; /**< bytes [.., height, width] */
  dg_buffer *labels; /**< bytes [..]; NULL for images without labels */
  dg_buffer *order;  /**< uint32 [capacity] */
  uint32_t capacity;
} dg_source;

/** Uploads a data set; its order has up to `capacity` indices. On failure everything is freed. */
bool dg_source_from_samples(dg_source *source, dg_device *device, const dg_samples *samples,
                            uint32_t capacity, dg_error *err);

/** Allocates memory for `count` images from dg_source_put, with labels or without, which batches
    take in the same order. On failure everything is freed. */
bool dg_source_from_images(dg_source *source, dg_device *device, uint32_t height, uint32_t width,
                           uint32_t count, bool labels, dg_error *err);

void dg_source_close(dg_source *source);

/** Writes the first `count` <= capacity indices of the order. */
bool dg_source_set_order(dg_source *source, const uint32_t *order, uint32_t count, dg_error *err);

/** Makes batches take the images one after the other, as many as the order has indices. */
bool dg_source_in_turn(dg_source *source, dg_error *err);

/** Writes `n` images with their labels (NULL for a source without) over the first ones. */
bool dg_source_put(dg_source *source, const uint8_t *images, const uint8_t *labels, uint32_t n,
                   dg_error *err);

#endif
