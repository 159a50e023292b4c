#include "core/picture/formats/formats.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/file/file.h"
#include "core/base/file/input.h"
#include "core/base/sized.h"
#include "core/picture/formats/colours.h"

enum { MAX_BYTES = 1 << 29 };

/** The functions for one file format. */
typedef bool reader(dg_picture *picture, const dg_picture_file *file, dg_error *err);

static const struct {
  bool (*is)(const dg_picture_file *file);
  reader *measure, *read;
} formats[] = {{dg_is_png, dg_measure_png, dg_read_png},
               {dg_is_jpeg, dg_measure_jpeg, dg_read_jpeg},
               {dg_is_pgm, dg_measure_pgm, dg_read_pgm}};

/** Formats that are not read, by the bytes that their files begin with. */
static const struct {
  const char *name;
  size_t at, length;
  const char *bytes;
} others[] = {
    {"BMP", 0, 2, "BM"},         {"GIF", 0, 4, "GIF8"},     {"WebP", 8, 4, "WEBP"},
    {"TIFF", 0, 4, "II*\0"},     {"TIFF", 0, 4, "MM\0*"},   {"HEIC or AVIF", 4, 4, "ftyp"},
    {"JPEG 2000", 4, 4, "jP  "}, {"JPEG XL", 4, 4, "JXL "}, {"JPEG XL", 0, 2, "\xff\x0a"},
    {"PDF", 0, 5, "%PDF-"},      {"SVG", 0, 4, "<svg"},     {"SVG or XML", 0, 5, "<?xml"},
    {"HTML", 0, 5, "<!DOC"},     {"PBM", 0, 2, "P1"},       {"PPM", 0, 2, "P3"},
    {"PBM", 0, 2, "P4"},         {"PPM", 0, 2, "P6"},       {"PAM", 0, 2, "P7"},
};

static bool fail_format(const dg_picture_file *file, dg_error *err) {
  static const char remedy[] = "give a PNG, JPEG or PGM file";
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (file->size >= others[i].at + others[i].length &&
        memcmp(file->bytes + others[i].at, others[i].bytes, others[i].length) == 0)
      return dg_fail(err, DG_ERR_INPUT, "%s: a %s file, which is not read; save it as PNG or JPEG",
                     file->name, others[i].name);
  return dg_fail(err, DG_ERR_INPUT, "%s: %s; %s", file->name,
                 file->size ? "this is no picture of a known kind" : "the file is empty", remedy);
}

/** Reads a file by its format: only its size, or all of it. */
static bool read_any(dg_picture *picture, const dg_picture_file *file, bool all, dg_error *err) {
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (formats[i].is(file))
      return (all ? formats[i].read : formats[i].measure)(picture, file, err);
  return fail_format(file, err);
}

bool dg_picture_measure(const void *bytes, size_t size, const char *name, uint32_t *height,
                        uint32_t *width, dg_error *err) {
  dg_picture_file file = {.bytes = bytes, .size = size, .name = name};
  dg_picture picture = {0};
  bool ok = read_any(&picture, &file, false, err);
  *height = picture.height;
  *width = picture.width;
  return ok;
}

bool dg_picture_decode_with(dg_picture *picture, const void *bytes, size_t size, const char *name,
                            const dg_picture_options *given, dg_error *err) {
  dg_picture_options options;
  *picture = (dg_picture){0};
  if (!dg_sized_take(&options, sizeof options, given, "dg_picture_options", err)) return false;
  const dg_picture_file file = {bytes, size, name, options.note, options.user, 0};
  if (read_any(picture, &file, true, err)) return true;
  dg_picture_free(picture);
  return false;
}

bool dg_colours_decode(dg_picture *picture, const void *bytes, size_t size, const char *name,
                       unsigned depth, const dg_picture_options *options, dg_error *err) {
  const dg_picture_file file = {bytes, size, name, options->note, options->user, depth};
  *picture = (dg_picture){0};
  if (read_any(picture, &file, true, err)) return true;
  dg_picture_free(picture);
  return false;
}

bool dg_picture_decode(dg_picture *picture, const void *bytes, size_t size, const char *name,
                       dg_error *err) {
  return dg_picture_decode_with(picture, bytes, size, name, NULL, err);
}

bool dg_picture_read(dg_picture *picture, const char *path, dg_error *err) {
  size_t size;
  *picture = (dg_picture){0};
  char *bytes = dg_file_read(path, MAX_BYTES, &size, err);
  bool ok = bytes && dg_picture_decode(picture, bytes, size, path, err);
  free(bytes);
  return ok;
}

bool dg_picture_read_with(dg_picture *picture, const char *path, const dg_picture_options *options,
                          dg_error *err) {
  size_t size;
  *picture = (dg_picture){0};
  char *bytes = dg_input_read(path, MAX_BYTES, &size, err);
  bool ok = bytes && dg_picture_decode_with(picture, bytes, size, path, options, err);
  free(bytes);
  return ok;
}
