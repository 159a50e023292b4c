#include "core/exec/bound.h"

bool dg_bound_make(dg_bound_op *bound, dg_device *device, const dg_op_desc *desc, uint32_t max_n,
                   bool train, dg_error *err) {
  *bound = (dg_bound_op){.device = device};
  bound->op = device->calls->prepare(device, desc, max_n, train, err);
  return bound->op != NULL;
}

bool dg_bound_prepare(dg_bound_op *bound, dg_device *device, const char *name,
                      const dg_op_desc *desc, uint32_t max_n, bool train, dg_error *err) {
  const dg_device_calls *calls = device->calls;
  *bound = (dg_bound_op){.device = device};
  if (!calls->supports(device, desc))
    return dg_fail(err, DG_ERR_UNSUPPORTED, "the %s device \"%s\" can't run the %s op",
                   device->backend, device->info.name, name);
  if (!dg_bound_make(bound, device, desc, max_n, train, err))
    return dg_fail_prefix(err, "%s", name);
  size_t bytes = bound->op->needs.forward_workspace;
  if (bytes) bound->workspace = calls->buffer_new(device, bytes, err);
  bound->buffers.workspace = bound->workspace;
  return bytes == 0 || bound->workspace;
}

bool dg_bound_forward(const dg_bound_op *bound, const dg_step *step, dg_error *err) {
  return bound->device->calls->forward(bound->op, &bound->buffers, step, err);
}

bool dg_bound_backward(const dg_bound_op *bound, const dg_step *step, dg_error *err) {
  return bound->device->calls->backward(bound->op, &bound->backward, step, err);
}

void dg_bound_release(dg_bound_op *bound) {
  if (!bound->device) return;
  bound->device->calls->op_free(bound->op);
  bound->device->calls->buffer_free(bound->workspace);
  *bound = (dg_bound_op){0};
}
