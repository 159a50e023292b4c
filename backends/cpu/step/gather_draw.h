/** The random numbers of dg_augment, and the changes that need nothing but them. */
#ifndef DG_CPU_GATHER_DRAW_H
#define DG_CPU_GATHER_DRAW_H

#include "backends/backend.h"
#include "backends/cpu/runtime/isa.h"
#include "core/base/philox.h"

#define dg_draw_sample DG_ISA_NAME(dg_draw_sample)
#define dg_draw_tone DG_ISA_NAME(dg_draw_tone)
#define dg_add_noise DG_ISA_NAME(dg_add_noise)
#define dg_cut_out DG_ISA_NAME(dg_cut_out)

/** The words of a sample in a training step. */
typedef struct {
  uint32_t key[2], place, step;
  uint32_t words[16]; /**< those that its changes need */
} dg_draw;

dg_draw dg_draw_sample(const dg_augment *a, const dg_step *step, uint32_t s);

/** u[i] */
static inline double dg_two_sided(const dg_draw *draw, int i) {
  return 2 * (double)dg_uniform(draw->words[i]) - 1;
}

/** floor(a[i] limit) */
static inline int64_t dg_below(const dg_draw *draw, int i, uint32_t limit) {
  return (int64_t)((uint64_t)(draw->words[i] >> 8) * limit >> 24);
}

/** Brightness and contrast: clamp(factor v + offset, 0, 1). */
typedef struct {
  bool on;
  float factor, offset;
} dg_tone;

dg_tone dg_draw_tone(const dg_augment *a, const dg_draw *draw);

static inline float dg_tone_of(dg_tone tone, float v) {
  v = tone.factor * v + tone.offset;
  v = v < 0 ? 0 : v;
  return v > 1 ? 1 : v;
}

/** Gain and noise of the `count` numbers of a sample. */
void dg_add_noise(const dg_augment *a, const dg_draw *draw, size_t count, float *x);

/** Zeros in a square of a sample. */
void dg_cut_out(const dg_gather_desc *d, const dg_draw *draw, float *x);

#endif
