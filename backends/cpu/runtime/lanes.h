/**
 * Lanes: a batch is cut by samples, and each lane goes through a row of ops with its own, as long
 * as no op needs another one's. Lanes are pieces that threads take (pieces.h): what a thread wrote
 * it reads again from its own cache, and the threads seldom meet. Gradients of parameters are
 * summed up lane by lane, and the lanes' sums then in order. How many lanes there are follows from
 * the ops of the row and the number of samples.
 */
#ifndef DG_CPU_LANES_H
#define DG_CPU_LANES_H

#include "backends/cpu/runtime/parting.h"

/** Lanes of a device; NULL where memory fails. */
dg_cpu_lanes *dg_cpu_lanes_new(const dg_cpu_device *device, dg_error *err);
void dg_cpu_lanes_free(dg_cpu_lanes *lanes); /**< NULL is allowed */

/** Readies a prepared op of a training network for lanes, if it can have any. */
bool dg_cpu_lanes_prepare(dg_cpu_parted_op *op, dg_error *err);

/**
 * Takes a run of an op, to be done with those that follow; false: it has to be done at once, and
 * what was taken before is done.
 */
bool dg_cpu_lanes_take(dg_cpu_parted_op *op, bool backward, const dg_op_buffers *buffers,
                       const dg_step *step);

/** Queues what was taken. NULL is allowed. */
void dg_cpu_lanes_run(dg_cpu_lanes *lanes);

/** The same, and waits until all that the device has queued is done; false: it never will be, in
   the child of a fork. */
bool dg_cpu_lanes_settle(dg_cpu_lanes *lanes);

#endif
