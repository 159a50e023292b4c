#include "backends/cpu/runtime/prepared.h"

#include <stdlib.h>

#include "backends/cpu/runtime/calls.h"
#include "core/base/clock.h"

static const dg_cpu_implementation *first_fit(const dg_cpu_implementation *const *list,
                                              const dg_cpu_device *device, const dg_op_desc *desc,
                                              uint32_t max_n, bool train) {
  while (*list && (*list)->fits && !(*list)->fits(device, desc, max_n, train)) list++;
  return *list;
}

dg_cpu_choice dg_cpu_choose(const dg_cpu_device *device, const dg_op_desc *desc, uint32_t max_n,
                            bool train) {
  const dg_cpu_family *family = device->ops->family[desc->kind];
  return (dg_cpu_choice){.forward = first_fit(family->forward, device, desc, max_n, train),
                         .backward = train ? first_fit(family->backward, device, desc, max_n, train)
                                           : NULL};
}

static bool prepare_direction(const dg_cpu_implementation *by, dg_cpu_op *op, dg_error *err) {
  return !by || !by->prepare || by->prepare(op, err);
}

bool dg_cpu_prepare(dg_cpu_prepared *op, const dg_cpu_device *device, const dg_cpu_request *request,
                    dg_error *err) {
  const dg_cpu_op direction = {.desc = *request->desc,
                               .max_n = request->max_n,
                               .train = request->train,
                               .planned = request->planned,
                               .device = device};
  bool exact = request->desc->exact || device->threads <= DG_LEAST_PARTS;
  *op =
      (dg_cpu_prepared){.base = {.desc = *request->desc, .max_n = request->max_n, .exact = exact},
                        .device = device,
                        .by = dg_cpu_choose(device, request->desc, request->max_n, request->train),
                        .forward = direction,
                        .backward = direction};
  if (!prepare_direction(op->by.forward, &op->forward, err) ||
      !prepare_direction(op->by.backward, &op->backward, err))
    return false;
  op->base.needs = dg_needs_of(&op->forward.needs, &op->backward.needs);
  return true;
}

static void release_direction(dg_cpu_op *op) {
  dg_cpu_prepacked_free(op->prepacked);
  free(op->plan);
}

void dg_cpu_release(dg_cpu_prepared *op) {
  release_direction(&op->forward);
  release_direction(&op->backward);
}

void dg_cpu_share(dg_cpu_prepared *op, const dg_cpu_prepared *other) {
  dg_cpu_prepacked *own = op->forward.prepacked, *others = other->forward.prepacked;
  if (!own || !others || op->by.forward != other->by.forward || op->base.max_n != other->base.max_n)
    return;
  dg_cpu_prepacked *shared = dg_cpu_prepacked_share(others, dg_cpu_prepacked_floats(own));
  if (!shared) return;
  dg_cpu_prepacked_free(own);
  op->forward.prepacked = shared;
}

void dg_cpu_note_time(dg_cpu_prepared *op, bool backward, double seconds) {
  *(backward ? &op->times.backward : &op->times.forward) += seconds;
  ++*(backward ? &op->times.backward_runs : &op->times.forward_runs);
}

static void run(const dg_cpu_prepared *op, bool backward, const dg_op_buffers *buffers,
                const dg_step *step) {
  (backward ? op->by.backward : op->by.forward)
      ->run(backward ? &op->backward : &op->forward, buffers, step);
}

/** Waits for what is queued, and returns the time. */
static double time_after_all(const dg_cpu_device *device) {
  if (device->pool) dg_pool_wait(device->pool, dg_pool_added(device->pool));
  return dg_seconds();
}

void dg_cpu_run(dg_cpu_prepared *op, bool backward, const dg_op_buffers *buffers,
                const dg_step *step) {
  const dg_cpu_device *device = op->device;
  double start = device->profile ? time_after_all(device) : 0;
  dg_cpu_call *call = device->calls ? dg_cpu_call_begin(device, buffers, step) : NULL;
  run(op, backward, call ? &call->buffers : buffers, call ? &call->step : step);
  if (call) dg_cpu_call_end(device, call);
  if (device->profile) dg_cpu_note_time(op, backward, time_after_all(device) - start);
}
