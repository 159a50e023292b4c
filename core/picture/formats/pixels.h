/** What the readers of pictures build on: a file in memory, limits, and room for pixels. */
#ifndef DG_PIXELS_H
#define DG_PIXELS_H

#include "digits/picture.h"

/** A file in memory; `name` stands for it in messages. */
typedef struct {
  const uint8_t *bytes;
  size_t size;
  const char *name;
} dg_picture_file;

/** A picture without pixels, with too many or too long a side is an error: for a look before
    anything is allocated. */
bool dg_picture_check(const dg_picture_file *file, uint64_t height, uint64_t width, dg_error *err);

/** Checks a picture's size and gives it pixels, not yet filled, each of so many bytes. */
bool dg_picture_allocate(dg_picture *picture, const dg_picture_file *file, uint64_t height,
                         uint64_t width, unsigned bytes_a_pixel, dg_error *err);

#endif
