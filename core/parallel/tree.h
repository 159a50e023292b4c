/**
 * A batch in slices, and the order in which what they give is added up: it follows from the number
 * of samples and of slices alone, never from who computes a slice.
 */
#ifndef DG_TREE_H
#define DG_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

/** Slice i of n samples is floor(i n / slices) to floor((i + 1) n / slices) - 1: this is where it
    begins, or, for i = slices, where all end. */
static inline uint32_t dg_slice_begin(uint32_t n, uint32_t slices, uint32_t i) {
  return (uint32_t)((uint64_t)n * i / slices);
}

/**
 * A binary tree over slices [0, slices): the root adds what the first half of them gives, rounded
 * down, to what the others give, and so on down to single slices. A slice without samples leaves
 * the tree, and so does whatever has no other slice below it.
 *
 * Sums lie on levels. `run` leaves what a slice gives on a level; `reduce` adds what lies on the
 * next level to what lies on this one, `right` samples to make `both`.
 */
typedef struct {
  uint32_t n, slices;
  bool (*run)(void *user, uint32_t slice, uint32_t level, dg_error *err);
  bool (*reduce)(void *user, uint32_t level, uint32_t right, uint32_t both, dg_error *err);
  void *user;
} dg_tree;

/** Levels that a tree needs. */
uint32_t dg_tree_levels(uint32_t slices);

/** Runs all slices of n > 0 samples, from the first to the last; the sum is left on `level`. */
bool dg_tree_run(const dg_tree *tree, uint32_t level, dg_error *err);

#endif
