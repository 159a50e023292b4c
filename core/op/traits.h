/** The traits of an op, what is said of every one: op.c has the table of all. */
#ifndef DG_OP_TRAITS_H
#define DG_OP_TRAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/size.h"

enum { DG_MAX_IN = 8, DG_MAX_OUT = 3, DG_MAX_PARAM = 8, DG_MAX_RUNNING = 2 };

/**
 * How many numbers an op reads, writes and learns; of what isn't there 0. What can't be counted is
 * DG_SIZE_TOO_LARGE.
 */
typedef struct {
  uint64_t in[DG_MAX_IN], out[DG_MAX_OUT]; /**< of one sample; their gradients are as large */
  uint64_t param[DG_MAX_PARAM];            /**< in all, as of an update or an average */
  uint64_t running[DG_MAX_RUNNING];        /**< in all */
  uint64_t intermediate; /**< of one sample: the most that lies between them, padded or dilated */
} dg_op_sizes;

/** Operations of one sample forward. */
typedef struct {
  double own;      /**< all but those of what is fused to the end */
  double of_state; /**< of these, on a state within it, whose gradient is wanted even where no
                    input's is */
} dg_op_operations;

/** What an op is; `desc` is the member of dg_op_desc that describes it. */
typedef struct {
  dg_op_sizes (*sizes)(const void *desc);
  /** Can it be counted at all, and does every part of it fit the others? NULL: always. */
  bool (*agrees)(const void *desc);
  /** Puts other counts for the usual ones, which are `own` = one for each number of out[0] and
      `of_state` = 0. NULL: the usual ones. */
  void (*operations)(const void *desc, dg_op_operations *operations);
  /** Where the description says what is fused to the end (act, pool, drop), or that the
      statistics of the output are written too; 0: it can't say so. */
  size_t act, pool, drop, statistics;
  size_t bias; /**< where it says whether a bias is added to each of its filters; 0: none can be */
  bool keeps_shape; /**< every number of the output belongs to the one at its place in the input */
  bool couples_samples; /**< a training step of it can't take each sample without the others */
  bool is_sampleless;   /**< it has no samples, but parameters alone */
} dg_op_traits;

/** Sizes of an op whose output is as large as its only input. */
static inline dg_op_sizes dg_op_same_sizes(uint64_t count) {
  return (dg_op_sizes){.in = {count}, .out = {count}};
}

static inline uint64_t dg_op_volume(uint64_t a, uint64_t b, uint64_t c) {
  return dg_size_times(dg_size_times(a, b), c);
}

#endif
