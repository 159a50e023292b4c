/** Pictures: PNG, JPEG and PGM files, and the digits that are found in a photograph. */
#ifndef DIGITS_PICTURE_H
#define DIGITS_PICTURE_H

#include <stddef.h>
#include <stdint.h>

#include "digits/error.h"
#include "digits/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A gray picture in memory. This struct won't grow. */
typedef struct {
  uint32_t height, width;
  uint8_t *pixels; /**< [height, width], 0 black, 255 white */
} dg_picture;

/**
 * Reads a PNG, JPEG or PGM file as gray; colours by their luma (ITU-R BT.601), what is transparent
 * as paper, a photograph turned as its camera says. Pixels are the file's numbers, of 16 bits those
 * of 8 next to them; what the file says of gamma and colour spaces is ignored. One that is damaged,
 * or has more than 67 108 864 pixels or 65 535 on a side, is an error that names it, before
 * anything is decoded. Free with dg_picture_free.
 */
DG_API bool dg_picture_read(dg_picture *picture, const char *path, dg_error *err);
/** The same from the `size` bytes of a file; `name` stands for it in messages. */
DG_API bool dg_picture_decode(dg_picture *picture, const void *bytes, size_t size, const char *name,
                              dg_error *err);
/** The height and width in a file's header (before a photograph is turned); nothing is decoded. */
DG_API bool dg_picture_measure(const void *bytes, size_t size, const char *name, uint32_t *height,
                               uint32_t *width, dg_error *err);
DG_API void dg_picture_free(dg_picture *picture); /**< one without pixels is allowed */

/** Where in a picture a digit was found, in its pixels. This struct won't grow. */
typedef struct {
  uint32_t top, left, height, width;
} dg_box;

/** The digits of a picture, line by line and each line from left to right. This struct won't grow.
 */
typedef struct {
  uint32_t count;
  uint32_t height, width; /**< of an image */
  dg_box *boxes;          /**< [count] */
  uint8_t *images;        /**< [count, height, width], 0 paper, 255 ink */
} dg_digits;

/**
 * Finds the digits of a picture: ink darker or brighter than its paper, in even or uneven light.
 * Each is cut out as MNIST's are: scaled to fit 20/28 of an image of height x width (at least 8x8),
 * its shape preserved, and its centre of mass moved to the middle. A picture that is too small or
 * has no ink is an error; `name` stands for it there. Free with dg_digits_free.
 */
DG_API bool dg_digits_find(const dg_picture *picture, const char *name, uint32_t height,
                           uint32_t width, dg_digits *digits, dg_error *err);
DG_API void dg_digits_free(dg_digits *digits); /**< what is empty is allowed */

#ifdef __cplusplus
}
#endif

#endif
