/** Copies of the arguments of queued runs, since the caller's may no longer exist when they
    execute. */
#ifndef DG_CPU_CALLS_H
#define DG_CPU_CALLS_H

#include "backends/cpu/runtime/device.h"

/** The arguments of one run; they keep their address until its regions are done. */
typedef struct {
  dg_op_buffers buffers;
  dg_step step;
  uint64_t regions; /**< regions of the pool after which it may be reused */
} dg_cpu_call;

/** The arguments of the runs in a device's pool. NULL if there is no memory. */
dg_cpu_calls *dg_cpu_calls_new(dg_error *err);
void dg_cpu_calls_free(dg_cpu_calls *calls); /**< NULL is allowed */

/** Copies the arguments of a run. */
dg_cpu_call *dg_cpu_call_begin(const dg_cpu_device *device, const dg_op_buffers *buffers,
                               const dg_step *step);
/** To be called when all regions of the run are queued. */
void dg_cpu_call_end(const dg_cpu_device *device, dg_cpu_call *call);

#endif
