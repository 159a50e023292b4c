/** Shared by the readers of pictures: a file in memory, limits, and memory for pixels. */
#ifndef DG_PIXELS_H
#define DG_PIXELS_H

#include "digits/picture.h"

/** A file in memory; `name` is its name in messages. */
typedef struct {
  const uint8_t *bytes;
  size_t size;
  const char *name;
  dg_note *note; /**< told of what is odd; NULL: nobody is */
  void *user;
} dg_picture_file;

/** Tells of something odd in a file that is no error. */
__attribute__((format(printf, 2, 3))) void dg_picture_note(const dg_picture_file *file,
                                                           const char *format, ...);

/** Gray of a colour as in JPEG files (ITU-R BT.601), with 16 fractional bits. */
static inline uint8_t dg_gray_of(const uint8_t rgb[3]) {
  return (uint8_t)((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768u) >> 16);
}

/** Checks a picture's size before anything is allocated: no pixels, too many, or too long a side is
    an error. */
bool dg_picture_check(const dg_picture_file *file, uint64_t height, uint64_t width, dg_error *err);

/** Checks a picture's size and allocates its pixels (uninitialized), each of so many bytes. */
bool dg_picture_allocate(dg_picture *picture, const dg_picture_file *file, uint64_t height,
                         uint64_t width, unsigned bytes_a_pixel, dg_error *err);

#endif
