/**
 * Work that several threads do in step: ranks, which give each other numbers every microsecond,
 * too often for regions of pieces. A rank has its own part of the work and goes from stage to
 * stage; as soon as another one has done a stage, it may read what that made there.
 *
 * How many ranks there are follows from the work alone, and so do its results. Who runs them
 * doesn't matter: a gang forms of the threads that are there, each with some ranks, and the first
 * of them runs those of threads that haven't come yet.
 */
#ifndef DG_CPU_GANG_H
#define DG_CPU_GANG_H

#include "backends/cpu/runtime/pieces.h"

enum {
  DG_GANG_RANKS = 16,    /**< at most */
  DG_GANG_CONTEXT = 512, /**< bytes of what the ranks are given, at most */
  /** Floats between what ranks write. Where one reads on, its processor fetches what follows ahead
     of time, and the rank that writes there has to get it back; but not that far ahead. */
  DG_GANG_APART = 4096 / sizeof(float),
};

/** What is known of ranks; from one run to the next it counts on. */
typedef struct dg_gang dg_gang;

/** A run. */
typedef struct dg_gang_turn dg_gang_turn;

typedef struct {
  size_t ranks, stages;
  /** What a rank has to do before its first stage. It may be done twice, one after the other, and
      no other rank may read what it makes. */
  void (*prepare)(const void *context, size_t rank);
  void (*run)(const void *context, const dg_gang_turn *turn, size_t rank, size_t stage);
} dg_gang_work;

/** Bytes of a gang of so many ranks: they are aligned to DG_CPU_ALIGNMENT, and zeros at first. */
size_t dg_gang_bytes(size_t ranks);

/** Has the threads of the device do the work, as dg_cpu_run_pieces has them; the context is copied.
    A gang has one work, again and again. */
void dg_gang_run(const dg_cpu_device *device, dg_gang *gang, const dg_gang_work *work,
                 const void *context, size_t size);

/**
 * In a later stage: waits until a rank has done `stage`. A rank that waits for `stage` of all
 * others knows that they have read what it made in `stage` - 1, if that is where they read it.
 */
void dg_gang_await(const dg_gang_turn *turn, size_t rank, size_t stage);

#endif
