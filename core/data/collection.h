/** Samples that are collected one after the other. */
#ifndef DG_COLLECTION_H
#define DG_COLLECTION_H

#include "core/data/dataset.h"

enum { DG_MOST_SIDE = 1024 }; /**< pixels: larger images are pictures still to be scaled */

/** All zero, but for the size of its images, before the first sample. */
typedef struct {
  dg_samples samples;
  uint32_t capacity;
} dg_collection;

/** Adds a sample; returns its pixels, which the caller fills, or NULL. */
uint8_t *dg_collect(dg_collection *c, uint8_t label, dg_error *err);

/** The collected samples, in no more memory than they need; the collection is empty then. */
dg_samples dg_collected(dg_collection *c);

#endif
