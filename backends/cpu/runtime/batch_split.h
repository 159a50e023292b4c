/**
 * A batch split over threads: each split has some of the samples and goes with them through a chain
 * of ops, as long as no op needs those of another one. Splits are pieces that threads take
 * (pieces.h): what a thread wrote it reads again from its own cache, and the threads seldom meet.
 * Each split has sums of its own for the gradients of parameters, which are then added in order.
 * How many splits there are follows from the ops of the chain and the number of samples.
 */
#ifndef DG_CPU_BATCH_SPLIT_H
#define DG_CPU_BATCH_SPLIT_H

#include "backends/cpu/runtime/partition.h"

/** The splits of a device; NULL where memory fails. */
dg_cpu_batch_split *dg_cpu_batch_split_new(const dg_cpu_device *device, dg_error *err);
void dg_cpu_batch_split_free(dg_cpu_batch_split *splits); /**< NULL is allowed */

/** Readies a prepared op of a training network for splits, if it can have any. */
bool dg_cpu_batch_split_prepare(dg_cpu_partitioned_op *op, dg_error *err);

/**
 * Takes a run of an op, to be done with those that follow; false: it has to be done at once, and
 * what was taken before is done.
 */
bool dg_cpu_batch_split_take(dg_cpu_partitioned_op *op, bool backward, const dg_op_buffers *buffers,
                             const dg_step *step);

/** Queues what was taken. NULL is allowed. */
void dg_cpu_batch_split_run(dg_cpu_batch_split *splits);

/** The same, and waits until all that the device has queued is done; false: it never will be, in
   the child of a fork. */
bool dg_cpu_batch_split_finish(dg_cpu_batch_split *splits);

#endif
