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
  unsigned depth; /**< of colours, in bytes: 1 or 2; 0: gray is read */
} dg_picture_file;

/** Bytes of a pixel that is read: a gray, or three colours. */
static inline unsigned dg_pixel_bytes(const dg_picture_file *file) {
  return file->depth ? 3 * file->depth : 1;
}

/** Stores a colour of `most`, as 16 bits if the depth is 2, else as 8; returns where the next one
    goes. */
static inline uint8_t *dg_put_colour(uint8_t *to, uint32_t value, uint32_t most, unsigned depth) {
  const uint32_t all = depth == 2 ? UINT16_MAX : UINT8_MAX;
  const uint32_t scaled =
      most == all ? value : (uint32_t)(((uint64_t)value * all + most / 2) / most);
  if (depth == 2) *to++ = (uint8_t)(scaled >> 8);
  *to++ = (uint8_t)scaled;
  return to;
}

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
