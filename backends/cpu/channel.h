/**
 * Numbers that threads of a parallel region give each other every microsecond: too often for its
 * barrier. Each number travels with the number of its message, so who waits for it waits for
 * nothing else: a message takes the way from one processor's cache to the other's once. Messages
 * come in turn through two boxes. A thread that has read message m of another may send m + 1, for
 * the other had read m - 1, whose box that is, before it sent m.
 */
#ifndef DG_CPU_CHANNEL_H
#define DG_CPU_CHANNEL_H

#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** A float, and in the upper half the number of its message, from 1 on; at first 0. */
typedef atomic_uint_least64_t dg_channel_word;

enum { DG_CHANNEL_BOXES = 2, DG_CHANNEL_LINE = 64 / sizeof(dg_channel_word) };

/** Sends `count` floats as a part of a message. */
static inline void dg_channel_send(dg_channel_word *to, size_t count, uint32_t message,
                                   const float *from) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, &from[i], sizeof bits);
    atomic_store_explicit(&to[i], (uint64_t)message << 32 | bits, memory_order_relaxed);
  }
}

/** Waits for a part of a message. Where its sender doesn't run, it is let. */
static inline void dg_channel_receive(const dg_channel_word *from, size_t count, uint32_t message,
                                      float *to) {
  enum { TRIES = 4096 };
  for (size_t i = 0; i < count; i++) {
    uint64_t word = atomic_load_explicit(&from[i], memory_order_relaxed);
    for (size_t tries = 1; word >> 32 != message; tries++) {
      if (tries % TRIES == 0) sched_yield();
      word = atomic_load_explicit(&from[i], memory_order_relaxed);
    }
    uint32_t bits = (uint32_t)word;
    memcpy(&to[i], &bits, sizeof bits);
  }
}

/** Takes the part of a box that a thread sends from into its cache, ahead of time, by writing what
    stands there: nobody waits for that any more. */
static inline void dg_channel_claim(dg_channel_word *box, size_t count) {
  for (size_t i = 0; i < count; i += DG_CHANNEL_LINE)
    atomic_store_explicit(&box[i], atomic_load_explicit(&box[i], memory_order_relaxed),
                          memory_order_relaxed);
}

#endif
