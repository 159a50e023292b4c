/** A raster picture: written as a PNG file, or embedded in a page. */
#ifndef DG_PICTURE_H
#define DG_PICTURE_H

#include "report/markup.h"

/** All zero before its first use. */
typedef struct {
  uint32_t height, width;
  uint32_t channels; /**< 1: grey, 3: red, green, blue */
  uint8_t *pixels;   /**< [height, width, channels] */
} picture;

/** Makes a picture whose bytes are all `fill`; the caller closes it. */
bool picture_open(picture *p, uint32_t height, uint32_t width, uint32_t channels, uint8_t fill,
                  dg_error *err);

/** Writes it as a PNG file; an old file is replaced only when the new one is complete. */
bool picture_write(const picture *p, const char *path, dg_error *err);

/** Adds it as a data URI (RFC 2397), for an image's src. */
void picture_inline(const picture *p, markup *m);

/** Frees the pixels. */
void picture_close(picture *p);

#endif
