/** Random words of many counters at once (core/base/philox.h). */
#ifndef DG_CPU_WORDS_H
#define DG_CPU_WORDS_H

#include <stdint.h>

/** Counters computed at a time, and the words that they give. */
enum { DG_WORD_LANES = 32, DG_WORDS = 4 * DG_WORD_LANES };

/** The words of the counters {first + lane, place, step, 0} under a key. */
static inline void dg_draw_words(const uint32_t key[2], uint32_t first, uint32_t place,
                                 uint32_t step, uint32_t words[DG_WORDS]) {
  enum { LANES = DG_WORD_LANES };
  uint32_t c0[LANES], c1[LANES], c2[LANES], c3[LANES], k0 = key[0], k1 = key[1];
  for (uint32_t i = 0; i < LANES; i++) c0[i] = first + i, c1[i] = place, c2[i] = step, c3[i] = 0;
  for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u)
    for (int i = 0; i < LANES; i++) {
      uint64_t p0 = (uint64_t)0xD2511F53u * c0[i], p1 = (uint64_t)0xCD9E8D57u * c2[i];
      c0[i] = (uint32_t)(p1 >> 32) ^ c1[i] ^ k0;
      c1[i] = (uint32_t)p1;
      c2[i] = (uint32_t)(p0 >> 32) ^ c3[i] ^ k1;
      c3[i] = (uint32_t)p0;
    }
  for (int i = 0; i < LANES; i++) {
    words[4 * i] = c0[i], words[4 * i + 1] = c1[i];
    words[4 * i + 2] = c2[i], words[4 * i + 3] = c3[i];
  }
}

#endif
