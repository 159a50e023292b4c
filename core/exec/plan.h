/** Memory planning: blocks with disjoint lifetimes share memory. */
#ifndef DG_PLAN_H
#define DG_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A block of `size` bytes, in use from time `first` to time `last`, both included. */
typedef struct {
  size_t size;
  uint32_t first, last;
  size_t offset; /**< result of the plan */
} dg_block;

/**
 * Gives every block an offset, a multiple of `alignment`, such that blocks that live at the same
 * time don't overlap: largest first, each into the smallest gap that holds it (greedy by size;
 * Pisarchyk and Lee, arXiv:2001.03288). Blocks of size 0 are skipped. Returns the total bytes, or
 * SIZE_MAX on overflow or if memory runs out. The time is quadratic in `count`.
 */
size_t dg_plan_memory(dg_block *blocks, size_t count, size_t alignment);

#endif
