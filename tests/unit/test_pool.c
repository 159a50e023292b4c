/* Threads that share out work in pieces: each piece once, nobody waited for who has none. Besides,
   $DIGITS_TEST_RUNS random runs, the first with the seed $DIGITS_TEST_SEED. */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/philox.h"
#include "core/base/pool.h"
#include "tests/common/suite.h"

enum { MAX_PIECES = 300, MAX_WORKERS = 16 };

static dg_pool *pool_of(size_t workers) {
  dg_error err = {0};
  dg_pool *pool = dg_pool_new(workers, &err);
  ck_assert_msg(pool != NULL, "%s", err.message);
  ck_assert_uint_eq(dg_pool_workers(pool), workers);
  return pool;
}

/** Runs a region to its end. */
static void run(dg_pool *pool, size_t pieces, dg_piece piece, const void *context, size_t size) {
  dg_pool_add(pool, pieces, piece, context, size);
  ck_assert(dg_pool_wait(pool, dg_pool_added(pool)));
}

/** What the pieces of a region note, and how long they take. */
typedef struct {
  size_t workers;
  uint32_t seed; /**< of the delays; 0: none */
  _Atomic uint32_t *done;
  _Atomic bool *busy;
} notes;

/** Passes some time by what a processor does, or without it. */
static void delay(uint32_t seed, size_t piece) {
  dg_random r = dg_random_start(seed, 0, (uint32_t)piece, 0);
  uint32_t kind = dg_random_below(&r, 8);
  double until = dg_seconds() + 1e-6 * (double)dg_random_below(&r, 40);
  if (kind == 0) nanosleep(&(struct timespec){0, 1000 * (long)dg_random_below(&r, 300)}, NULL);
  while (kind < 4 && dg_seconds() < until) continue;
}

static void note(const void *context, size_t piece, size_t worker) {
  const notes *n = context;
  ck_assert_uint_lt(worker, n->workers);
  ck_assert(!atomic_exchange(&n->busy[worker], true));
  if (n->seed) delay(n->seed, piece);
  atomic_fetch_add(&n->done[piece], 1);
  ck_assert(atomic_exchange(&n->busy[worker], false));
}

/** Runs regions of random sizes and checks that each piece of each has been run once. */
static void check_regions(dg_pool *pool, size_t regions, uint32_t seed, bool delays) {
  _Atomic uint32_t done[MAX_PIECES] = {0};
  _Atomic bool busy[MAX_WORKERS] = {false};
  uint32_t before[MAX_PIECES] = {0};
  dg_random r = dg_random_start(seed, 1, 0, 0);
  for (size_t i = 1; i <= regions; i++) {
    size_t pieces = dg_random_below(&r, dg_random_below(&r, 2) ? 8 : MAX_PIECES);
    const notes n = {dg_pool_workers(pool), delays ? seed + (uint32_t)i : 0, done, busy};
    run(pool, pieces, note, &n, sizeof n);
    for (size_t k = 0; k < MAX_PIECES; k++) {
      if (k < pieces) before[k]++;
      ck_assert_uint_eq(atomic_load(&done[k]), before[k]);
    }
  }
}

START_TEST(each_piece_is_run_once) {
  for (size_t workers = 1; workers <= MAX_WORKERS; workers++) {
    dg_pool *pool = pool_of(workers);
    check_regions(pool, 60, (uint32_t)workers, false);
    check_regions(pool, 5, (uint32_t)workers, true);
    dg_pool_free(pool);
  }
}
END_TEST

/** Adds numbers without anything atomic: what a region wrote, the next one and the caller read. */
static void add_before(const void *context, size_t piece, size_t worker) {
  size_t *const *rows = context;
  (void)worker;
  rows[1][piece] = rows[0][piece] + rows[0][(piece + 1) % MAX_PIECES];
}

START_TEST(regions_see_what_was_written_before) {
  dg_pool *pool = pool_of(4);
  size_t ours[2][MAX_PIECES], theirs[2][MAX_PIECES];
  for (size_t i = 0; i < MAX_PIECES; i++) ours[0][i] = theirs[0][i] = i;
  for (size_t i = 0; i < 2000; i++) {
    size_t *a[2] = {ours[i % 2], ours[1 - i % 2]}, *b[2] = {theirs[i % 2], theirs[1 - i % 2]};
    dg_pool_add(pool, MAX_PIECES, add_before, a, sizeof a);
    for (size_t k = 0; k < MAX_PIECES; k++) add_before(b, k, 0);
    if (i % 300) continue; /* there are more regions than wait at a time */
    ck_assert(dg_pool_wait(pool, dg_pool_added(pool)));
    ck_assert_mem_eq(a[1], b[1], sizeof ours[0]);
  }
  dg_pool_free(pool);
}
END_TEST

