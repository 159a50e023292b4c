/** A growing list of samples. */
#ifndef DG_COLLECTION_H
#define DG_COLLECTION_H

#include "core/data/dataset.h"

enum { DG_MOST_SIDE = 1024 }; /**< pixels; larger images are pictures that must be scaled first */

/** Of labelled samples. All zero except their kind before the first sample is added. */
typedef struct {
  dg_samples samples;
  uint32_t capacity;
} dg_collection;

/** Adds a sample; returns its numbers, which the caller fills, or NULL. */
uint8_t *dg_collect(dg_collection *c, uint8_t label, dg_error *err);

/** Moves the collected samples out, in no more memory than they need; the collection is then
    empty. */
dg_samples dg_collected(dg_collection *c);

#endif
