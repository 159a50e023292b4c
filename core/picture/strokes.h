/** What the strokes of a picture are like, before it is known where they are. */
#ifndef DG_STROKES_H
#define DG_STROKES_H

#include "core/picture/ink.h"

typedef struct {
  bool bright;    /**< brighter than the paper around them */
  uint32_t reach; /**< pixels from the middle of a stroke that surely are paper, if not ink */
} dg_strokes;

/** Measures a gray image [height, width]. */
bool dg_strokes_measure(const uint8_t *pixels, uint32_t height, uint32_t width, dg_strokes *strokes,
                        dg_error *err);

#endif
