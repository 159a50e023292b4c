/** Dimensions in another order. */
#ifndef DG_OP_PERMUTE_H
#define DG_OP_PERMUTE_H

#include "core/op/traits.h"

enum { DG_PERMUTE_RANK = 5 };

/**
 * in [n, dim[0], dim[1], …], out [n, dim[order[0]], dim[order[1]], …]: the same numbers with their
 * dimensions in another order (torch.permute).
 */
typedef struct {
  uint32_t rank; /**< 1 to DG_PERMUTE_RANK */
  uint32_t dim[DG_PERMUTE_RANK], order[DG_PERMUTE_RANK];
} dg_permute_desc;

static inline dg_op_sizes dg_permute_sizes(const void *desc) {
  const dg_permute_desc *d = desc;
  return dg_op_same_sizes(
      dg_size_product(d->rank < DG_PERMUTE_RANK ? d->rank : DG_PERMUTE_RANK, d->dim));
}

static inline bool dg_permute_agrees(const void *desc) {
  const dg_permute_desc *d = desc;
  uint32_t seen = 0;
  if (d->rank < 1 || d->rank > DG_PERMUTE_RANK) return false;
  for (uint32_t k = 0; k < d->rank; k++)
    if (d->order[k] < d->rank) seen |= 1u << d->order[k];
  return seen == (1u << d->rank) - 1;
}

static inline void dg_permute_operations(const void *desc, dg_op_operations *operations) {
  (void)desc;
  operations->own = 0;
}

static const dg_op_traits dg_permute_traits = {
    .sizes = dg_permute_sizes, .agrees = dg_permute_agrees, .operations = dg_permute_operations};

/** A permutation as a walk over what it writes: the counts of its dimensions, and how far apart
    neighbours are in what it reads and in what it writes. */
typedef struct {
  uint32_t rank; /**< at least 1 */
  uint32_t count[DG_PERMUTE_RANK], from[DG_PERMUTE_RANK], to[DG_PERMUTE_RANK];
} dg_permute_walk;

/** The walk of a permutation, or of the one that undoes it. Dimensions that stay neighbours are
    one, and those of 1 are left out. For sizes that were checked. */
static inline dg_permute_walk dg_permute_walk_of(const dg_permute_desc *d, bool undo) {
  dg_permute_walk w = {.rank = 0};
  uint32_t from[DG_PERMUTE_RANK], to[DG_PERMUTE_RANK], in = 1, out = 1;
  for (uint32_t k = d->rank; k-- > 0; in *= d->dim[k]) from[k] = in;
  for (uint32_t k = d->rank; k-- > 0; out *= d->dim[d->order[k]]) to[d->order[k]] = out;
  for (uint32_t k = 0; k < d->rank; k++) {
    const uint32_t own = undo ? k : d->order[k]; /* dimensions in the order of what is written */
    const uint32_t count = d->dim[own], reads = undo ? to[own] : from[own];
    if (count == 1) continue;
    const uint32_t last = w.rank - 1;
    if (w.rank && w.from[last] == reads * count) {
      w.count[last] *= count, w.from[last] = reads;
    } else {
      w.count[w.rank] = count, w.from[w.rank++] = reads;
    }
  }
  if (!w.rank) w.count[0] = w.from[0] = w.rank = 1;
  for (uint32_t k = w.rank, apart = 1; k-- > 0; apart *= w.count[k]) w.to[k] = apart;
  return w;
}

#endif
