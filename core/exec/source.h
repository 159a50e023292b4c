/**
 * The source of batches: samples on a device, as they are stored, and the order in which batches
 * take them. They come from a data set, with their labels or targets, or from the caller's memory.
 */
#ifndef DG_SOURCE_H
#define DG_SOURCE_H

#include "backends/backend.h"
#include "core/data/dataset.h"

/** All zero: none. */
typedef struct {
  dg_device *device;
  dg_sample_kind kind;
  dg_buffer *inputs;  /**< [.., shape] */
  dg_buffer *targets; /**< labels: bytes [..], or targets [.., targets]; NULL: neither */
  dg_buffer *order;   /**< uint32 [capacity] */
  uint32_t capacity;
} dg_source;

/** Uploads a data set; its order has up to `capacity` indices. On failure everything is freed. */
bool dg_source_from_samples(dg_source *source, dg_device *device, const dg_samples *samples,
                            uint32_t capacity, dg_error *err);

/** Allocates memory for `count` samples from dg_source_put, with labels or targets or without,
   which batches take in the same order. On failure everything is freed. */
bool dg_source_for_samples(dg_source *source, dg_device *device, const dg_sample_kind *kind,
                           uint32_t count, bool targets, dg_error *err);

void dg_source_close(dg_source *source);

/** Writes the first `count` <= capacity indices of the order. */
bool dg_source_set_order(dg_source *source, const uint32_t *order, uint32_t count, dg_error *err);

/** Makes batches take the samples one after the other, as many as the order has indices. */
bool dg_source_in_turn(dg_source *source, dg_error *err);

/** Writes `n` samples with their labels or targets (NULL for a source without) over the first
    ones. */
bool dg_source_put(dg_source *source, const void *inputs, const void *targets, uint32_t n,
                   dg_error *err);

#endif
