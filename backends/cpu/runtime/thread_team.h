/**
 * Work that several threads do in step: ranks that exchange numbers every microsecond, too often
 * for regions of pieces. A rank has its own part of the work and proceeds in stages; as soon as
 * another rank has finished a stage, it may read the results of that stage.
 *
 * The number of ranks, and so the results, depend only on the work, not on the threads that run
 * them: a team consists of the threads that are available, each with some ranks, and the first one
 * also runs the ranks of threads that haven't joined yet.
 */
#ifndef DG_CPU_THREAD_TEAM_H
#define DG_CPU_THREAD_TEAM_H

#include "backends/cpu/runtime/pieces.h"

enum {
  DG_TEAM_RANKS = 16,    /**< ranks, at most */
  DG_TEAM_CONTEXT = 512, /**< bytes of the ranks' context, at most */
  /**
   * Floats between the data of different ranks. When a rank reads, its processor prefetches what
   * follows, and so takes those cache lines from the rank that writes them; this distance is beyond
   * the prefetch.
   */
  DG_TEAM_PADDING = 4096 / sizeof(float),
};

/** The state of a team's ranks; its counters continue from one run to the next. */
typedef struct dg_team dg_team;

/** A run. */
typedef struct dg_team_pass dg_team_pass;

typedef struct {
  size_t ranks, stages;
  /** The work of a rank before its first stage. It may run twice, sequentially, and no other rank
      may read its results. */
  void (*prepare)(const void *context, size_t rank);
  void (*run)(const void *context, const dg_team_pass *pass, size_t rank, size_t stage);
} dg_team_work;

/** Bytes of a team of so many ranks. They must be aligned to DG_CPU_ALIGNMENT, and zero at
    first. */
size_t dg_team_bytes(size_t ranks);

/** Has the threads of the device do the work, as dg_cpu_run_pieces does; the context is copied. A
    team always runs the same kind of work. */
void dg_team_run(const dg_cpu_device *device, dg_team *team, const dg_team_work *work,
                 const void *context, size_t size);

/**
 * In a later stage: waits until a rank has finished `stage`. A rank that has waited for `stage` of
 * all others knows that they have read its results of `stage` - 1, if they read them in `stage`.
 */
void dg_team_await(const dg_team_pass *pass, size_t rank, size_t stage);

#endif
