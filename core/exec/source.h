/**
 * The source of batches: samples on a device, as they are stored, and the order in which batches
 * take them. They come from a data set, with their labels or targets, or from the caller's memory.
 * If the device has no room for all of them, they are fed: uploaded shortly before they are needed.
 */
#ifndef DG_SOURCE_H
#define DG_SOURCE_H

#include "backends/backend.h"
#include "core/data/dataset.h"
#include "core/exec/ring/ring.h"

/** All zero: none. */
typedef struct {
  dg_device *device;
  dg_sample_kind kind;
  dg_buffer *inputs;  /**< [slots, shape] */
  dg_buffer *targets; /**< labels: bytes [slots], or targets [slots, targets]; NULL: neither */
  dg_buffer *order;   /**< uint32 [capacity] */
  dg_buffer *lengths; /**< uint32 [slots]; NULL: there are none */
  uint32_t slots, capacity;
  bool borrowed;    /**< inputs, targets and lengths belong to another source */
  dg_ring *ring;    /**< NULL: all samples are there */
  uint32_t *places; /**< [capacity], of the ring's order if it has no groups */
  void *kept;       /**< memory that it is fed from, freed with it; NULL: the caller's */
} dg_source;

/** What a source holds. */
typedef struct {
  uint32_t samples; /**< that it has room for */
  uint32_t order;   /**< indices that batches take */
  bool targets;     /**< also labels or targets */
  bool lengths;     /**< also those of sequences */
  /** Use the memory of this source, which has as much room; what it holds is overwritten. NULL:
      memory of its own. */
  const dg_source *in;
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

/**
 * Feeds the source from the host's memory: an order then names any of these samples, however many
 * they are. They must stay as they are until the device has finished what uses the source.
 */
bool dg_source_feed(dg_source *source, const void *inputs, const void *targets, dg_error *err);

/** The same for the lengths of a source that has some, after dg_source_feed; NULL: `steps` for
    all. */
bool dg_source_feed_lengths(dg_source *source, const uint32_t *lengths, uint32_t steps,
                            dg_error *err);

/** Sets the order of a source that is fed with groups of samples that are on the device together:
    `slots` [count] tells batches where each sample is. `order` stays the caller's. */
bool dg_source_set_groups(dg_source *source, const dg_ring_order *order, const uint32_t *slots,
                          uint32_t count, dg_error *err);

#endif
