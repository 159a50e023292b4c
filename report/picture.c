#include "report/picture.h"

#include <errno.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "core/support/file.h"

enum { PAPER = 255 };

bool picture_open(picture *p, uint32_t height, uint32_t width, uint32_t channels, uint8_t fill,
                  dg_error *err) {
  size_t bytes = (size_t)height * width * channels;
  *p = (picture){height, width, channels, malloc(bytes)};
  if (!p->pixels) return dg_fail_memory(err, bytes);
  memset(p->pixels, fill, bytes);
  return true;
}

static png_image describe(const picture *p) {
  return (png_image){.version = PNG_IMAGE_VERSION,
                     .width = p->width,
                     .height = p->height,
                     .format = p->channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB};
}

bool picture_write(const picture *p, const char *path, dg_error *err) {
  png_image png = describe(p);
  dg_new_file file;
  if (!dg_file_begin(&file, path, err)) return false;
  errno = 0; /* libpng says "Write Error" alone */
  if (png_image_write_to_stdio(&png, file.stream, 0, p->pixels, 0, NULL))
    return dg_file_commit(&file, err);
  dg_fail(err, DG_ERR_RUNTIME, "%s could not be written: %s", path,
          errno ? strerror(errno) : png.message);
  dg_file_abandon(&file);
  return false;
}

void picture_inline(const picture *p, markup *m) {
  png_image png = describe(p);
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
  uint8_t *bytes = malloc(size);
  m->failed |= !bytes || !png_image_write_to_memory(&png, bytes, &size, 0, p->pixels, 0, NULL);
  if (!m->failed) {
    markup_add(m, "data:image/png;base64,");
    markup_base64(m, bytes, size);
  }
  free(bytes);
}

void picture_inline_image(const uint8_t *image, uint32_t height, uint32_t width, markup *m) {
  picture p;
  m->failed |= !picture_open(&p, height, width, 1, PAPER, NULL);
  for (size_t i = 0; p.pixels && i < (size_t)height * width; i++)
    p.pixels[i] = (uint8_t)(PAPER - image[i]);
  if (p.pixels) picture_inline(&p, m);
  picture_close(&p);
}

void picture_close(picture *p) {
  free(p->pixels);
  p->pixels = NULL;
}
