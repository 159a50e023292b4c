/**
 * Room on a device for some of the samples of a set in the host's memory. A batch takes places of
 * an order; place p lies in slot p % slots. Before a batch is gathered, what it needs is uploaded,
 * and then some of what comes next: the slots take turns, and the device goes on with its work
 * meanwhile. A slot is overwritten only after all that reads it has been enqueued.
 */
#ifndef DG_RING_H
#define DG_RING_H

#include "backends/backend.h"

/** An array of the samples, in the host's memory and on the device. */
typedef struct {
  dg_buffer *to;       /**< [slots, …] */
  const uint8_t *from; /**< [samples, …] */
  size_t bytes;        /**< of a sample; 0: there is no such array */
} dg_ring_array;

/** Which sample is at which place. */
typedef struct {
  const uint32_t *samples; /**< [places] */
  /** Groups of places that are on the device together: where each begins, and the end of the last
      one [groups + 1]. NULL: each place is one by itself. */
  const uint32_t *begins;
  uint32_t groups, places;
} dg_ring_order;

typedef struct {
  dg_device *device;
  dg_ring_array inputs, targets, lengths;
  uint32_t slots;
  dg_ring_order order;    /**< its arrays are the caller's */
  uint32_t first, loaded; /**< places from `first` up to `loaded` were uploaded */
  uint32_t announced;     /**< the host was told that it will need the samples up to this place */
} dg_ring;

/** Takes samples in this order from now on; nothing of it is there yet. */
void dg_ring_start(dg_ring *ring, const dg_ring_order *order);

/** Makes `n` places from `first` on available to what is enqueued next. More than the slots hold,
    with their groups, are an error. */
bool dg_ring_load(dg_ring *ring, uint32_t first, uint32_t n, dg_error *err);

#endif
