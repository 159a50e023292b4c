/**
 * Threads that share out work in pieces.
 *
 * A region is a number of pieces and a function. Regions are queued and run one after the other;
 * each piece of one is run exactly once, by a thread of the pool or by the caller while it waits.
 * At first every worker takes the pieces of its own part of the range, the same ones in every
 * region of as many pieces, so that it finds in its cache what it wrote before; then what others
 * have left of theirs, from the end. Whoever ends a region opens the next one. So a worker that the
 * system doesn't run is waited for with one piece at most, and nobody leads.
 *
 * A worker gives way between two pieces when a tick of the system's clock is near, lest the system
 * stop it within one.
 * Those who wait spin for some microseconds and then sleep.
 */
#ifndef DG_POOL_H
#define DG_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

typedef struct dg_pool dg_pool;

enum { DG_POOL_CONTEXT = 1024 }; /**< bytes of what a region is given, at most */

/** Runs piece `piece` of a region. `worker` is below dg_pool_workers, and no other piece that runs
    at the same time has it: it says which scratch memory to use, and must not change a result. */
typedef void (*dg_piece)(const void *context, size_t piece, size_t worker);

/**
 * A pool of `workers` > 0, of which the calling thread is one: workers - 1 threads are started,
 * with all signals blocked. NULL where that fails.
 */
dg_pool *dg_pool_new(size_t workers, dg_error *err);

/** Ends the threads, after what is queued. NULL is allowed. */
void dg_pool_free(dg_pool *pool);

size_t dg_pool_workers(const dg_pool *pool);

/**
 * Queues a region of `pieces` < 2^32. The context, `size` <= DG_POOL_CONTEXT bytes, is copied. One
 * thread at a time may call this and what follows, and no piece may.
 */
void dg_pool_add(dg_pool *pool, size_t pieces, dg_piece run, const void *context, size_t size);

/** How many regions have been queued. */
uint64_t dg_pool_added(const dg_pool *pool);

/**
 * Works along until the first `regions` of those that were queued are done; false where they never
 * will be: in the child of a fork there are no threads of the pool, and what they had begun stays
 * undone. All else that is queued there the caller runs alone.
 */
bool dg_pool_wait(dg_pool *pool, uint64_t regions);

#endif
