#include "core/parallel/tree.h"

uint32_t dg_tree_levels(uint32_t slices) {
  uint32_t levels = 1;
  for (uint32_t reached = 1; reached < slices; reached *= 2) levels++;
  return levels;
}

/** Number of samples in slices [first, end). */
static uint32_t samples(const dg_tree *t, uint32_t first, uint32_t end) {
  return dg_slice_begin(t->n, t->slices, end) - dg_slice_begin(t->n, t->slices, first);
}

/** Runs slices [first, end), which have samples. */
static bool run(const dg_tree *t, uint32_t first, uint32_t end, uint32_t level, dg_error *err) {
  if (end - first == 1) return t->run(t->user, first, level, err);
  uint32_t middle = first + (end - first) / 2;
  uint32_t left = samples(t, first, middle), right = samples(t, middle, end);
  if (!left) return run(t, middle, end, level, err);
  if (!right) return run(t, first, middle, level, err);
  return run(t, first, middle, level, err) && run(t, middle, end, level + 1, err) &&
         t->reduce(t->user, level, right, left + right, err);
}

bool dg_tree_run(const dg_tree *t, uint32_t level, dg_error *err) {
  return run(t, 0, t->slices, level, err);
}
