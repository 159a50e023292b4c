/** Normalized samples, where they lie in the set or warped. */
#ifndef DG_CPU_GATHER_READ_H
#define DG_CPU_GATHER_READ_H

#include "backends/cpu/step/gather_draw.h"

#define dg_pattern_floats DG_ISA_NAME(dg_pattern_floats)
#define dg_norms_of DG_ISA_NAME(dg_norms_of)
#define dg_read_sample DG_ISA_NAME(dg_read_sample)
#define dg_warp_fits DG_ISA_NAME(dg_warp_fits)
#define dg_warp_floats DG_ISA_NAME(dg_warp_floats)
#define dg_warp_sample DG_ISA_NAME(dg_warp_sample)

/** The norms of a set: x = (v - mean) * factor. */
typedef struct {
  float mean, factor;           /**< of all channels */
  const float *means, *factors; /**< of each channel; NULL: they are the same */
  const float *pattern[2];      /**< means and factors as they follow one another in a sample */
  size_t period;                /**< numbers of the pattern; 0: a channel lies in one piece */
} dg_norms;

/** Memory for dg_norms_of. */
size_t dg_pattern_floats(const dg_gather_desc *d);

/** norms: in[3] of the op. */
dg_norms dg_norms_of(const dg_gather_desc *d, const float *norms, float *workspace);

/** Number i of a set: a byte as a share of 255. */
static inline __attribute__((always_inline)) float dg_number(dg_numbers_type type, const void *set,
                                                             size_t i) {
  return type == DG_NUMBERS_BYTES ? (float)((const uint8_t *)set)[i] * (1 / 255.0f)
                                  : ((const float *)set)[i];
}

/** Sample `from`, not warped. */
void dg_read_sample(const dg_gather_desc *d, const void *from, const dg_norms *norms, dg_tone tone,
                    float *x);

/** Are positions in its planes 32 bits? */
bool dg_warp_fits(const dg_gather_desc *d);

/** Memory for dg_warp_sample. */
size_t dg_warp_floats(const dg_gather_desc *d);

/** Sample `from`, warped as drawn. */
void dg_warp_sample(const dg_gather_desc *d, const void *from, const dg_norms *norms,
                    const dg_draw *draw, dg_tone tone, float *workspace, float *x);

#endif
