/** Pictures: reads PNG, JPEG and PGM files, and finds the digits in them. */
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
 * Reads a PNG, JPEG or PGM file as gray. Colours, also those of CMYK, become their luma (ITU-R
 * BT.601), transparent pixels become paper, and a photograph is rotated by its Exif orientation.
 * Pixels are the numbers in the file, 16 bits rounded to 8; gamma and colour spaces are ignored. A
 * picture that is damaged, or has more than 67 108 864 pixels or 65 535 on a side, is an error that
 * names it; the size is checked before decoding. Free with dg_picture_free.
 */
DG_API bool dg_picture_read(dg_picture *picture, const char *path, dg_error *err);
/** The same for a file in memory, `size` bytes; `name` is its name in messages. */
DG_API bool dg_picture_decode(dg_picture *picture, const void *bytes, size_t size, const char *name,
                              dg_error *err);

/** Options of reading pictures. All but `size` may be 0 or NULL. */
typedef struct {
  size_t size;   /**< sizeof(dg_picture_options) */
  dg_note *note; /**< called with what is odd in a picture that can be read */
  void *user;    /**< of `note` */
} dg_picture_options;

/** The two functions above with options. dg_picture_read_with also reads pipes, which it waits
    for. */
DG_API bool dg_picture_read_with(dg_picture *picture, const char *path,
                                 const dg_picture_options *options, dg_error *err);
DG_API bool dg_picture_decode_with(dg_picture *picture, const void *bytes, size_t size,
                                   const char *name, const dg_picture_options *options,
                                   dg_error *err);

/** Reads height and width from a file's header (before rotation by Exif); nothing is decoded. */
DG_API bool dg_picture_measure(const void *bytes, size_t size, const char *name, uint32_t *height,
                               uint32_t *width, dg_error *err);
DG_API void dg_picture_free(dg_picture *picture); /**< a picture without pixels is allowed */

/** Where a digit was found, in pixels of the picture. This struct won't grow. */
typedef struct {
  uint32_t top, left, height, width;
} dg_box;

/** The digits of a picture, line by line and each line from left to right. This struct won't grow.
 */
typedef struct {
  uint32_t count;
  uint32_t height, width; /**< of each image */
  dg_box *boxes;          /**< [count] */
  uint8_t *images;        /**< [count, height, width], 0 paper, 255 ink */
  float *certainty;       /**< [count]: probability that an image shows one whole digit; 1: nothing
                               speaks against it */
} dg_digits;

/**
 * Finds the digits of a picture. The ink may be darker or brighter than the paper, and the light
 * uneven, with sharp shadows. Lines, boxes, frames, filled discs and what touches the edge of the
 * picture are no digits; if a page lies on a table, only the page is looked at. Each digit is cut
 * out as in MNIST: scaled to fit 20/28 of an image of height x width (at least 8x8) with its aspect
 * ratio preserved, and its centre of mass moved to the middle. Digits that touch are taken for one;
 * see dg_predictor_find. A picture that is too small, has no ink or no digit is an error, which
 * shows `name`. Free with dg_digits_free.
 */
DG_API bool dg_digits_find(const dg_picture *picture, const char *name, uint32_t height,
                           uint32_t width, dg_digits *digits, dg_error *err);
DG_API void dg_digits_free(dg_digits *digits); /**< an empty struct is allowed */

#ifdef __cplusplus
}
#endif

#endif
