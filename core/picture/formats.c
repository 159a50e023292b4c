#include "core/picture/formats.h"

#include <stdlib.h>

#include "core/base/file/file.h"

enum { MOST_PIXELS = 1 << 26, MOST_SIDE = 65535, MOST_BYTES = 1 << 29 };

bool dg_picture_check(const dg_picture_file *file, uint64_t height, uint64_t width, dg_error *err) {
  if (height == 0 || width == 0)
    return dg_fail(err, DG_ERR_INPUT, "%s: the picture has no pixels; save it again", file->name);
  return (height <= MOST_SIDE && width <= MOST_SIDE && height <= MOST_PIXELS / width) ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s: %llu x %llu pixels are too many: %d is the most, %d on a side; make it "
                 "smaller",
                 file->name, (unsigned long long)width, (unsigned long long)height, MOST_PIXELS,
                 MOST_SIDE);
}

bool dg_picture_allocate(dg_picture *picture, const dg_picture_file *file, uint64_t height,
                         uint64_t width, unsigned bytes_a_pixel, dg_error *err) {
  if (!dg_picture_check(file, height, width, err)) return false;
  size_t size = (size_t)(height * width * bytes_a_pixel);
  *picture = (dg_picture){(uint32_t)height, (uint32_t)width, malloc(size)};
  return picture->pixels || dg_fail_memory(err, size);
}

/* ---- formats ------------------------------------------------------------ */

/** What can be done with a file of one format. */
typedef bool reader(dg_picture *picture, const dg_picture_file *file, dg_error *err);

static const struct {
  bool (*is)(const dg_picture_file *file);
  reader *measure, *read;
} formats[] = {{dg_is_png, dg_measure_png, dg_read_png},
               {dg_is_jpeg, dg_measure_jpeg, dg_read_jpeg},
               {dg_is_pgm, dg_measure_pgm, dg_read_pgm}};

/** Reads a file as its format wants it: its size alone or all of it. */
static bool read_any(dg_picture *picture, const dg_picture_file *file, bool all, dg_error *err) {
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (formats[i].is(file))
      return (all ? formats[i].read : formats[i].measure)(picture, file, err);
  return dg_fail(err, DG_ERR_INPUT, "%s: %s; give a PNG, JPEG or PGM file", file->name,
                 file->size ? "this is no picture of a known kind" : "the file is empty");
}

bool dg_picture_measure(const void *bytes, size_t size, const char *name, uint32_t *height,
                        uint32_t *width, dg_error *err) {
  dg_picture_file file = {bytes, size, name};
  dg_picture picture = {0};
  bool right = read_any(&picture, &file, false, err);
  *height = picture.height;
  *width = picture.width;
  return right;
}

bool dg_picture_decode(dg_picture *picture, const void *bytes, size_t size, const char *name,
                       dg_error *err) {
  dg_picture_file file = {bytes, size, name};
  *picture = (dg_picture){0};
  if (read_any(picture, &file, true, err)) return true;
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
