#include "backends/cpu/runtime/calls.h"

#include <stdlib.h>

/** Runs whose regions are queued, at most; others wait. */
enum { CALLS = 64 };

struct dg_cpu_calls {
  size_t next;
  dg_cpu_call call[CALLS];
};

dg_cpu_calls *dg_cpu_calls_new(dg_error *err) {
  dg_cpu_calls *calls = calloc(1, sizeof *calls);
  if (!calls) dg_fail_memory(err, sizeof *calls);
  return calls;
}

void dg_cpu_calls_free(dg_cpu_calls *calls) {
  free(calls);
}

dg_cpu_call *dg_cpu_call_begin(const dg_cpu_device *device, const dg_op_buffers *buffers,
                               const dg_step *step) {
  dg_cpu_calls *calls = device->calls;
  dg_cpu_call *call = &calls->call[calls->next];
  calls->next = (calls->next + 1) % CALLS;
  dg_pool_wait(device->pool, call->regions);
  call->buffers = *buffers;
  call->step = *step;
  return call;
}

void dg_cpu_call_end(const dg_cpu_device *device, dg_cpu_call *call) {
  call->regions = dg_pool_added(device->pool);
}
