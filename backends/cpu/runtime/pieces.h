/**
 * How work is partitioned and executed. A region of work is cut into pieces, which the threads of
 * the device take (core/base/pool.h). Pieces, and the order in which numbers are added, depend only
 * on shapes and the number of samples. For a sum over samples, these are cut into parts with their
 * own sums, which are added in the order of the parts: the result has the same bits, whichever
 * threads computed the parts.
 */
#ifndef DG_CPU_PIECES_H
#define DG_CPU_PIECES_H

#include "backends/cpu/runtime/device.h"
#include "core/base/pool.h"

enum {
  DG_CPU_MAX_THREADS = 1024,
  DG_LEAST_PARTS = 2,  /**< parts of a sum over samples: up to that many threads don't change it */
  DG_MOST_PIECES = 64, /**< pieces of a region, unless something else determines their number */
};

/** A part of a range. */
typedef struct {
  size_t begin, end;
} dg_span;

/** Part `index` of `parts` of [0, count). */
static inline dg_span dg_cpu_part(size_t count, size_t parts, size_t index) {
  return (dg_span){count * index / parts, count * (index + 1) / parts};
}

/** Part `index` of `parts` of [0, count), in units of `grain`. */
dg_span dg_cpu_grains(size_t count, size_t grain, size_t parts, size_t index);

/**
 * The number of pieces to cut `units` of work into, which take about `operations` simple operations
 * in total: as many as are worth distributing, 1 to DG_MOST_PIECES.
 */
size_t dg_cpu_pieces(size_t units, size_t operations);

/**
 * The number of pieces for work that all threads are to share even for a single sample, if the
 * result doesn't depend on it: 1 if there is one thread.
 */
static inline size_t dg_cpu_cuts(const dg_cpu_device *device) {
  enum { LEAST = 4 };
  size_t threads = (size_t)device->threads;
  return threads == 1 || threads > LEAST ? threads : LEAST;
}

/**
 * Enqueues a region: after all regions before it, the threads of the device call run(context,
 * piece, worker) for each piece; worker < device->threads. The context, of up to DG_POOL_CONTEXT
 * bytes, is copied; what it points to must exist until the device is finished. A piece may only run
 * a region on the device of a split (batch_split.h).
 */
void dg_cpu_run_pieces(const dg_cpu_device *device, size_t pieces, dg_piece run,
                       const void *context, size_t size);

/** The same with a context that begins with a size_t, which is set to the number of pieces. */
void dg_cpu_run_counted(const dg_cpu_device *device, size_t pieces, dg_piece run,
                        const void *context, size_t size);

/**
 * The piece to execute instead of `piece` in a region that runs in the opposite order of the one
 * before it: each worker begins with its last data, which may still be in its cache.
 */
size_t dg_cpu_backwards(const dg_cpu_device *device, size_t pieces, size_t piece);

#endif
