#define _GNU_SOURCE /* CLOCK_MONOTONIC_COARSE */
#include "core/base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/limits/processors.h"

enum {
  APART =
      128, /**< bytes between data of two threads: a cache line, and the one that is prefetched */
  QUEUED = 128, /**< at most so many regions are in memory, the open one included */
};

/** How long to spin before sleeping: longer than most pauses between two regions. With more workers
    than processors there is no spinning, since it may delay the thread that is waited for. */
static const double spin_seconds = 50e-6;

static const uint64_t NONE_AWAITED = UINT64_MAX;

typedef struct {
  size_t pieces;
  dg_piece run;
  _Alignas(APART) char context[DG_POOL_CONTEXT];
} region;

/** The pieces of a worker that nobody has taken: the first in the low half, the end in the high
    half. */
typedef _Atomic uint64_t untaken;

typedef struct {
  _Alignas(APART) untaken pieces;
  dg_pool *pool;
  size_t index;
  pthread_t thread; /**< unused for the caller */
  double next_look; /**< earliest time of the next check whether to yield */
} worker;

struct dg_pool {
  size_t count;
  size_t started; /**< threads */
  pid_t process;  /**< whose threads they are */
  double tick_seconds, spin_seconds;
  region *queue; /**< [QUEUED], region i at i % QUEUED */
  _Alignas(APART) _Atomic uint64_t added;
  _Alignas(APART) _Atomic uint64_t phase; /**< 2 i: i regions are done, none is open; 2 i + 1:
                                             region i is open, and all before it are done */
  _Atomic uint64_t dealt;                 /**< changes when new pieces can be taken */
  _Atomic size_t sleepers;
  _Atomic uint64_t awaited; /**< the caller sleeps until so many regions are done; NONE_AWAITED */
  _Alignas(APART) _Atomic size_t undone; /**< pieces of the open region */
  _Alignas(APART) pthread_mutex_t mutex; /**< guards sleeping and waking */
  pthread_cond_t news;
  bool closing;
  worker workers[];
};

/* ---- opening a region --------------------------------------------------- */

static uint64_t range(size_t first, size_t end) {
  return (uint64_t)end << 32 | (uint64_t)first;
}

/** Wakes up to so many sleeping threads. After a fork, the child has none, and the mutex may be
    locked. */
static void wake(dg_pool *pool, size_t threads) {
  if (!threads || atomic_load(&pool->sleepers) == 0 || pool->process != getpid()) return;
  pthread_mutex_lock(&pool->mutex);
  if (threads >= pool->count)
    pthread_cond_broadcast(&pool->news);
  else
    for (size_t i = 0; i < threads; i++) pthread_cond_signal(&pool->news);
  pthread_mutex_unlock(&pool->mutex);
}

/** Deals the pieces of a region; from then on they can be taken. */
static void open_region(dg_pool *pool, uint64_t index) {
  size_t pieces = pool->queue[index % QUEUED].pieces;
  size_t useful = pieces < pool->count ? pieces : pool->count;
  atomic_store(&pool->undone, pieces);
  atomic_store(&pool->phase, 2 * index + 1);
  for (size_t i = 0; i < useful; i++)
    atomic_store(&pool->workers[i].pieces, range(pieces * i / useful, pieces * (i + 1) / useful));
  atomic_fetch_add(&pool->dealt, 1);
  wake(pool, index < atomic_load(&pool->awaited) ? useful - 1 : pool->count);
}

/** Opens region `index`, unless one is open or another thread opens it. */
static void open_idle(dg_pool *pool, uint64_t index) {
  uint64_t idle = 2 * index;
  if (atomic_compare_exchange_strong(&pool->phase, &idle, 2 * index + 1)) open_region(pool, index);
}

/** The calling thread has finished the open region: opens the next one, or notes that there is
    none. A thread that queues a region at the same time sees that note, or its region is seen
    here. */
