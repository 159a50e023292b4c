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
  bool train;   /**< backward will also be run */
  bool planned; /**< only its needs are queried: it will not run, and gets no memory */
  const dg_cpu_device *device;
  dg_direction_needs needs;    /**< filled by the implementation */
  void *plan;                  /**< tables of the implementation, one malloc block; or NULL */
  dg_cpu_prepacked *prepacked; /**< NULL: parameters are packed anew in every run */
} dg_cpu_op;

/** A run of a direction, cut into pieces: the context of the pieces. */
typedef struct {
  const dg_cpu_op *op;
  const dg_op_buffers *buffers;
  const dg_step *step;
  size_t pieces;
} dg_cpu_region;

/** Runs a region whose pieces need only a dg_cpu_region as context. */
void dg_cpu_run_region(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step,
                       size_t pieces, dg_piece run);

/**
 * The number of parts to cut `samples` into, if each part has its own sums of `floats` numbers and
 * all together take about `operations` simple operations. Parts cost memory, and time to clear and
 * add up: up to 8 if that is negligible, at least DG_LEAST_PARTS. If there are more threads, each
 * gets a part, which changes the sums, unless the op must be exact. 1 on the device of a split, and
 * if there is too little work.
 */
size_t dg_cpu_parts(const dg_cpu_op *op, size_t samples, size_t floats, size_t operations);

/** Reserves `floats` for what an op that isn't trained caches of its parameters; the op owns
    them. */
bool dg_cpu_keep_prepacked(dg_cpu_op *op, size_t floats, dg_error *err);

/**
 * The memory of an op's packed parameters: cached across runs, or else in `workspace`. Sets `pack`
 * if they have to be packed now, because they changed or aren't cached.
 */
float *dg_cpu_packed(const dg_cpu_op *op, const dg_op_buffers *buffers, float *workspace,
                     bool *pack);

/** to[i] = or += from[i], depending on the mode. */
static inline void dg_grad_store(dg_grad_mode mode, size_t count, const float *from, float *to) {
  if (mode == DG_GRAD_WRITE)
    for (size_t i = 0; i < count; i++) to[i] = from[i];
  if (mode == DG_GRAD_ADD)
    for (size_t i = 0; i < count; i++) to[i] += from[i];
}

#endif
