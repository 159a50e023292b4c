/** Pictures for tests: composed of images, degraded, written to files. */
#ifndef DG_TESTS_CANVAS_H
#define DG_TESTS_CANVAS_H

#include "digits/picture.h"

/** Ink from 0 to 1 on paper: [height, width]. The caller frees it. */
typedef struct {
  uint32_t height, width;
  float *ink;
} canvas;

canvas canvas_new(uint32_t height, uint32_t width);
void canvas_free(canvas *c);

/** Paints a filled rectangle of full ink. */
void canvas_fill(canvas *c, uint32_t top, uint32_t left, uint32_t height, uint32_t width);

/**
 * Paints an image [side, side] of bytes, enlarged `times` times and rotated around its middle by an
 * angle (degrees, counterclockwise), into a square of times * side pixels.
 */
void canvas_paint(canvas *c, const uint8_t *image, uint32_t side, double times, double angle,
                  uint32_t top, uint32_t left);

/** Blurs with a square of (2 reach + 1)^2 pixels. */
void canvas_blur(canvas *c, uint32_t reach);

/** Gray of paper and ink on the left and right of a picture, and noise of so many levels. */
typedef struct {
  double paper_left, paper_right, ink_left, ink_right, noise;
} canvas_light;

/** Makes the picture of a canvas. The caller frees it. */
dg_picture canvas_picture(const canvas *c, const canvas_light *light);

/** Writes a picture to a PNG, JPEG (with a quality) or PGM file; ends the test on failure. */
void canvas_write_png(const dg_picture *picture, const char *path);
void canvas_write_jpeg(const dg_picture *picture, int quality, const char *path);
void canvas_write_pgm(const dg_picture *picture, const char *path);

#endif
