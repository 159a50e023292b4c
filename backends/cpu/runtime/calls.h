/** What runs of ops that are queued have been given: the caller's own may be gone by then. */
#ifndef DG_CPU_CALLS_H
#define DG_CPU_CALLS_H

#include "backends/cpu/runtime/device.h"

/** What one run is given; it lies still until its regions are done. */
typedef struct {
  dg_op_buffers buffers;
  dg_step step;
  uint64_t regions; /**< of the pool, after which it may be another's */
} dg_cpu_call;

/** For the runs of a device's pool. NULL where memory fails. */
dg_cpu_calls *dg_cpu_calls_new(dg_error *err);
void dg_cpu_calls_free(dg_cpu_calls *calls); /**< NULL is allowed */

/** Keeps what a run is given. */
dg_cpu_call *dg_cpu_call_begin(const dg_cpu_device *device, const dg_op_buffers *buffers,
                               const dg_step *step);
/** All regions of the run are queued. */
void dg_cpu_call_end(const dg_cpu_device *device, dg_cpu_call *call);

#endif
