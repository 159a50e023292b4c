/**
 * Lanes: the threads part a batch by samples and each goes through a row of ops with its own, as
 * long as no op needs another one's. What a thread wrote it reads again from its own cache, and the
 * threads seldom meet. Gradients of parameters are summed up lane by lane, and the lanes' sums then
 * in order.
 */
#ifndef DG_CPU_LANES_H
#define DG_CPU_LANES_H

#include "backends/cpu/runtime/prepared.h"

typedef struct dg_cpu_parting dg_cpu_parting;

/** An op of a device, and what its lanes need. */
typedef struct {
  dg_cpu_prepared op;
  dg_cpu_parting *parting; /**< NULL: its samples are never parted */
} dg_cpu_parted_op;

/** Lanes for the threads of a device; NULL where memory fails. */
dg_cpu_lanes *dg_cpu_lanes_new(const dg_cpu_device *device, dg_error *err);
void dg_cpu_lanes_free(dg_cpu_lanes *lanes); /**< NULL is allowed */

/** Readies a prepared op of a training network for lanes, if it can have any. */
bool dg_cpu_lanes_prepare(dg_cpu_parted_op *op, dg_error *err);
void dg_cpu_parting_free(dg_cpu_parting *parting); /**< NULL is allowed */

/**
 * Takes a run of an op, to be done with those that follow; false: it has to be done at once, and
 * what was taken before is done.
 */
bool dg_cpu_lanes_take(dg_cpu_parted_op *op, bool backward, const dg_op_buffers *buffers,
                       const dg_step *step);

/** Does what was taken and not yet done. NULL is allowed. */
void dg_cpu_lanes_run(dg_cpu_lanes *lanes);

#endif
