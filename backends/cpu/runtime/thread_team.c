#include "backends/cpu/runtime/thread_team.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"

/** How long to spin before yielding to another thread, and how long to wait for a leader. */
static const double patience = 50e-6;

/** States of a member of the team: absent; present; its ranks belong to the leader; it requests
    them; it has them; it is too late. */
enum { AWAY, PRESENT, REPLACED, LATE, ENLISTED, DISMISSED, STATES };

/** The published state of a rank, and of the member with that number. */
typedef struct {
  _Alignas(DG_CPU_ALIGNMENT) _Atomic uint64_t member; /**< run * STATES + state */
  size_t first;                                       /**< the first stage of a member that joins */
  _Alignas(DG_CPU_ALIGNMENT) _Atomic uint64_t done;   /**< run * (stages + 1) + stages */
  float padding[DG_TEAM_PADDING];
} post;

struct dg_team {
  uint64_t runs;
  post posts[];
};

struct dg_team_pass {
  dg_team *team;
  dg_team_work work;
  uint64_t run; /**< from 1 on */
  size_t members;
  _Alignas(max_align_t) char context[DG_TEAM_CONTEXT];
};

size_t dg_team_bytes(size_t ranks) {
  return sizeof(dg_team) + ranks * sizeof(post);
}

/** The value of a rank's `done` after this many stages. */
static uint64_t count_of(const dg_team_pass *t, size_t stages) {
  return t->run * (t->work.stages + 1) + stages;
}

/* ---- waiting ------------------------------------------------------------ */

/** What a thread waits for: the progress of a rank, or the state of a member. */
typedef struct {
  const dg_team_pass *pass;
  size_t rank;
  uint64_t count;
} awaited;

static inline bool is_done(const awaited *a) {
  const post *p = &a->pass->team->posts[a->rank];
  return atomic_load_explicit(&p->done, memory_order_acquire) >= a->count;
}

static int state_in(const dg_team_pass *t, uint64_t member) {
  return member / STATES == t->run ? (int)(member % STATES) : AWAY;
}

static int state_of(const dg_team_pass *t, size_t member) {
  const post *p = &t->team->posts[member];
  return state_in(t, atomic_load_explicit(&p->member, memory_order_acquire));
}

static inline bool is_settled(const awaited *a) {
  return state_of(a->pass, a->rank) >= ENLISTED;
}

/** Spins until `holds`, for a limited time; false: it doesn't yet. */
static inline __attribute__((always_inline)) bool spin(bool (*holds)(const awaited *a),
                                                       const awaited *a, double seconds) {
  enum { TRIES = 512 }; /* between two clock reads */
  for (double end = 0;;) {
    for (int i = 0; i < TRIES; i++)
      if (holds(a)) return true;
    double now = dg_seconds();
    if (end == 0) end = now + seconds;
    if (now >= end) return false;
  }
}

/** Waits until `holds`, yielding to other threads, since one of them may have to make it true. */
static inline __attribute__((always_inline)) void await(bool (*holds)(const awaited *a),
                                                        const awaited *a) {
  static const struct timespec nap = {.tv_nsec = 20000};
  if (spin(holds, a, patience)) return;
  while (!holds(a)) clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
}

void dg_team_await(const dg_team_pass *pass, size_t rank, size_t stage) {
  await(is_done, &(awaited){pass, rank, count_of(pass, stage + 1)});
}

/* ---- members ------------------------------------------------------------ */

static dg_span ranks_of(const dg_team_pass *t, size_t member) {
  return dg_cpu_part(t->work.ranks, t->members, member);
}

static void prepare(const dg_team_pass *t, size_t member) {
  dg_span ranks = ranks_of(t, member);
  for (size_t r = ranks.begin; r < ranks.end; r++) t->work.prepare(t->context, r);
}

static void run_stage(const dg_team_pass *t, size_t member, size_t stage) {
  dg_span ranks = ranks_of(t, member);
  for (size_t r = ranks.begin; r < ranks.end; r++) {
    t->work.run(t->context, t, r, stage);
    atomic_store_explicit(&t->team->posts[r].done, count_of(t, stage + 1), memory_order_release);
  }
}

/** Changes the state of a member; false: it was already another one. */
static bool change(const dg_team_pass *t, size_t member, int from, int to) {
  _Atomic uint64_t *at = &t->team->posts[member].member;
  uint64_t now = atomic_load(at);
  return state_in(t, now) == from &&
         atomic_compare_exchange_strong(at, &now, t->run * STATES + (uint64_t)to);
}

/** Gives a member in a given state its ranks, from a stage on. */
static bool enlist(const dg_team_pass *t, size_t member, int state, size_t stage) {
  if (state_of(t, member) != state) return false;
  t->team->posts[member].first = stage;
  return change(t, member, state, ENLISTED);
}

/** Before the first stage: enlists a member if it is present; else the leader takes its ranks. */
static bool replace(const dg_team_pass *t, size_t member) {
  for (;;) { /* it may join or leave meanwhile */
    if (enlist(t, member, PRESENT, 0)) return false;
    if (change(t, member, AWAY, REPLACED)) return true;
  }
}

/** The leader: runs its own ranks, and those of absent members. */
static void lead(const dg_team_pass *t) {
  size_t mine[DG_TEAM_RANKS] = {0}, count = 1;
  change(t, 0, AWAY, ENLISTED);
  prepare(t, 0);
  for (size_t i = 1; i < t->members; i++)
    if (replace(t, i)) prepare(t, i), mine[count++] = i;
  for (size_t stage = 0; stage < t->work.stages; stage++) {
    for (size_t i = count; i-- > 1;)
      if (enlist(t, mine[i], LATE, stage)) mine[i] = mine[--count];
    for (size_t i = 0; i < count; i++) run_stage(t, mine[i], stage);
  }
  while (count-- > 1)
    if (!change(t, mine[count], REPLACED, DISMISSED)) change(t, mine[count], LATE, DISMISSED);
}

/** Another member: leaves again if there is no leader. */
static void follow(const dg_team_pass *t, size_t member) {
  if (change(t, member, AWAY, PRESENT)) {
    prepare(t, member);
    if (!spin(is_settled, &(awaited){.pass = t}, patience) && change(t, member, PRESENT, AWAY))
      return;
  } else if (!change(t, member, REPLACED, LATE)) {
    return;
  }
  await(is_settled, &(awaited){.pass = t, .rank = member});
  if (state_of(t, member) == DISMISSED) return;
  for (size_t stage = t->team->posts[member].first; stage < t->work.stages; stage++)
    run_stage(t, member, stage);
}

static void run_member(const void *context, size_t member, size_t worker) {
  (void)worker;
  if (member == 0)
    lead(context);
  else
    follow(context, member);
}

void dg_team_run(const dg_cpu_device *device, dg_team *team, const dg_team_work *work,
                 const void *context, size_t size) {
  size_t threads = (size_t)device->threads;
  dg_team_pass pass = {.team = team,
                       .work = *work,
                       .run = ++team->runs,
                       .members = threads < work->ranks ? threads : work->ranks};
  memcpy(pass.context, context, size);
  dg_cpu_run_pieces(device, pass.members, run_member, &pass,
                    offsetof(dg_team_pass, context) + size);
}
