/** Finds out, through the public API, which samples training takes and in which order. */
#ifndef DG_TESTS_ORDER_H
#define DG_TESTS_ORDER_H

#include <stdint.h>

/** The settings of a run that determine the order. */
typedef struct {
  uint32_t train, validation; /**< samples in all, and those of them held out */
  uint32_t length;            /**< of an epoch; 0: each sample once */
  uint32_t epochs, seed;
} order_plan;

/**
 * Runs the epochs with one sample per step and a learning rate so small that no parameter changes;
 * recognizes each sample by its loss. Writes `order` [epochs, length]; returns the length of an
 * epoch.
 */
uint32_t order_find(const order_plan *plan, uint32_t *order);

/** Writes to `rest` the samples of `train` that are not in `order` [length], in ascending order;
    returns how many. */
uint32_t order_rest(const uint32_t *order, uint32_t length, uint32_t train, uint32_t *rest);

#endif
