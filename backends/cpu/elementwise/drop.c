#include "backends/cpu/elementwise/drop.h"

#include <string.h>

bool dg_drop_supported(dg_drop drop, dg_act act) {
  return drop.rate == 0 || (drop.rate > 0 && drop.rate < 1 && act.kind == DG_ACT_RELU);
}

dg_mask dg_mask_of(dg_drop drop, const dg_step *step) {
  return (dg_mask){.threshold = (uint32_t)((double)drop.rate * 0x1p32),
                   .key = {step->seed, drop.stream},
                   .step = step->step,
                   .place = step->batch_index,
                   .scale = dg_drop_scale(drop)};
}

/** Counters computed at a time, and the elements they are used for. */
enum { LANES = 32, BLOCK = 4 * LANES };

/** The words of LANES counters {first + lane, place, step, 0} (core/base/philox.h). */
static void draw(const dg_mask *m, uint32_t first, uint32_t place, uint32_t words[BLOCK]) {
  uint32_t c0[LANES], c1[LANES], c2[LANES], c3[LANES], k0 = m->key[0], k1 = m->key[1];
  for (uint32_t i = 0; i < LANES; i++) c0[i] = first + i, c1[i] = place, c2[i] = m->step, c3[i] = 0;
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

void dg_mask_apply(const dg_mask *m, size_t sample, size_t first, size_t count, const float *x,
                   float *y, uint8_t *stays) {
  uint32_t words[BLOCK], threshold = m->threshold;
  float scale = m->scale, block[BLOCK]; /* x may be y: loops on a copy vectorize */
  for (size_t done = 0, part; done < count; done += part) {
    size_t element = first + done, skip = element % 4;
    const uint32_t *word = words + skip;
    part = count - done < BLOCK - skip ? count - done : BLOCK - skip;
    draw(m, (uint32_t)(element / 4), m->place + (uint32_t)sample, words);
    for (size_t i = 0; i < part; i++) block[i] = word[i] >= threshold ? x[done + i] * scale : 0;
    memcpy(y + done, block, part * sizeof *y);
    for (size_t i = 0; i < part && stays; i++) stays[done + i] = word[i] >= threshold;
  }
}
