/** Pictures made larger or smaller: each pixel becomes the mean of what falls on it. */
#ifndef DG_SCALE_H
#define DG_SCALE_H

#include <stdint.h>

/** A stretch of `count` pixels from `first` on, scaled to `size` pixels. */
typedef struct {
  uint32_t first, count, size;
} dg_stretch;

/**
 * Mean of the part of an image that falls on a scaled pixel. `pixels` has lines of `width` pixels,
 * of which the stretches `down` and `across` are scaled.
 */
float dg_scaled_mean(const uint8_t *pixels, uint32_t width, const dg_stretch *down,
                     const dg_stretch *across, uint32_t row, uint32_t column);

/** Scales a whole image [height, width] to another size; its shape is not kept. */
void dg_scale(const uint8_t *from, uint32_t height, uint32_t width, uint8_t *to, uint32_t to_height,
              uint32_t to_width);

#endif
