/**
 * How work is cut, and who does it. A region of work is cut into pieces, which the threads of the
 * device take (core/base/pool.h). Pieces follow from shapes and the number of samples alone; so
 * does every order in which numbers are added. Where a sum goes over samples, these are cut into
 * parts with sums of their own, which are added in the order of the parts: whoever made them, the
 * bits are the same.
 */
#ifndef DG_CPU_PIECES_H
#define DG_CPU_PIECES_H

#include "backends/cpu/runtime/device.h"
#include "core/base/pool.h"

enum {
  DG_CPU_MAX_THREADS = 1024,
  DG_LEAST_PARTS = 2,  /**< of a sum over samples: that many threads change nothing */
  DG_MOST_PIECES = 64, /**< of a region, where nothing else says how many */
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
 * Into how many pieces to cut `units` of work that are about `operations` simple operations
 * together: as many as are worth handing out, 1 to DG_MOST_PIECES.
 */
size_t dg_cpu_pieces(size_t units, size_t operations);

/**
 * Into how many pieces to cut what is to be shared by all threads, few samples or one, where no bit
 * depends on it: not at all where there is one thread.
 */
static inline size_t dg_cpu_cuts(const dg_cpu_device *device) {
  enum { LEAST = 4 };
  size_t threads = (size_t)device->threads;
  return threads == 1 || threads > LEAST ? threads : LEAST;
}

/**
 * Has the threads of the device run the pieces of a region, run(context, piece, worker) each, after
 * all regions before it; worker < device->threads. They may run later: the context, of up to
 * DG_POOL_CONTEXT bytes, is copied, and what it points to stays until the device is finished. A
 * piece runs no region, but on the device of a split (batch_split.h).
 */
void dg_cpu_run_pieces(const dg_cpu_device *device, size_t pieces, dg_piece run,
                       const void *context, size_t size);

/** The same with a context that begins with a size_t: there the pieces find how many they are. */
void dg_cpu_run_counted(const dg_cpu_device *device, size_t pieces, dg_piece run,
                        const void *context, size_t size);

/**
 * The piece to do in place of `piece` by a region that goes the other way than the one before it:
 * each worker begins with what it did last, which may still be in its cache.
 */
size_t dg_cpu_backwards(const dg_cpu_device *device, size_t pieces, size_t piece);

#endif
