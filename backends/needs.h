/** The memory needs of each direction of an op, and of the op as a whole. */
#ifndef DG_NEEDS_H
#define DG_NEEDS_H

#include "backends/backend.h"

/** Needs of a direction, in bytes for the largest n. */
typedef struct {
  size_t workspace;
  size_t saved;             /**< backward: what forward saves for it in training */
  bool reads_in, reads_out; /**< backward: tensors that must be preserved until it runs */
} dg_direction_needs;

/** Needs of an op; `backward` is NULL if it isn't run. */
static inline dg_op_needs dg_needs_of(const dg_direction_needs *forward,
                                      const dg_direction_needs *backward) {
  static const dg_direction_needs none;
  if (!backward) backward = &none;
  return (dg_op_needs){.saved = backward->saved,
                       .forward_workspace = forward->workspace,
                       .backward_workspace = backward->workspace,
                       .backward_reads_in = backward->reads_in,
                       .backward_reads_out = backward->reads_out};
}

#endif
