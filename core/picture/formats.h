/**
 * Pictures from files: what the readers of the formats share. formats.c tells them apart and
 * keeps their limits; png.c, jpeg.c and pgm.c each know one.
 */
#ifndef DG_FORMATS_H
#define DG_FORMATS_H

#include "core/digits.h"

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

/** Does the file begin as those of a format do? */
bool dg_is_png(const dg_picture_file *file);
bool dg_is_jpeg(const dg_picture_file *file);
bool dg_is_pgm(const dg_picture_file *file);

/** Reads the height and the width of one format, and leaves the pixels alone. */
bool dg_measure_png(dg_picture *picture, const dg_picture_file *file, dg_error *err);
bool dg_measure_jpeg(dg_picture *picture, const dg_picture_file *file, dg_error *err);
bool dg_measure_pgm(dg_picture *picture, const dg_picture_file *file, dg_error *err);

/** Reads one format; on failure the caller frees the picture. */
bool dg_read_png(dg_picture *picture, const dg_picture_file *file, dg_error *err);
bool dg_read_jpeg(dg_picture *picture, const dg_picture_file *file, dg_error *err);
bool dg_read_pgm(dg_picture *picture, const dg_picture_file *file, dg_error *err);

#endif
