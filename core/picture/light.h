/** The light on the paper of a picture. */
#ifndef DG_LIGHT_H
#define DG_LIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DG_LIGHT_TERMS = 6 };

/** A smooth surface over an image [height, width], of second order in its rows and columns. */
typedef struct {
  uint32_t height, width;
  double terms[DG_LIGHT_TERMS];
} dg_light;

/**
 * Fits a surface to the paper in pixels [height, width] whose ink is brighter than the paper. About
 * a third of the pixels are below it, so it is within the paper's levels as long as ink covers no
 * more than half.
 */
dg_light dg_light_fit(const uint8_t *pixels, uint32_t height, uint32_t width);

/** The surface at a row and a column, from 0 to 255. */
double dg_light_at(const dg_light *light, uint32_t row, uint32_t column);

#endif
