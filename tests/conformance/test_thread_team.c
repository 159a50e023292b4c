/* Ranks that give each other numbers, on few and many threads, with delays: whoever comes, comes
   late or leaves again, every rank has done every stage once, from what the others made before. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/cpu/runtime/thread_team.h"
#include "tests/common/suite.h"

enum { BOXES = 2, STAGES = 40, THREADS = 8 };

/** What ranks do: from stage to stage each makes a number of those of all. */
typedef struct {
  size_t ranks;
  uint64_t seed; /**< of the numbers */
  bool delays;
  uint64_t *start;   /**< [ranks] */
  uint64_t *numbers; /**< [ranks][BOXES] */
} job;

static uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t x = (a ^ b * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
  return x ^ x >> 29;
}

/** Mostly none; some microseconds; or, seldom, so long that others sleep. */
static void delay(const job *j, size_t rank, size_t stage) {
  if (!j->delays) return;
  uint64_t random = mix(mix(j->seed, rank), stage);
  if (random % 512 == 0)
    nanosleep(&(struct timespec){.tv_nsec = 300000}, NULL);
  else if (random % 4 == 0)
    for (volatile int i = 0; i < (int)(random / 512 % 4096); i++) {
    }
}

static void prepare(const void *context, size_t rank) {
  const job *j = context;
  j->start[rank] = mix(j->seed, rank);
  delay(j, rank, STAGES);
}

static uint64_t number_before(const job *j, size_t rank, size_t stage) {
  return stage ? j->numbers[rank * BOXES + (stage - 1) % BOXES] : 0;
}

static void run(const void *context, const dg_team_pass *pass, size_t rank, size_t stage) {
  const job *j = context;
  delay(j, rank, stage);
  uint64_t sum = mix(j->start[rank], number_before(j, rank, stage));
  for (size_t other = 0; other < j->ranks && stage > 0; other++) {
    if (pass && other != rank) dg_team_await(pass, other, stage - 1);
    sum = mix(sum, number_before(j, other, stage));
  }
  j->numbers[rank * BOXES + stage % BOXES] = sum;
}

static job job_new(size_t ranks) {
  return (job){.ranks = ranks,
               .start = calloc(ranks, sizeof(uint64_t)),
               .numbers = calloc(ranks * BOXES, sizeof(uint64_t))};
}

static void job_free(job *j) {
  free(j->start);
  free(j->numbers);
}

/** The numbers as one thread makes them, without a team. */
static void run_alone(const job *j) {
  for (size_t r = 0; r < j->ranks; r++) prepare(j, r);
  for (size_t stage = 0; stage < STAGES; stage++)
    for (size_t r = 0; r < j->ranks; r++) run(j, NULL, r, stage);
}

static void try_ranks(const dg_cpu_device *device, size_t ranks, int runs, bool delays) {
  job want = job_new(ranks), got = job_new(ranks);
  dg_team *team = aligned_alloc(DG_CPU_ALIGNMENT, dg_team_bytes(ranks));
  const dg_team_work work = {ranks, STAGES, prepare, run};
  memset(team, 0, dg_team_bytes(ranks));
  got.delays = delays;
  for (int i = 0; i < runs; i++) {
    want.seed = got.seed = mix(ranks, (uint64_t)i);
    run_alone(&want);
    dg_team_run(device, team, &work, &got, sizeof got);
    if (device->pool) ck_assert(dg_pool_wait(device->pool, dg_pool_added(device->pool)));
    ck_assert_mem_eq(got.numbers, want.numbers, ranks * BOXES * sizeof(uint64_t));
  }
  free(team);
  job_free(&want), job_free(&got);
}

/** On `threads` threads; the pool's own sleep between some of the runs. */
static void try_threads(int threads, int runs, bool delays) {
  static const size_t ranks[] = {1, 2, 3, 5, DG_TEAM_RANKS};
  dg_error err = {0};
  dg_cpu_device device = {.threads = threads};
  if (threads > 1) {
    device.pool = dg_pool_new((size_t)threads, &err);
    ck_assert_msg(device.pool != NULL, "%s", err.message);
  }
  for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
    try_ranks(&device, ranks[i], runs, delays);
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
  dg_pool_free(device.pool);
}

START_TEST(ranks_go_in_step) {
  try_threads(_i, 100, false);
}
END_TEST

START_TEST(ranks_wait_for_each_other) {
  try_threads(_i, 20, true);
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("team");
  tcase_set_timeout(tcase, 120);
  tcase_add_loop_test(tcase, ranks_go_in_step, 1, THREADS + 1);
  tcase_add_loop_test(tcase, ranks_wait_for_each_other, 1, THREADS + 1);
  return suite_main("thread_team", tcase);
}
