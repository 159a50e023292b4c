/** What the directions of an op want, and what an op wants then. */
#ifndef DG_NEEDS_H
#define DG_NEEDS_H

#include "backends/backend.h"

/** What a direction wants, in bytes for the largest n. */
typedef struct {
  size_t workspace;
  size_t saved;             /**< backward: of what a training forward is to hand to it */
  bool reads_in, reads_out; /**< backward: what must live until it */
} dg_direction_needs;

/** Those of an op; `backward` is NULL where it is not run. */
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
