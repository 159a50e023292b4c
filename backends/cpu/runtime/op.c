#include "backends/cpu/runtime/op.h"

#include <stdlib.h>

#include "core/base/clock.h"

bool dg_cpu_op_prepare(dg_cpu_op *op, const dg_cpu_device *device, const dg_cpu_wish *wish,
                       dg_error *err) {
  *op = (dg_cpu_op){.base = {.desc = *wish->desc, .max_n = wish->max_n},
                    .device = device,
                    .family = device->ops->family[wish->desc->kind],
                    .train = wish->train,
                    .planned = wish->planned};
  return op->family->prepare(op, wish->train, err);
}

void dg_cpu_op_release(dg_cpu_op *op) {
  dg_cpu_packing_free(op->packing);
  free(op->plan);
  free(op->back_plan);
}

void dg_cpu_op_time(dg_cpu_op *op, bool backward, double since) {
  *(backward ? &op->times.backward : &op->times.forward) += dg_seconds() - since;
  ++*(backward ? &op->times.backward_runs : &op->times.forward_runs);
}

void dg_cpu_op_run(dg_cpu_op *op, bool backward, const dg_op_buffers *buffers,
                   const dg_step *step) {
  double start = op->device->profile ? dg_seconds() : 0;
  (backward ? op->family->backward : op->family->forward)(op, buffers, step);
  if (op->device->profile) dg_cpu_op_time(op, backward, start);
}

bool dg_cpu_keep_packing(dg_cpu_op *op, size_t floats, dg_error *err) {
  if (op->planned) return true;
  op->packing = dg_cpu_packing_new(floats, err);
  return op->packing != NULL;
}

float *dg_cpu_packed(const dg_cpu_op *op, const dg_op_buffers *buffers, float *workspace,
                     bool *pack) {
  *pack = true;
  return op->packing ? dg_cpu_packing_for(op->packing, buffers, pack) : workspace;
}
