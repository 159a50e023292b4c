/**
 * Arrays that threads of a parallel region give each other every microsecond: too often for its
 * barrier. Each thread has two boxes, into which its messages go in turn, and says how many it has
 * sent. A thread that has seen message m of all others may fill the box of m + 1: they had read
 * m - 1, whose box that is, before they sent m.
 */
#ifndef DG_CPU_CHANNEL_H
#define DG_CPU_CHANNEL_H

#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum {
  DG_CHANNEL_BOXES = 2,
  /** Floats between what threads write. Where one reads on, its processor fetches what follows
     ahead of time, and the thread that writes there has to get it back; but not that far ahead. */
  DG_CHANNEL_APART = 4096 / sizeof(float),
};

/** How many messages a thread has sent; from one pass over a channel to the next it counts on. */
typedef _Atomic uint64_t dg_channel_count;

/** Says that the thread's box of message `count` is full. */
static inline void dg_channel_send(dg_channel_count *sent, uint64_t count) {
  atomic_store_explicit(sent, count, memory_order_release);
}

/** Waits for another thread's message. Where that thread doesn't run, it is let. */
static inline void dg_channel_await(const dg_channel_count *sent, uint64_t count) {
  enum { TRIES = 4096 };
  for (size_t tries = 1; atomic_load_explicit(sent, memory_order_acquire) < count; tries++)
    if (tries % TRIES == 0) sched_yield();
}

#endif
