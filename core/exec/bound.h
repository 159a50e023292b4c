/** A bound op: a prepared op with its buffers. */
#ifndef DG_BOUND_H
#define DG_BOUND_H

#include "backends/backend.h"

/** All zero: nothing is bound. The caller fills in the buffers, which are not owned. */
typedef struct {
  dg_device *device;
  dg_op *op;
  dg_op_buffers buffers;  /**< of forward */
  dg_op_buffers backward; /**< of a layer op in training: the same with backward's workspace */
  dg_buffer *workspace;   /**< of forward, if it has its own; else NULL */
} dg_bound_op;

/**
 * Prepares an op for up to `max_n` samples (`train`: see dg_device_calls.prepare). Free with
 * dg_bound_release, also after a failure.
 */
bool dg_bound_make(dg_bound_op *bound, dg_device *device, const dg_op_desc *desc, uint32_t max_n,
                   bool train, dg_error *err);

/**
 * The same, and allocates a workspace for forward. `name` is for messages. An op that the device
 * can't run is the error DG_ERR_UNSUPPORTED.
 */
bool dg_bound_prepare(dg_bound_op *bound, dg_device *device, const char *name,
                      const dg_op_desc *desc, uint32_t max_n, bool train, dg_error *err);

/** Enqueues it forward. */
bool dg_bound_forward(const dg_bound_op *bound, const dg_step *step, dg_error *err);

/** Enqueues it backward. */
bool dg_bound_backward(const dg_bound_op *bound, const dg_step *step, dg_error *err);

/** Frees op and workspace, which no run may use any more. Does nothing if nothing is bound. */
void dg_bound_release(dg_bound_op *bound);

#endif
