#include "backends/cpu/runtime/gang.h"

#include <stdatomic.h>
#include <time.h>

#include "core/base/clock.h"

/** How long to spin before letting another thread run, and to wait for one who leads. */
static const double patience = 50e-6;

/** Of a member of the gang: not there; there; its ranks are the leader's; it wants them; it has
    them; it comes too late. */
enum { AWAY, PRESENT, REPLACED, LATE, ENLISTED, DISMISSED };

/** What is written of a rank, and of the member with that number. */
typedef struct {
  _Alignas(DG_CPU_ALIGNMENT) _Atomic int member;
  size_t first;                                   /**< the stage that an enlisted one begins with */
  _Alignas(DG_CPU_ALIGNMENT) _Atomic size_t done; /**< stages */
  float apart[DG_GANG_APART];
} post;

struct dg_gang {
  const dg_gang_work *work;
  size_t members;
  post posts[];
};

size_t dg_gang_bytes(size_t ranks) {
  return sizeof(dg_gang) + ranks * sizeof(post);
}

/* ---- waiting ------------------------------------------------------------ */

/** What somebody waits for: what a rank has done, or what a member has become. */
typedef struct {
  const dg_gang *gang;
  size_t rank, stage;
} awaited;

static inline bool is_done(const awaited *a) {
  return atomic_load_explicit(&a->gang->posts[a->rank].done, memory_order_acquire) > a->stage;
}

static int state_of(const dg_gang *gang, size_t member) {
  return atomic_load_explicit(&gang->posts[member].member, memory_order_acquire);
}

static inline bool is_settled(const awaited *a) {
  return state_of(a->gang, a->rank) >= ENLISTED;
}

/** Spins until `holds`, for some time; false: it doesn't yet. */
static inline __attribute__((always_inline)) bool spin(bool (*holds)(const awaited *a),
                                                       const awaited *a, double seconds) {
  enum { TRIES = 512 }; /* between two looks at the clock */
  for (double end = 0;;) {
    for (int i = 0; i < TRIES; i++)
      if (holds(a)) return true;
    double now = dg_seconds();
    if (end == 0) end = now + seconds;
    if (now >= end) return false;
  }
}

/** Waits until `holds`, and lets another thread run, who may be the one that is waited for. */
static inline __attribute__((always_inline)) void await(bool (*holds)(const awaited *a),
                                                        const awaited *a) {
  static const struct timespec nap = {.tv_nsec = 20000};
  if (spin(holds, a, patience)) return;
  while (!holds(a)) clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
}

void dg_gang_await(const dg_gang *gang, size_t rank, size_t stage) {
  await(is_done, &(awaited){gang, rank, stage});
}

/* ---- members ------------------------------------------------------------ */

static dg_span ranks_of(const dg_gang *gang, size_t member) {
  return dg_cpu_part(gang->work->ranks, gang->members, member);
}

static void prepare(const dg_gang *gang, size_t member) {
  const dg_gang_work *work = gang->work;
  dg_span ranks = ranks_of(gang, member);
  for (size_t r = ranks.begin; r < ranks.end; r++) work->prepare(work->context, r);
}

static void run_stage(dg_gang *gang, size_t member, size_t stage) {
  const dg_gang_work *work = gang->work;
  dg_span ranks = ranks_of(gang, member);
  for (size_t r = ranks.begin; r < ranks.end; r++) {
    work->run(work->context, gang, r, stage);
    atomic_store_explicit(&gang->posts[r].done, stage + 1, memory_order_release);
  }
}

/** What a member was becomes something else; false: it was something else already. */
static bool change(dg_gang *gang, size_t member, int from, int to) {
  return atomic_compare_exchange_strong(&gang->posts[member].member, &from, to);
}

/** Enlists a member, if it is there; else its ranks are the leader's. */
static bool enlist(dg_gang *gang, size_t member) {
  for (;;) { /* it may come or go */
    if (change(gang, member, PRESENT, ENLISTED)) return true;
    if (change(gang, member, AWAY, REPLACED)) return false;
  }
}

/** Gives a member that came late its ranks back, from a stage on. */
static bool relieve(dg_gang *gang, size_t member, size_t stage) {
  if (state_of(gang, member) != LATE) return false;
  gang->posts[member].first = stage;
  return change(gang, member, LATE, ENLISTED);
}

/** The first member: runs its own ranks, and those of members that are not there. */
static void lead(dg_gang *gang) {
  size_t mine[DG_GANG_RANKS] = {0}, count = 1;
  change(gang, 0, AWAY, ENLISTED);
  prepare(gang, 0);
  for (size_t i = 1; i < gang->members; i++)
    if (!enlist(gang, i)) prepare(gang, i), mine[count++] = i;
  for (size_t stage = 0; stage < gang->work->stages; stage++) {
    for (size_t i = count; i-- > 1;)
      if (relieve(gang, mine[i], stage)) mine[i] = mine[--count];
    for (size_t i = 0; i < count; i++) run_stage(gang, mine[i], stage);
  }
  while (count-- > 1) atomic_store(&gang->posts[mine[count]].member, DISMISSED);
}

/** Another one: leaves again where nobody leads. */
static void follow(dg_gang *gang, size_t member) {
  if (change(gang, member, AWAY, PRESENT)) {
    prepare(gang, member);
    if (!spin(is_settled, &(awaited){.gang = gang}, patience) &&
        change(gang, member, PRESENT, AWAY))
      return;
  } else if (!change(gang, member, REPLACED, LATE)) {
    return;
  }
  await(is_settled, &(awaited){.gang = gang, .rank = member});
  if (state_of(gang, member) == DISMISSED) return;
  for (size_t stage = gang->posts[member].first; stage < gang->work->stages; stage++)
    run_stage(gang, member, stage);
}

static void run_member(const void *context, size_t member, size_t worker) {
  dg_gang *gang = *(dg_gang *const *)context;
  (void)worker;
  if (member == 0)
    lead(gang);
  else
    follow(gang, member);
}

void dg_gang_run(const dg_cpu_device *device, const dg_gang_work *work, void *memory) {
  dg_gang *gang = memory;
  size_t threads = (size_t)device->threads;
  gang->work = work;
  gang->members = threads < work->ranks ? threads : work->ranks;
  for (size_t i = 0; i < work->ranks; i++) {
    atomic_init(&gang->posts[i].member, AWAY);
    atomic_init(&gang->posts[i].done, 0);
    gang->posts[i].first = 0;
  }
  dg_cpu_run_pieces(device, gang->members, run_member, &gang);
}
