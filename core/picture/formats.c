#include "core/picture/formats.h"

#include <stdlib.h>

#include "core/support/file.h"

enum { MOST_PIXELS = 1 << 26, MOST_BYTES = 1 << 29 };

bool dg_picture_check(const dg_picture_file *file, uint64_t height, uint64_t width, dg_error *err) {
  if (height == 0 || width == 0)
    return dg_fail(err, DG_ERR_INPUT, "%s: the picture has no pixels; save it again", file->name);
  return height <= MOST_PIXELS / width ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s: %llu x %llu pixels are too many: %d is the most; make it smaller", file->name,
                 (unsigned long long)width, (unsigned long long)height, MOST_PIXELS);
}

bool dg_picture_allocate(dg_picture *picture, const dg_picture_file *file, uint64_t height,
                         uint64_t width, unsigned bytes_a_pixel, dg_error *err) {
  if (!dg_picture_check(file, height, width, err)) return false;
  size_t size = (size_t)(height * width * bytes_a_pixel);
  *picture = (dg_picture){(uint32_t)height, (uint32_t)width, malloc(size)};
  return picture->pixels || dg_fail_memory(err, size);
}

static bool decode(dg_picture *picture, const dg_picture_file *file, dg_error *err) {
  if (dg_is_png(file)) return dg_read_png(picture, file, err);
  if (dg_is_jpeg(file)) return dg_read_jpeg(picture, file, err);
  if (dg_is_pgm(file)) return dg_read_pgm(picture, file, err);
  return dg_fail(err, DG_ERR_INPUT, "%s: %s; give a PNG, JPEG or PGM file", file->name,
                 file->size ? "this is no picture of a known kind" : "the file is empty");
}

bool dg_picture_decode(dg_picture *picture, const void *bytes, size_t size, const char *name,
                       dg_error *err) {
  dg_picture_file file = {bytes, size, name};
  *picture = (dg_picture){0};
  if (decode(picture, &file, err)) return true;
  dg_picture_free(picture);
  return false;
}

bool dg_picture_read(dg_picture *picture, const char *path, dg_error *err) {
  size_t size;
  *picture = (dg_picture){0};
  char *bytes = dg_file_read(path, MOST_BYTES, &size, err);
  bool right = bytes && dg_picture_decode(picture, bytes, size, path, err);
  free(bytes);
  return right;
}

void dg_picture_free(dg_picture *picture) {
  free(picture->pixels);
  *picture = (dg_picture){0};
}
