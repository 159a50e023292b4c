/**
 * Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3",
 * SC'11): the one generator of the library. It has no state: a key and a counter give four random
 * words, so the host, every backend and every thread draw the same number for the same counter.
 *
 * The key is {seed, stream}. The counter of each stream is explained beside it.
 */
#ifndef DG_PHILOX_H
#define DG_PHILOX_H

#include <stdint.h>

/** The purposes; a stream is a purpose and an index below 2^24. */
typedef enum {
  DG_STREAM_INIT = 1,    /**< index: parameter; counter {element / 4, 0, 0, 0} */
  DG_STREAM_SHUFFLE = 2, /**< index: 0; counter {position / 4, epoch, 0, 0} */
  DG_STREAM_DROPOUT = 3, /**< index: layer; counter {element / 4, sample's batch index, step, 0} */
  DG_STREAM_AUGMENT = 4, /**< index: 0; counter {quad, sample's batch index, step, 0} */
  DG_STREAM_DIGITS = 5,  /**< index: 0 training, 1 test; counter {draw / 4, image, 0, 0} */
  DG_STREAM_SPLIT = 6,   /**< index: 0; counter {position / 4, 0, 0, 0}: validation split */
  DG_STREAM_TABLE = 8,   /**< index: 0 training, 1 test; counter {draw / 4, row, 0, 0} */
  DG_STREAM_SIGNALS = 9, /**< index: 0 training, 1 test; counter {draw / 4, signal, 0, 0} */
  DG_STREAM_COLOUR = 10, /**< index: 0 training, 1 test; counter {draw / 4, picture, 0, 0} */
} dg_stream_purpose;

static inline uint32_t dg_stream(dg_stream_purpose purpose, uint32_t index) {
  return (uint32_t)purpose << 24 | (index & 0xffffffu);
}

/** The four words of one counter under one key. */
void dg_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/** A word as a float in [0, 1): its upper 24 bits. */
static inline float dg_uniform(uint32_t word) {
  return (float)(word >> 8) * 0x1p-24f;
}

/** A reader that returns the words of a stream one after the other. */
typedef struct {
  uint32_t key[2], counter[4], words[4];
  int used;
} dg_random;

/** Starts at counter {0, b, c, 0} of {seed, stream}. */
dg_random dg_random_start(uint32_t seed, uint32_t stream, uint32_t b, uint32_t c);
uint32_t dg_random_word(dg_random *r);
float dg_random_uniform(dg_random *r);
/** A uniform integer below `bound` > 0, without bias (Lemire's method with rejection). */
uint32_t dg_random_below(dg_random *r, uint32_t bound);
/** A standard normal number (Box and Muller; the second of each pair is left unused). */
float dg_random_normal(dg_random *r);

#endif
