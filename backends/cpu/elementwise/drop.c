#include "backends/cpu/elementwise/drop.h"

#include "backends/cpu/elementwise/words.h"

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

enum { BLOCK = DG_WORDS };

void dg_mask_apply(const dg_mask *m, size_t sample, size_t first, size_t count, const float *x,
                   float *y, uint8_t *stays) {
  uint32_t words[BLOCK], threshold = m->threshold;
  float scale = m->scale, block[BLOCK]; /* x may be y: loops on a copy vectorize */
  for (size_t done = 0, part; done < count; done += part) {
    size_t element = first + done, skip = element % 4;
    const uint32_t *word = words + skip;
    part = count - done < BLOCK - skip ? count - done : BLOCK - skip;
    dg_draw_words(m->key, (uint32_t)(element / 4), m->place + (uint32_t)sample, m->step, words);
    for (size_t i = 0; i < part; i++) block[i] = word[i] >= threshold ? x[done + i] * scale : 0;
    memcpy(y + done, block, part * sizeof *y);
    for (size_t i = 0; i < part && stays; i++) stays[done + i] = word[i] >= threshold;
  }
}
