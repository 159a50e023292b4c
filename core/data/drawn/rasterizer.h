/** The rasterizer of the built-in digits: draws a path of round, soft-edged strokes. */
#ifndef DG_DIGITS_RASTERIZER_H
#define DG_DIGITS_RASTERIZER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/data/drawn/draw.h"

enum { DG_PATH_MAX_POINTS = 192 };

/** Points the pen goes through in straight lines; its radius varies along them. */
typedef struct {
  unsigned count;
  struct {
    float x, y, radius;
    bool last; /**< of its stroke; the pen is lifted after it */
  } points[DG_PATH_MAX_POINTS];
} dg_path;

/**
 * Draws a path whose unit is one pixel (the first pixel's centre is at 0.5, 0.5) into `ink` [28,
 * 28], 0 to 1: 1 within the pen's radius, falling to 0 over `softness` pixels around its edge.
 */
void dg_rasterize(const dg_path *path, float softness, float ink[DG_DIGIT_PIXELS]);

#endif
