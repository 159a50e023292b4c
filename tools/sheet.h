/** A picture of many images in rows and columns, each with its number below it. */
#ifndef DG_SHEET_H
#define DG_SHEET_H

#include <stdbool.h>
#include <stdint.h>

#include "core/support/error.h"

typedef struct {
  uint32_t columns, rows;
  uint32_t image_height, image_width;
  uint32_t scale; /**< a pixel of an image becomes a square of this side */
} sheet_layout;

typedef struct {
  sheet_layout layout;
  uint32_t height, width; /**< of the picture */
  uint8_t *pixels;        /**< [height, width], 0 black, 255 white */
} sheet;

/** An empty sheet; the caller closes it. */
bool sheet_open(sheet *s, const sheet_layout *layout, dg_error *err);

/** Draws an image [image_height, image_width] (0 paper, 255 ink) at a place, counted by rows. */
void sheet_put(sheet *s, uint32_t place, const uint8_t *image, uint32_t number);

/** Writes it as a PNG file; the old file stays until the new one is whole. */
bool sheet_write(const sheet *s, const char *path, dg_error *err);

/** Frees the pixels. */
void sheet_close(sheet *s);

#endif
