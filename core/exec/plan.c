#include "core/exec/plan.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/size.h"

static int larger_first(const void *a, const void *b) {
  const dg_block *x = *(dg_block *const *)a, *y = *(dg_block *const *)b;
  if (x->size != y->size) return x->size < y->size ? 1 : -1;
  return x < y ? -1 : x > y; /* keeps the order of equals, so plans are deterministic */
}

static bool live_together(const dg_block *a, const dg_block *b) {
  return a->first <= b->last && b->first <= a->last;
}

static size_t end_of(const dg_block *block) {
  return dg_size_plus(block->offset, block->size);
}

/** Offset of the smallest gap between the placed blocks (by offset) that holds `block`. */
static size_t find_gap(const dg_block *block, dg_block *const *placed, size_t count) {
  size_t end = 0, best = SIZE_MAX, best_gap = SIZE_MAX;
  for (size_t i = 0; i < count; i++) {
    if (!live_together(block, placed[i])) continue;
    size_t until = placed[i]->offset;
    if (until >= end && until - end >= block->size && until - end < best_gap) {
      best = end;
      best_gap = until - end;
    }
    size_t its_end = end_of(placed[i]);
    if (its_end > end) end = its_end;
  }
  return best == SIZE_MAX ? end : best;
}

/** Inserts a block into the placed ones, which are sorted by offset. */
static void insert(dg_block *block, dg_block **placed, size_t count) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (placed[middle]->offset <= block->offset)
      low = middle + 1;
    else
      high = middle;
  }
  memmove(placed + low + 1, placed + low, (count - low) * sizeof *placed);
  placed[low] = block;
}

size_t dg_plan_memory(dg_block *blocks, size_t count, size_t alignment) {
  dg_block **order = malloc((count + 1) * sizeof *order);
  if (!order) return SIZE_MAX;
  size_t used = 0, total = 0;
  for (size_t i = 0; i < count; i++) {
    if (blocks[i].size == 0) continue;
    blocks[i].size = dg_size_round_up(blocks[i].size, alignment);
    order[used++] = &blocks[i];
  }
  qsort(order, used, sizeof *order, larger_first);
  for (size_t i = 0; i < used; i++) {
    dg_block *block = order[i]; /* the blocks before it are placed and sorted by offset */
    block->offset = find_gap(block, order, i);
    if (end_of(block) > total) total = end_of(block);
    insert(block, order, i);
  }
  free(order);
  return total;
}
