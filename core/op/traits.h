/** The traits of an op: properties that every op has. The table of all is in op.c. */
#ifndef DG_OP_TRAITS_H
#define DG_OP_TRAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/size.h"

enum { DG_MAX_IN = 32, DG_MAX_OUT = 3, DG_MAX_PARAM = 8, DG_MAX_RUNNING = 2 };

/**
 * How many numbers an op reads, writes and learns; 0 where there is no such tensor, and
 * DG_SIZE_TOO_LARGE where the count overflows.
 */
typedef struct {
  uint64_t in[DG_MAX_IN], out[DG_MAX_OUT]; /**< of one sample; gradients have the same size */
  uint64_t param[DG_MAX_PARAM];     /**< of the whole tensor, as for an update or an average */
  uint64_t running[DG_MAX_RUNNING]; /**< of the whole tensor */
  uint64_t intermediate; /**< of one sample: the largest intermediate tensor, padded or dilated */
} dg_op_sizes;

/** Operations of one sample, forward. */
typedef struct {
  double own;      /**< all but those of the fused epilogue */
  double of_state; /**< those of these that act on an internal state, whose gradient is needed even
                      if no input's is */
} dg_op_operations;

/** The traits of an op; `desc` is the member of dg_op_desc that describes it. */
typedef struct {
  dg_op_sizes (*sizes)(const void *desc);
  /** Do its sizes fit their types, and are its parts consistent? NULL: always. */
  bool (*agrees)(const void *desc);
  /** Replaces the default counts, which are `own` = one per number of out[0] and `of_state` = 0.
      NULL: keeps them. */
  void (*operations)(const void *desc, dg_op_operations *operations);
  /** Offsets in the description of what is fused (act, pool, drop), and of whether the statistics
      of the output are also written; 0: not supported. */
  size_t act, pool, drop, statistics;
  size_t bias;          /**< offset of whether a bias is added to each filter; 0: not supported */
  bool keeps_shape;     /**< the output has the dimensions of the input, in their order */
  bool couples_samples; /**< a training step can't process its samples independently */
  bool is_sampleless;   /**< it has parameters only, no samples */
} dg_op_traits;

/** Sizes of an op whose output has the size of its only input. */
static inline dg_op_sizes dg_op_same_sizes(uint64_t count) {
  return (dg_op_sizes){.in = {count}, .out = {count}};
}

static inline uint64_t dg_op_volume(uint64_t a, uint64_t b, uint64_t c) {
  return dg_size_times(dg_size_times(a, b), c);
}

#endif
