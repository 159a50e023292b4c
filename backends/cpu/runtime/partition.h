/** What splits need to run an op of a network in training (batch_split.h). */
#ifndef DG_CPU_PARTITION_H
#define DG_CPU_PARTITION_H

#include "backends/cpu/runtime/prepared.h"

typedef struct {
  dg_cpu_prepared op; /**< the op for a split's samples, on the device of a split */
  dg_op_sizes sizes;
  size_t saved;       /**< bytes per sample */
  size_t most;        /**< splits, at most */
  size_t splits;      /**< of the last forward, whose saved bytes backward reads; 1: it had none */
  size_t grad_floats; /**< floats of the gradients of all its parameters */
  float *grads;       /**< gradients of all splits but the first [most - 1, grad_floats] */
} dg_cpu_partition;

/** An op of a device, and what its splits need. */
typedef struct {
  dg_cpu_prepared op;
  dg_cpu_partition *partition; /**< NULL: its samples are never split */
} dg_cpu_partitioned_op;

/** Creates op->partition of a prepared op, if it supports splits, with its op on `split`. The op's
    own needs are raised to those of both ways of running. */
bool dg_cpu_partition_make(dg_cpu_partitioned_op *op, const dg_cpu_device *split, dg_error *err);
void dg_cpu_partition_free(dg_cpu_partition *partition); /**< NULL is allowed */

/** The best number of splits for `n` samples of an op: depends on its shapes; 1 if splitting isn't
    worthwhile. */
size_t dg_cpu_partition_splits(const dg_cpu_partitioned_op *op, size_t n);

/** Bytes of workspace of a split, for both directions. */
size_t dg_cpu_partition_workspace(const dg_cpu_partition *partition);

#endif
