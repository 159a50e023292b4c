/**
 * A thread pool with work stealing.
 *
 * A region is a number of pieces and a function. Regions are queued and run one after the other;
 * each piece of one is run exactly once, by a thread of the pool or by the caller while it waits.
 * Every worker first takes the pieces of its own part of the range. These are the same in every
 * region with as many pieces, so the worker's cache holds what it wrote before. Then it steals the
 * pieces that others have left, from the end. The worker that finishes a region opens the next one.
 * So a preempted worker delays a region by one piece at most, and there is no leader.
 *
 * A worker yields between two pieces if a tick of the system's clock is near, so that it is not
 * preempted within a piece. Waiting threads spin for some microseconds and then sleep.
 */
#ifndef DG_POOL_H
#define DG_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

typedef struct dg_pool dg_pool;

enum { DG_POOL_CONTEXT = 1024 }; /**< largest context of a region in bytes */

/** Runs piece `piece` of a region. `worker` is below dg_pool_workers and unique among the pieces
    that run at the same time. It selects the scratch memory and must not change a result. */
typedef void (*dg_piece)(const void *context, size_t piece, size_t worker);

/**
 * Makes a pool of `workers` > 0, one of which is the calling thread: workers - 1 threads are
 * started, with all signals blocked. NULL on failure.
 */
dg_pool *dg_pool_new(size_t workers, dg_error *err);

/** Ends the threads after all queued regions. NULL is allowed. */
void dg_pool_free(dg_pool *pool);

size_t dg_pool_workers(const dg_pool *pool);

/**
 * Queues a region of `pieces` < 2^32. The context, `size` <= DG_POOL_CONTEXT bytes, is copied. Only
 * one thread at a time may call this and the functions below, and pieces may not.
 */
void dg_pool_add(dg_pool *pool, size_t pieces, dg_piece run, const void *context, size_t size);

/** Number of regions queued so far. */
uint64_t dg_pool_added(const dg_pool *pool);

/**
 * Works along until the first `regions` queued regions are done. Returns false if they never will
 * be: the child of a fork has no threads of the pool, so the pieces that they had begun stay
 * undone. The caller alone runs everything else that is queued there.
 */
bool dg_pool_wait(dg_pool *pool, uint64_t regions);

#endif
