/**
 * A batch split over threads: each split runs a chain of ops on some of the samples, as long as no
 * op needs the samples of another split. Splits are pieces that threads take (pieces.h): a thread
 * reads what it wrote from its own cache, and the threads rarely synchronize. Each split has its
 * own sums for the gradients of parameters, which are then added in order. The number of splits
 * depends on the ops of the chain and the number of samples.
 */
#ifndef DG_CPU_BATCH_SPLIT_H
#define DG_CPU_BATCH_SPLIT_H

#include "backends/cpu/runtime/partition.h"

/** The splits of a device; NULL if there is no memory. */
dg_cpu_batch_split *dg_cpu_batch_split_new(const dg_cpu_device *device, dg_error *err);
void dg_cpu_batch_split_free(dg_cpu_batch_split *splits); /**< NULL is allowed */

/** Prepares an op of a network in training for splits, if it supports them. */
bool dg_cpu_batch_split_prepare(dg_cpu_partitioned_op *op, dg_error *err);

/**
 * Defers a run of an op, so that it can be executed with those that follow. false: the caller must
 * execute it now; all deferred runs have been queued.
 */
bool dg_cpu_batch_split_take(dg_cpu_partitioned_op *op, bool backward, const dg_op_buffers *buffers,
                             const dg_step *step);

/** Enqueues the deferred runs. NULL is allowed. */
void dg_cpu_batch_split_run(dg_cpu_batch_split *splits);

/** The same, and waits until the device has executed everything that is queued; false: it never
    will, in the child of a fork. */
bool dg_cpu_batch_split_finish(dg_cpu_batch_split *splits);

#endif
