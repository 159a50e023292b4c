/** Dropout masks, as ops or fused to the end of a product. */
#ifndef DG_CPU_DROP_H
#define DG_CPU_DROP_H

#include "backends/backend.h"
#include "backends/cpu/runtime/isa.h"

#define dg_drop_supported DG_ISA_NAME(dg_drop_supported)
#define dg_mask_of DG_ISA_NAME(dg_mask_of)
#define dg_mask_apply DG_ISA_NAME(dg_mask_apply)

/** State shared by all elements of one step. */
typedef struct {
  uint32_t threshold, key[2], step, place;
  float scale; /**< scale of the elements that are kept */
} dg_mask;

/** Can this be fused after `act`? */
bool dg_drop_supported(dg_drop drop, dg_act act);

/** The scale of the elements that are kept, and of their gradients. */
static inline float dg_drop_scale(dg_drop drop) {
  return 1 / (1 - drop.rate);
}

/** Does this step drop anything? */
static inline bool dg_drop_runs(dg_drop drop, const dg_step *step) {
  return step->train && drop.rate > 0;
}

dg_mask dg_mask_of(dg_drop drop, const dg_step *step);

/**
 * y[i] = x[i], dropped or scaled, for the elements first + i of a sample, i < count; x may be y.
 * stays[i]: whether it was kept; may be NULL.
 */
void dg_mask_apply(const dg_mask *mask, size_t sample, size_t first, size_t count, const float *x,
                   float *y, uint8_t *stays);

#endif