/** The last piece waits until all others are done: its worker is as one that the system stopped. */
static void wait_for_others(const void *context, size_t piece, size_t worker) {
  _Atomic size_t *left = *(_Atomic size_t *const *)context;
  (void)worker;
  while (piece == MAX_PIECES - 1 && atomic_load(left) > 1)
    nanosleep(&(struct timespec){0, 1000}, NULL);
  atomic_fetch_sub(left, 1);
}

START_TEST(pieces_of_a_worker_that_is_behind_are_run_by_others) {
  for (size_t workers = 2; workers <= MAX_WORKERS; workers++) {
    dg_pool *pool = pool_of(workers);
    for (size_t i = 0; i < 20; i++) {
      _Atomic size_t left = MAX_PIECES, *context = &left;
      run(pool, MAX_PIECES, wait_for_others, &context, sizeof context);
      ck_assert_uint_eq(atomic_load(&left), 0);
    }
    dg_pool_free(pool);
  }
}
END_TEST

/** Has a child of this process run regions, and waits for it. */
static void check_child(dg_pool *pool, uint32_t seed) {
  int status;
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    alarm(60);
    check_regions(pool, 5, seed, false);
    dg_pool_free(pool);
    _exit(0);
  }
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_int_eq(status, 0);
}

static void fork_between_regions(size_t workers, int forks, uint32_t seed) {
  dg_pool *pool = pool_of(workers);
  for (int i = 0; i < forks; i++) {
    check_regions(pool, 5, seed, false);
    if (i % 2) nanosleep(&(struct timespec){0, 2000000}, NULL); /* the threads sleep by now */
    check_child(pool, seed + 1);
  }
  check_regions(pool, 5, seed + 2, false);
  dg_pool_free(pool);
}

START_TEST(a_forked_child_runs_all_itself) {
  fork_between_regions(4, 10, 3);
}
END_TEST

/** What the caller waits for, and then tells a piece that others run meanwhile. */
typedef struct {
  _Atomic bool waited, late;
} news;

static void take_long(const void *context, size_t piece, size_t worker) {
  (void)context, (void)worker;
  if (piece == 1) nanosleep(&(struct timespec){0, 3000000}, NULL);
}

static void await_news(const void *context, size_t piece, size_t worker) {
  news *n = *(news *const *)context;
  double end = dg_seconds() + 3;
  (void)piece, (void)worker;
  while (!atomic_load(&n->waited) && dg_seconds() < end)
    nanosleep(&(struct timespec){0, 100000}, NULL);
  if (!atomic_load(&n->waited)) atomic_store(&n->late, true);
}

START_TEST(a_caller_that_sleeps_wakes_when_its_region_is_done) {
  dg_pool *pool = pool_of(4);
  for (int i = 0; i < 20; i++) {
    news n = {false, false}, *context = &n;
    dg_pool_add(pool, 2, take_long, NULL, 0);
    uint64_t first = dg_pool_added(pool);
    dg_pool_add(pool, 1, await_news, &context, sizeof context);
    ck_assert(dg_pool_wait(pool, first));
    atomic_store(&n.waited, true);
    ck_assert(dg_pool_wait(pool, dg_pool_added(pool)));
    ck_assert(!atomic_load(&n.late));
  }
  dg_pool_free(pool);
}
END_TEST

static void *use_pool(void *seed) {
  dg_pool *pool = pool_of(3);
  check_regions(pool, 20, *(uint32_t *)seed, true);
  dg_pool_free(pool);
  return NULL;
}

static void use_two_pools(uint32_t seed) {
  pthread_t threads[2];
  uint32_t seeds[2] = {seed, seed + 1};
  for (int i = 0; i < 2; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, use_pool, &seeds[i]), 0);
  for (int i = 0; i < 2; i++) ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

START_TEST(two_pools_at_once) {
  for (uint32_t seed = 7; seed < 12; seed++) use_two_pools(seed);
}
END_TEST

