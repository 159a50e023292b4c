#include "core/picture/formats/formats.h"

#include <stdlib.h>

#include "core/base/file/file.h"

enum { MAX_BYTES = 1 << 29 };

/** The functions for one file format. */
typedef bool reader(dg_picture *picture, const dg_picture_file *file, dg_error *err);

static const struct {
  bool (*is)(const dg_picture_file *file);
  reader *measure, *read;
} formats[] = {{dg_is_png, dg_measure_png, dg_read_png},
               {dg_is_jpeg, dg_measure_jpeg, dg_read_jpeg},
               {dg_is_pgm, dg_measure_pgm, dg_read_pgm}};

/** Reads a file by its format: only its size, or all of it. */
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
  bool ok = read_any(&picture, &file, false, err);
  *height = picture.height;
  *width = picture.width;
  return ok;
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
  char *bytes = dg_file_read(path, MAX_BYTES, &size, err);
  bool ok = bytes && dg_picture_decode(picture, bytes, size, path, err);
  free(bytes);
  return ok;
}
