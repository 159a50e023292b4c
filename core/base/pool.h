/**
 * Threads that share out work in pieces.
 *
 * A region is a number of pieces and a function. Each piece is run exactly once, by the caller or
 * by a thread of the pool, and dg_pool_run returns when all of them are done. At first every worker
 * takes the pieces of its own part of the range, the same ones in every region of as many pieces,
 * so that it finds in its cache what it wrote before; then what others have left of theirs, from
 * the end. So a worker that the system doesn't run is waited for with one piece at most.
 *
 * Those who wait spin for some microseconds and then sleep.
 */
#ifndef DG_POOL_H
#define DG_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/error.h"

typedef struct dg_pool dg_pool;

enum { DG_POOL_CONTEXT = 1024 }; /**< bytes of what a region is given, at most */

/** Runs piece `piece` of a region. `worker` is below dg_pool_workers and no other piece that runs
    at the same time has it: it says which scratch memory to use, and must not change a result. */
typedef void (*dg_piece)(const void *context, size_t piece, size_t worker);

/**
 * A pool of `workers` > 0, of which the calling thread is one: workers - 1 threads are started,
 * with all signals blocked. NULL where that fails.
 */
dg_pool *dg_pool_new(size_t workers, dg_error *err);

/** Ends the threads. NULL is allowed. Not while a region runs. */
void dg_pool_free(dg_pool *pool);

size_t dg_pool_workers(const dg_pool *pool);

/**
 * Runs the pieces 0 to `pieces` - 1 (below 2^32) of a region, and returns when they are done. One
 * thread at a time may call it, and no piece may. In the child of a fork there are no threads of
 * the pool: the caller runs all pieces.
 */
void dg_pool_run(dg_pool *pool, size_t pieces, dg_piece run, const void *context);

#endif
