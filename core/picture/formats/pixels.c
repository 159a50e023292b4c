#include "core/picture/formats/pixels.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"

enum { MAX_PIXELS = 1 << 26, MAX_COLOURS = 1 << 25, MAX_SIDE = 65535 };

bool dg_picture_check(const dg_picture_file *file, uint64_t height, uint64_t width, dg_error *err) {
  if (height == 0 || width == 0)
    return dg_fail(err, DG_ERR_INPUT, "%s: the picture has no pixels; save it again", file->name);
  const uint64_t most = file->depth ? MAX_COLOURS : MAX_PIXELS;
  return (height <= MAX_SIDE && width <= MAX_SIDE && height <= most / width) ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s: %llu x %llu pixels are too many: %llu is the most, %d on a side; make it "
                 "smaller",
                 file->name, (unsigned long long)width, (unsigned long long)height,
                 (unsigned long long)most, MAX_SIDE);
}

void dg_picture_note(const dg_picture_file *file, const char *format, ...) {
  char text[300];
  va_list args;
  if (!file->note) return;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  dg_error told = {0};
  dg_fail(&told, DG_ERR_INPUT, "%s: %s", file->name, text); /* filters the name */
  file->note(file->user, told.message);
}

bool dg_picture_allocate(dg_picture *picture, const dg_picture_file *file, uint64_t height,
                         uint64_t width, unsigned bytes_a_pixel, dg_error *err) {
  if (!dg_picture_check(file, height, width, err)) return false;
  size_t size = (size_t)(height * width * bytes_a_pixel);
  *picture = (dg_picture){(uint32_t)height, (uint32_t)width, malloc(size)};
  return picture->pixels || dg_fail_memory(err, size);
}

void dg_picture_free(dg_picture *picture) {
  free(picture->pixels);
  *picture = (dg_picture){0};
}
