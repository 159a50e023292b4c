/**
 * Work that several threads do in step: ranks, which give each other numbers every microsecond,
 * too often for regions of pieces. A rank has its own part of the work and goes from stage to
 * stage; as soon as another one has done a stage, it may read what that made there.
 *
 * How many ranks there are follows from the work alone, and so do its results. Who runs them
 * doesn't matter: a team forms of the threads that are there, each with some ranks, and the first
 * of them runs those of threads that haven't come yet.
 */
#ifndef DG_CPU_THREAD_TEAM_H
#define DG_CPU_THREAD_TEAM_H

#include "backends/cpu/runtime/pieces.h"

enum {
  DG_TEAM_RANKS = 16,    /**< at most */
  DG_TEAM_CONTEXT = 512, /**< bytes of what the ranks are given, at most */
  /** Floats between what ranks write. Where one reads on, its processor fetches what follows ahead
     of time, and the rank that writes there has to get it back; but not that far ahead. */
  DG_TEAM_PADDING = 4096 / sizeof(float),
};

/** What is known of ranks; from one run to the next it counts on. */
typedef struct dg_team dg_team;

/** A run. */
typedef struct dg_team_pass dg_team_pass;

typedef struct {
  size_t ranks, stages;
  /** What a rank has to do before its first stage. It may be done twice, one after the other, and
      no other rank may read what it makes. */
  void (*prepare)(const void *context, size_t rank);
  void (*run)(const void *context, const dg_team_pass *pass, size_t rank, size_t stage);
} dg_team_work;

/** Bytes of a team of so many ranks: they are aligned to DG_CPU_ALIGNMENT, and zeros at first. */
size_t dg_team_bytes(size_t ranks);

/** Has the threads of the device do the work, as dg_cpu_run_pieces has them; the context is copied.
    A team has one work, again and again. */
void dg_team_run(const dg_cpu_device *device, dg_team *team, const dg_team_work *work,
                 const void *context, size_t size);

/**
 * In a later stage: waits until a rank has done `stage`. A rank that waits for `stage` of all
 * others knows that they have read what it made in `stage` - 1, if that is where they read it.
 */
void dg_team_await(const dg_team_pass *pass, size_t rank, size_t stage);

#endif