static void open_next(dg_pool *pool) {
  uint64_t next = atomic_load(&pool->phase) / 2 + 1;
  if (next != atomic_load(&pool->added)) {
    open_region(pool, next);
    return;
  }
  atomic_store(&pool->phase, 2 * next);
  if (next == atomic_load(&pool->added))
    wake(pool, pool->count);
  else
    open_idle(pool, next);
}

/* ---- pieces ------------------------------------------------------------- */

/** Takes the first or the last of a worker's pieces; false if none is left. */
static bool take(untaken *pieces, bool last, size_t *piece) {
  uint64_t now = atomic_load(pieces), then;
  do {
    uint64_t first = (uint32_t)now, end = now >> 32;
    if (first == end) return false;
    *piece = last ? end - 1 : first;
    then = last ? range(first, end - 1) : range(first + 1, end);
  } while (!atomic_compare_exchange_weak(pieces, &now, then));
  return true;
}

/** Notes that pieces are done. After the last one the region is done, and the next one is
    opened. */
static void note_done(dg_pool *pool, size_t *pieces) {
  size_t done = *pieces;
  *pieces = 0;
  if (done && atomic_fetch_sub(&pool->undone, done) == done) open_next(pool);
}

static double seconds_on(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/** Seconds between two ticks of the system's clock. */
static double tick_seconds(void) {
  struct timespec tick = {0};
  clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
  return 1e-9 * (double)tick.tv_nsec;
}

/**
 * Yields the processor if the next tick is near. At a tick the system may preempt a thread, and all
 * others would then wait for its piece. If ticks are frequent, a thread keeps the processor for
 * several of them; it then yields at most every 2 ms. `done`: pieces to note before.
 */
static void give_way(worker *self, size_t *done) {
  static const double margin = 0.3e-3, least = 2e-3;
  double now = dg_seconds(), tick = self->pool->tick_seconds;
  if (now < self->next_look) return;
  double left = seconds_on(CLOCK_MONOTONIC_COARSE) + tick - now; /* until the next tick */
  if (left > margin) {
    self->next_look = now + left - margin;
    return;
  }
  note_done(self->pool, done);
  sched_yield();
  self->next_look = dg_seconds() + (tick < least ? least : margin);
}

/** Runs pieces until none is left: first the worker's own, then those of the others. */
static void work(worker *self) {
  dg_pool *pool = self->pool;
  size_t done = 0, piece;
  for (size_t i = 0; i < pool->count; i++) {
    size_t from = self->index + i < pool->count ? self->index + i : self->index + i - pool->count;
    while (take(&pool->workers[from].pieces, i > 0, &piece)) {
      /* the region stays open until this piece of it is noted */
      const region *r = &pool->queue[atomic_load(&pool->phase) / 2 % QUEUED];
      r->run(r->context, piece, self->index);
      done++;
      give_way(self, &done);
    }
  }
  note_done(pool, &done);
}

/* ---- waiting ------------------------------------------------------------ */

static inline void pause_spin(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

/** What a worker waits for: new pieces or, for the caller, finished regions. */
typedef struct {
  dg_pool *pool;
  uint64_t dealt;
  uint64_t regions; /**< 0: none */
} wish;

static bool are_done(const dg_pool *pool, uint64_t regions) {
  return atomic_load(&pool->phase) >= 2 * regions;
}

static bool comes_true(const wish *w) {
  return atomic_load(&w->pool->dealt) != w->dealt || (w->regions && are_done(w->pool, w->regions));
}

/** Spins for some microseconds until the condition holds; false: it does not. */
static bool spin(const wish *w) {
  enum { TRIES = 32 }; /* between two reads of the clock */
  if (comes_true(w)) return true;
  if (w->pool->spin_seconds == 0) return false;
  double end = dg_seconds() + w->pool->spin_seconds;
  do
    for (int i = 0; i < TRIES; i++, pause_spin())
      if (comes_true(w)) return true;
  while (dg_seconds() < end);
  return false;
}

/** Waits for a condition; false: the pool is closed, or has no threads that could make it hold. */
static bool await(const wish *w) {
  dg_pool *pool = w->pool;
  if (spin(w)) return true;
  if (pool->process != getpid()) return false;
  pthread_mutex_lock(&pool->mutex);
  atomic_fetch_add(&pool->sleepers, 1);
  if (w->regions) atomic_store(&pool->awaited, w->regions);
  while (!pool->closing && !comes_true(w)) pthread_cond_wait(&pool->news, &pool->mutex);
  if (w->regions) atomic_store(&pool->awaited, NONE_AWAITED);
  atomic_fetch_sub(&pool->sleepers, 1);
  bool open = !pool->closing;
  pthread_mutex_unlock(&pool->mutex);
  return open;
}

static void *serve(void *of) {
  worker *self = of;
  wish next = {.pool = self->pool};
  while (await(&next)) {
    next.dealt = atomic_load(&self->pool->dealt);
    work(self);
  }
  return NULL;
}

bool dg_pool_wait(dg_pool *pool, uint64_t regions) {
  wish w = {.pool = pool, .regions = regions};
  while (!are_done(pool, regions)) {
    w.dealt = atomic_load(&pool->dealt);
    work(&pool->workers[0]);
    if (!are_done(pool, regions) && !await(&w)) return false;
  }
  return true;
}

/* ---- queueing ----------------------------------------------------------- */

void dg_pool_add(dg_pool *pool, size_t pieces, dg_piece run, const void *context, size_t size) {
  uint64_t index = atomic_load(&pool->added);
  if (!pieces) return;
  if (index >= QUEUED && !dg_pool_wait(pool, index - QUEUED + 1)) return;
  region *r = &pool->queue[index % QUEUED];
  r->pieces = pieces;
  r->run = run;
  if (size) memcpy(r->context, context, size);
  atomic_store(&pool->added, index + 1);
  open_idle(pool, index);
}

uint64_t dg_pool_added(const dg_pool *pool) {
  return atomic_load(&pool->added);
}

/* ---- the pool ----------------------------------------------------------- */

/** Starts a worker's thread. It blocks all signals, which are for the program's own threads. */
static bool start(worker *w, dg_error *err) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int code = pthread_create(&w->thread, NULL, serve, w);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return code == 0 ||
         dg_fail(err, DG_ERR_MEMORY, "thread %zu of %zu can't be started: %s; fewer may fit",
                 w->index + 1, w->pool->count, strerror(code));
}

static void *aligned(size_t bytes) {
  return aligned_alloc(APART, (bytes + APART - 1) / APART * APART);
}

dg_pool *dg_pool_new(size_t workers, dg_error *err) {
  size_t bytes = sizeof(dg_pool) + workers * sizeof(worker);
  dg_pool *pool = aligned(bytes);
  region *queue = aligned(QUEUED * sizeof *queue);
  if (!pool || !queue) {
    dg_fail_memory(err, bytes + QUEUED * sizeof *queue);
    free(pool), free(queue);
    return NULL;
  }
  *pool = (dg_pool){.count = workers,
                    .process = getpid(),
                    .tick_seconds = tick_seconds(),
                    .spin_seconds = workers > dg_processors() ? 0 : spin_seconds,
                    .queue = queue,
                    .awaited = NONE_AWAITED};
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->news, NULL);
  for (size_t i = 0; i < workers; i++) pool->workers[i] = (worker){.pool = pool, .index = i};
  for (; pool->started + 1 < workers; pool->started++)
    if (!start(&pool->workers[pool->started + 1], err)) {
      dg_pool_free(pool);
      return NULL;
    }
  return pool;
}

void dg_pool_free(dg_pool *pool) {
  if (!pool) return;
  dg_pool_wait(pool, dg_pool_added(pool));
  if (pool->process == getpid()) {
    pthread_mutex_lock(&pool->mutex);
    pool->closing = true;
    pthread_cond_broadcast(&pool->news);
    pthread_mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < pool->started; i++) pthread_join(pool->workers[i + 1].thread, NULL);
    pthread_cond_destroy(&pool->news);
    pthread_mutex_destroy(&pool->mutex);
  }
  free(pool->queue);
  free(pool);
}

size_t dg_pool_workers(const dg_pool *pool) {
  return pool->count;
}