static void hold_up(int signal) {
  (void)signal;
  nanosleep(&(struct timespec){0, 500000}, NULL);
}

/** The threads that have run a piece, which may be stopped from then on. */
typedef struct {
  notes notes;
  pthread_t thread[MAX_WORKERS];
  _Atomic bool known[MAX_WORKERS];
} stoppable;

static void note_stoppable(const void *context, size_t piece, size_t worker) {
  stoppable *s = *(stoppable *const *)context;
  if (!atomic_load(&s->known[worker])) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    s->thread[worker] = pthread_self();
    atomic_store(&s->known[worker], true);
  }
  note(&s->notes, piece, worker);
}

static void stop_threads(size_t workers, uint32_t regions, uint32_t seed) {
  _Atomic uint32_t done[MAX_PIECES] = {0};
  _Atomic bool busy[MAX_WORKERS] = {false};
  stoppable s = {.notes = {workers, seed, done, busy}}, *context = &s;
  struct sigaction action = {.sa_handler = hold_up}, before;
  sigaction(SIGUSR1, &action, &before);
  dg_pool *pool = pool_of(workers);
  dg_random r = dg_random_start(seed, 2, 0, 0);
  for (uint32_t i = 1; i <= regions; i++) {
    size_t stopped = dg_random_below(&r, (uint32_t)workers);
    if (atomic_load(&s.known[stopped])) pthread_kill(s.thread[stopped], SIGUSR1);
    run(pool, MAX_PIECES / 10, note_stoppable, &context, sizeof context);
    for (size_t k = 0; k < MAX_PIECES / 10; k++) ck_assert_uint_eq(atomic_load(&done[k]), i);
  }
  dg_pool_free(pool);
  sigaction(SIGUSR1, &before, NULL);
}

START_TEST(threads_that_signals_stop_at_random) {
  stop_threads(5, 200, 11);
}
END_TEST

/** A run of what is above with as many workers, delays and so on as the seed says. */
static void run_at_random(uint32_t seed) {
  dg_random r = dg_random_start(seed, 3, 0, 0);
  size_t workers = 1 + dg_random_below(&r, MAX_WORKERS);
  uint32_t kind = dg_random_below(&r, 4);
  printf("seed %u: %zu workers\n", seed, workers), fflush(stdout);
  if (kind == 0) use_two_pools(seed);
  if (kind == 1) stop_threads(workers, 50, seed);
  if (kind == 2) fork_between_regions(workers, 4, seed);
  if (kind == 3) {
    dg_pool *pool = pool_of(workers);
    check_regions(pool, 10, seed, true);
    check_regions(pool, 50, seed, false);
    dg_pool_free(pool);
  }
}

static uint32_t from_environment(const char *name, uint32_t otherwise) {
  const char *set = getenv(name);
  return set ? (uint32_t)strtoul(set, NULL, 10) : otherwise;
}

START_TEST(random_runs) {
  uint32_t first = from_environment("DIGITS_TEST_SEED", 1);
  uint32_t runs = from_environment("DIGITS_TEST_RUNS", 0);
  for (uint32_t i = 0; i < runs; i++) run_at_random(first + i);
}
END_TEST

START_TEST(idle_threads_sleep) {
  dg_pool *pool = pool_of(8);
  check_regions(pool, 10, 1, false);
  nanosleep(&(struct timespec){0, 50000000}, NULL);
  struct timespec begin, end;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
  nanosleep(&(struct timespec){0, 500000000}, NULL);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
  double used = (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
  ck_assert_double_lt(used, 500e-6); /* 10 ms in 10 s would be this */
  dg_pool_free(pool);
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("pool");
  tcase_add_test(tcase, each_piece_is_run_once);
  tcase_add_test(tcase, regions_see_what_was_written_before);
  tcase_add_test(tcase, pieces_of_a_worker_that_is_behind_are_run_by_others);
  tcase_add_test(tcase, a_forked_child_runs_all_itself);
  tcase_add_test(tcase, a_caller_that_sleeps_wakes_when_its_region_is_done);
  tcase_add_test(tcase, two_pools_at_once);
  tcase_add_test(tcase, threads_that_signals_stop_at_random);
  tcase_add_test(tcase, idle_threads_sleep);
  tcase_add_test(tcase, random_runs);
  if (getenv("DIGITS_TEST_RUNS")) tcase_set_timeout(tcase, 0);
  return suite_main("pool", tcase);
}
