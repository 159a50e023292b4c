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
  dg_buffer *lengths; /**< uint32 [..]; NULL: there are none */
  uint32_t capacity;
} dg_source;

/** What a source holds. */
typedef struct {
  uint32_t samples;
  uint32_t order; /**< indices that batches take */
  bool targets;   /**< also labels or targets */
  bool lengths;   /**< also those of sequences, which dg_source_put_lengths writes */
} dg_source_plan;

/** Allocates memory for samples from dg_source_put. On failure everything is freed. */
bool dg_source_open(dg_source *source, dg_device *device, const dg_sample_kind *kind,
                    const dg_source_plan *plan, dg_error *err);
void dg_source_close(dg_source *source);

/** Writes the first `count` <= capacity indices of the order. */
bool dg_source_set_order(dg_source *source, const uint32_t *order, uint32_t count, dg_error *err);

/** Makes batches take the samples one after the other, as many as the order has indices. */
bool dg_source_in_turn(dg_source *source, dg_error *err);

/** Writes `n` samples with their labels or targets (NULL for a source without) over the first
    ones. */
bool dg_source_put(dg_source *source, const void *inputs, const void *targets, uint32_t n,
                   dg_error *err);

/** Writes the lengths of the first `n` samples, if the source has any; NULL: `steps` for all. */
bool dg_source_put_lengths(dg_source *source, const uint32_t *lengths, uint32_t steps, uint32_t n,
                           dg_error *err);

#endif
