/**
 * A batch in slices, and the order of their reduction. The order depends only on the numbers of
 * samples and slices, not on which thread computes a slice.
 */
#ifndef DG_TREE_H
#define DG_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

/** The first sample of slice i; for i = slices, the end of all. Slice i of n samples is floor(i n /
    slices) to floor((i + 1) n / slices) - 1. */
static inline uint32_t dg_slice_begin(uint32_t n, uint32_t slices, uint32_t i) {
  return (uint32_t)((uint64_t)n * i / slices);
}

/**
 * A binary tree over slices [0, slices): the root adds the result of the first half of them
 * (rounded down) to that of the others, and so on down to single slices. Slices without samples,
 * and nodes without slices below them, are left out of the tree.
 *
 * Sums are stored on levels. `run` stores the result of a slice on a level; `reduce` adds the next
 * level, of `right` samples, to this one, which then covers `both` samples.
 */
typedef struct {
  uint32_t n, slices;
  bool (*run)(void *user, uint32_t slice, uint32_t level, dg_error *err);
  bool (*reduce)(void *user, uint32_t level, uint32_t right, uint32_t both, dg_error *err);
  void *user;
} dg_tree;

/** Levels that a tree needs. */
uint32_t dg_tree_levels(uint32_t slices);

/** Runs all slices of n > 0 samples, from first to last; the sum is stored on `level`. */
bool dg_tree_run(const dg_tree *tree, uint32_t level, dg_error *err);

#endif
