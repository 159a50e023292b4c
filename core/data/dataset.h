/**
 * Data sets: images as bytes with a label each, for training and for testing.
 */
#ifndef DG_DATASET_H
#define DG_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digits/data.h"

/** `count` samples; images [count, height, width], labels [count]. */
typedef struct {
  uint32_t count, height, width;
  uint8_t *images, *labels;
} dg_samples;

struct dg_dataset {
  char source[512];     /**< for messages: a path, or "built-in digits" */
  uint32_t classes;     /**< largest label of either part + 1 */
  dg_classes names;     /**< of the classes */
  const char *held_out; /**< see dg_dataset_held_out */
  dg_samples train, test;
};

/** Makes an empty set with that source, or returns NULL. */
dg_dataset *dg_dataset_new(const char *source, dg_error *err);

/** Counts the classes after the labels were read. */
void dg_dataset_count_classes(dg_dataset *set);

/** Allocates `count` samples if there is memory for them; on failure there are none. */
bool dg_samples_new(dg_samples *samples, uint32_t count, uint32_t height, uint32_t width,
                    dg_error *err);

/** Frees the samples, not the struct. */
void dg_samples_free(dg_samples *samples);

#endif
