/** What an op of a training network needs so that splits can run it (batch_split.h). */
#ifndef DG_CPU_PARTITION_H
#define DG_CPU_PARTITION_H

#include "backends/cpu/runtime/prepared.h"

typedef struct {
  dg_cpu_prepared op; /**< for a split's samples, on the device of a split */
  dg_op_sizes sizes;
  size_t saved;       /**< bytes of a sample */
  size_t most;        /**< splits, at most */
  size_t splits;      /**< of the last forward, whose saved bytes backward finds; 1: it had none */
  size_t grad_floats; /**< of all its parameters */
  float *grads;       /**< of every split but the first [most - 1, grad_floats] */
} dg_cpu_partition;

/** An op of a device, and what its splits need. */
typedef struct {
  dg_cpu_prepared op;
  dg_cpu_partition *partition; /**< NULL: its samples are never partitioned */
} dg_cpu_partitioned_op;

/** Makes op->partition of a prepared op, if it can have any, with its op on `split`. The op's own
   needs become those of both ways of running. */
bool dg_cpu_partition_make(dg_cpu_partitioned_op *op, const dg_cpu_device *split, dg_error *err);
void dg_cpu_partition_free(dg_cpu_partition *partition); /**< NULL is allowed */

/** In how many splits `n` samples go through an op best: from its shapes, and 1 where it's not
   worth while. */
size_t dg_cpu_partition_splits(const dg_cpu_partitioned_op *op, size_t n);

/** Bytes of workspace of a split, for whichever direction. */
size_t dg_cpu_partition_workspace(const dg_cpu_partition *partition);

#endif
