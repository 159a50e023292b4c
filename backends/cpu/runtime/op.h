/** One direction of an op, as an implementation prepares and runs it. */
#ifndef DG_CPU_OP_H
#define DG_CPU_OP_H

#include "backends/cpu/runtime/device.h"
#include "backends/cpu/runtime/pieces.h"
#include "backends/cpu/runtime/prepacked.h"
#include "backends/needs.h"

typedef struct {
  dg_op_desc desc;
  uint32_t max_n;
  bool train;   /**< backward will be run too */
  bool planned; /**< its needs alone are asked for: it will not run, and gets no memory */
  const dg_cpu_device *device;
  dg_direction_needs needs; /**< filled by the implementation */
  void *plan;               /**< what the implementation remembers, one block of malloc; or NULL */
  dg_cpu_prepacked *prepacked; /**< NULL: packed anew in every run */
} dg_cpu_op;

/** A run of a direction, cut into pieces: what they get as their context. */
typedef struct {
  const dg_cpu_op *op;
  const dg_op_buffers *buffers;
  const dg_step *step;
  size_t pieces;
} dg_cpu_region;

/** Runs a region whose pieces need no other context than a dg_cpu_region. */
void dg_cpu_run_region(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step,
                       size_t pieces, dg_piece run);

/**
 * Into how many parts to cut `samples` whose sums are `floats` numbers for each part, beside about
 * `operations` simple operations in all. They cost memory, and time to clear and to add up: up to 8
 * where that is next to nothing, at least DG_LEAST_PARTS. More threads than that get a part each,
 * and other sums, unless the op is to be exact. 1 on the device of a split, and of what is too
 * little to be cut.
 */
size_t dg_cpu_parts(const dg_cpu_op *op, size_t samples, size_t floats, size_t operations);

/** Has an op that isn't trained keep `floats` that it makes of its parameters; the op owns them. */
bool dg_cpu_keep_prepacked(dg_cpu_op *op, size_t floats, dg_error *err);

/**
 * Where an op's packed parameters lie: kept from run to run, or else in `workspace`. `pack` becomes
 * whether they have to be packed now: they changed since, or are kept nowhere.
 */
float *dg_cpu_packed(const dg_cpu_op *op, const dg_op_buffers *buffers, float *workspace,
                     bool *pack);

/** to[i] = or += from[i], as the mode says. */
static inline void dg_grad_store(dg_grad_mode mode, size_t count, const float *from, float *to) {
  if (mode == DG_GRAD_WRITE)
    for (size_t i = 0; i < count; i++) to[i] = from[i];
  if (mode == DG_GRAD_ADD)
    for (size_t i = 0; i < count; i++) to[i] += from[i];
}

#endif
