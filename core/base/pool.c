#include "core/base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"

/** Bytes between what two threads write: a cache line and the one that is fetched with it. */
enum { APART = 128 };

/** How long to spin before sleeping: longer than most pauses between two regions, and far shorter
    than the time for which a processor is given to a thread. */
static const double spin_seconds = 50e-6;

/** The pieces of a worker that nobody has taken: the first in the low half, the end in the high. */
typedef _Atomic uint64_t untaken;

typedef struct {
  _Alignas(APART) untaken pieces;
  dg_pool *pool;
  size_t index;
  pthread_t thread; /**< of the first, unused */
} worker;

struct dg_pool {
  size_t count;
  size_t started; /**< threads */
  pid_t process;  /**< whose threads they are */
  dg_piece run;   /**< of the newest region */
  const void *context;
  _Alignas(APART) _Atomic uint64_t regions; /**< that there have been */
  _Atomic size_t sleepers;                  /**< threads that sleep until there is another */
  _Alignas(APART) _Atomic size_t undone;    /**< pieces of the newest region */
  _Atomic bool caller_sleeps;               /**< until there are none */
  _Alignas(APART) pthread_mutex_t mutex;    /**< guards sleeping and waking */
  pthread_cond_t begun, done;
  bool closing;
  worker workers[];
};

/* ---- pieces ------------------------------------------------------------- */

static uint64_t range(size_t first, size_t end) {
  return (uint64_t)end << 32 | (uint64_t)first;
}

/** Takes the first or the last of a worker's pieces; false where none is left. */
static bool take(untaken *pieces, bool last, size_t *piece) {
  uint64_t now = atomic_load_explicit(pieces, memory_order_acquire), then;
  do {
    uint64_t first = (uint32_t)now, end = now >> 32;
    if (first == end) return false;
    *piece = last ? end - 1 : first;
    then = last ? range(first, end - 1) : range(first + 1, end);
  } while (!atomic_compare_exchange_weak_explicit(pieces, &now, then, memory_order_acq_rel,
                                                  memory_order_acquire));
  return true;
}

/** Notes that pieces are done. The region ends with the last, and its struct may be another's. */
static void note_done(dg_pool *pool, size_t pieces) {
  if (!pieces || atomic_fetch_sub(&pool->undone, pieces) != pieces ||
      !atomic_load(&pool->caller_sleeps))
    return;
  pthread_mutex_lock(&pool->mutex);
  pthread_cond_signal(&pool->done);
  pthread_mutex_unlock(&pool->mutex);
}

/** Runs pieces until none is left to take: a worker's own, then those of the others. */
static void work(dg_pool *pool, size_t index) {
  size_t done = 0, piece;
  for (size_t i = 0; i < pool->count; i++) {
    size_t from = index + i < pool->count ? index + i : index + i - pool->count;
    for (; take(&pool->workers[from].pieces, i > 0, &piece); done++)
      pool->run(pool->context, piece, index);
  }
  note_done(pool, done);
}

/* ---- waiting ------------------------------------------------------------ */

static inline void pause_spin(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

/** A pool, and the region that a thread has seen. */
typedef struct {
  dg_pool *pool;
  uint64_t regions;
} view;

static bool has_begun(const view *v) {
  return atomic_load(&v->pool->regions) != v->regions;
}

static bool is_done(const view *v) {
  return atomic_load(&v->pool->undone) == 0;
}

/** Spins until `holds`, for some microseconds; false: it doesn't yet. */
static bool spin(bool (*holds)(const view *v), const view *v) {
  enum { TRIES = 32 }; /* between two looks at the clock */
  double end = dg_seconds() + spin_seconds;
  do
    for (int i = 0; i < TRIES; i++, pause_spin())
      if (holds(v)) return true;
  while (dg_seconds() < end);
  return false;
}

/** Waits for a region that a thread hasn't seen; false: the pool is closed. */
static bool wait_for_region(const view *v) {
  dg_pool *pool = v->pool;
  if (spin(has_begun, v)) return true;
  pthread_mutex_lock(&pool->mutex);
  atomic_fetch_add(&pool->sleepers, 1);
  while (!pool->closing && !has_begun(v)) pthread_cond_wait(&pool->begun, &pool->mutex);
  atomic_fetch_sub(&pool->sleepers, 1);
  bool open = !pool->closing;
  pthread_mutex_unlock(&pool->mutex);
  return open;
}

static void *serve(void *of) {
  const worker *self = of;
  view v = {.pool = self->pool};
  while (wait_for_region(&v)) {
    v.regions = atomic_load(&v.pool->regions);
    work(v.pool, self->index);
  }
  return NULL;
}

static void wait_until_done(dg_pool *pool) {
  const view v = {.pool = pool};
  if (spin(is_done, &v)) return;
  pthread_mutex_lock(&pool->mutex);
  atomic_store(&pool->caller_sleeps, true);
  while (!is_done(&v)) pthread_cond_wait(&pool->done, &pool->mutex);
  atomic_store(&pool->caller_sleeps, false);
  pthread_mutex_unlock(&pool->mutex);
}

/** Wakes threads that sleep. In the child of a fork nobody does, and the mutex may be locked. */
static void wake(dg_pool *pool, size_t threads) {
  if (atomic_load(&pool->sleepers) == 0 || pool->process != getpid()) return;
  pthread_mutex_lock(&pool->mutex);
  for (size_t i = 0; i < threads; i++) pthread_cond_signal(&pool->begun);
  pthread_mutex_unlock(&pool->mutex);
}

/* ---- regions ------------------------------------------------------------ */

void dg_pool_run(dg_pool *pool, size_t pieces, dg_piece run, const void *context) {
  size_t useful = pieces < pool->count ? pieces : pool->count;
  if (useful <= 1) {
    for (size_t i = 0; i < pieces; i++) run(context, i, 0);
    return;
  }
  pool->run = run;
  pool->context = context;
  atomic_store(&pool->undone, pieces);
  for (size_t i = 0; i < useful; i++)
    atomic_store_explicit(&pool->workers[i].pieces,
                          range(pieces * i / useful, pieces * (i + 1) / useful),
                          memory_order_release);
  atomic_fetch_add(&pool->regions, 1);
  wake(pool, useful - 1);
  work(pool, 0);
  wait_until_done(pool);
}

/* ---- the pool ----------------------------------------------------------- */

/** Starts a worker's thread, with all signals blocked: they are for the program's own threads. */
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

dg_pool *dg_pool_new(size_t workers, dg_error *err) {
  size_t bytes = sizeof(dg_pool) + workers * sizeof(worker);
  dg_pool *pool = aligned_alloc(APART, (bytes + APART - 1) / APART * APART);
  if (!pool) {
    dg_fail_memory(err, bytes);
    return NULL;
  }
  *pool = (dg_pool){.count = workers, .process = getpid()};
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->begun, NULL);
  pthread_cond_init(&pool->done, NULL);
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
  if (pool->process == getpid()) {
    pthread_mutex_lock(&pool->mutex);
    pool->closing = true;
    pthread_cond_broadcast(&pool->begun);
    pthread_mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < pool->started; i++) pthread_join(pool->workers[i + 1].thread, NULL);
    pthread_cond_destroy(&pool->begun);
    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->mutex);
  }
  free(pool);
}

size_t dg_pool_workers(const dg_pool *pool) {
  return pool->count;
}
