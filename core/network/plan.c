#include "core/network/plan.h"

#include <stdlib.h>

static int larger_first(const void *a, const void *b) {
  const dg_block *x = *(dg_block *const *)a, *y = *(dg_block *const *)b;
  if (x->size != y->size) return x->size < y->size ? 1 : -1;
  return x < y ? -1 : x > y; /* keeps the order of equals, so a plan is always the same */
}

static int lower_first(const void *a, const void *b) {
  const dg_block *x = *(dg_block *const *)a, *y = *(dg_block *const *)b;
  return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static bool live_together(const dg_block *a, const dg_block *b) {
  return a->first <= b->last && b->first <= a->last;
}

/** Offset of the smallest gap between the placed blocks (by offset) that holds `block`. */
static size_t find_gap(const dg_block *block, dg_block *const *placed, size_t count) {
  size_t end = 0, best = SIZE_MAX, best_gap = SIZE_MAX;
  for (size_t i = 0; i < count; i++) {
    if (!live_together(block, placed[i])) continue;
    if (placed[i]->offset >= end + block->size && placed[i]->offset - end < best_gap) {
      best = end;
      best_gap = placed[i]->offset - end;
    }
    size_t its_end = placed[i]->offset + placed[i]->size;
    if (its_end > end) end = its_end;
  }
  return best == SIZE_MAX ? end : best;
}

size_t dg_plan_memory(dg_block *blocks, size_t count, size_t alignment) {
  dg_block **order = malloc((count + 1) * sizeof *order);
  if (!order) return SIZE_MAX;
  size_t used = 0, total = 0;
  for (size_t i = 0; i < count; i++) {
    if (blocks[i].size == 0) continue;
    blocks[i].size = (blocks[i].size + alignment - 1) / alignment * alignment;
    order[used++] = &blocks[i];
  }
  qsort(order, used, sizeof *order, larger_first);
  for (size_t i = 0; i < used; i++) {
    order[i]->offset = find_gap(order[i], order, i);
    size_t end = order[i]->offset + order[i]->size;
    if (end > total) total = end;
    qsort(order, i + 1, sizeof *order, lower_first);
  }
  free(order);
  return total;
}
