/** What an op of a training network needs so that lanes can run it (lanes.h). */
#ifndef DG_CPU_PARTING_H
#define DG_CPU_PARTING_H

#include "backends/cpu/runtime/prepared.h"

typedef struct {
  dg_cpu_prepared op; /**< for a lane's samples, on the device of a lane */
  dg_op_sizes sizes;
  size_t saved;       /**< bytes of a sample */
  size_t most;        /**< lanes, at most */
  size_t lanes;       /**< of the last forward, whose saved bytes backward finds; 1: it had none */
  size_t grad_floats; /**< of all its parameters */
  float *grads;       /**< of every lane but the first [most - 1, grad_floats] */
} dg_cpu_parting;

/** An op of a device, and what its lanes need. */
typedef struct {
  dg_cpu_prepared op;
  dg_cpu_parting *parting; /**< NULL: its samples are never parted */
} dg_cpu_parted_op;

/** Makes op->parting of a prepared op, if it can have any, with its op on `lane`. The op's own
   needs become those of both ways of running. */
bool dg_cpu_parting_make(dg_cpu_parted_op *op, const dg_cpu_device *lane, dg_error *err);
void dg_cpu_parting_free(dg_cpu_parting *parting); /**< NULL is allowed */

/** In how many lanes `n` samples go through an op best: from its shapes, and 1 where it's not worth
    while. */
size_t dg_cpu_parting_lanes(const dg_cpu_parted_op *op, size_t n);

/** Bytes of workspace of a lane, for whichever direction. */
size_t dg_cpu_parting_workspace(const dg_cpu_parting *parting);

#endif
