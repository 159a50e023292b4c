/** A bound op: prepared, with the buffers that it runs on. */
#ifndef DG_BOUND_H
#define DG_BOUND_H

#include "backends/backend.h"

/** All zero: nothing is bound. Whoever binds an op fills in its buffers, which are not owned. */
typedef struct {
  dg_device *device;
  dg_op *op;
  dg_op_buffers buffers;  /**< of forward */
  dg_op_buffers backward; /**< of a layer op that trains: the same, with backward's workspace */
  dg_buffer *workspace;   /**< of forward, where it has one of its own; else NULL */
} dg_bound_op;

/**
 * Prepares an op for up to `max_n` samples (`train`: see dg_device_calls.prepare). What was made is
 * freed by dg_bound_release, also after a failure.
 */
bool dg_bound_make(dg_bound_op *bound, dg_device *device, const dg_op_desc *desc, uint32_t max_n,
                   bool train, dg_error *err);

/**
 * The same, and allocates forward a workspace of its own. `name` is for messages: an op that the
 * device can't run is DG_ERR_UNSUPPORTED.
 */
bool dg_bound_prepare(dg_bound_op *bound, dg_device *device, const char *name,
                      const dg_op_desc *desc, uint32_t max_n, bool train, dg_error *err);

/** Enqueues it forward. */
bool dg_bound_forward(const dg_bound_op *bound, const dg_step *step, dg_error *err);

/** Enqueues it backward. */
bool dg_bound_backward(const dg_bound_op *bound, const dg_step *step, dg_error *err);

/** Frees op and workspace, which no run may need any more; nothing where nothing is bound. */
void dg_bound_release(dg_bound_op *bound);

#endif
