/** Scales pictures up or down: each pixel becomes the mean of the source pixels that it covers. */
#ifndef DG_SCALE_H
#define DG_SCALE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

/** A range of `count` pixels from `first` on, scaled to `size` pixels. */
typedef struct {
  uint32_t first, count, size;
} dg_stretch;

/**
 * Scales a part of an image to `out` [down->size, across->size]. `pixels` has lines of `width`
 * pixels; the ranges `down` (lines) and `across` (pixels) are scaled.
 */
bool dg_scale_part(const uint8_t *pixels, uint32_t width, const dg_stretch *down,
                   const dg_stretch *across, float *out, dg_error *err);

/** Scales a whole image [height, width] to another size, without keeping its aspect ratio. */
bool dg_scale(const uint8_t *from, uint32_t height, uint32_t width, uint8_t *to, uint32_t to_height,
              uint32_t to_width, dg_error *err);

#endif
