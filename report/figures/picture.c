#include "report/figures/picture.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file/file.h"

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

/** The bytes of its PNG file, in new memory. NULL: out of memory, the only way that libpng fails
    here. */
static uint8_t *pack(const picture *p, size_t *size) {
  png_image png = describe(p);
  png_alloc_size_t capacity = PNG_IMAGE_PNG_SIZE_MAX(png);
  uint8_t *bytes = malloc(capacity);
  if (bytes && png_image_write_to_memory(&png, bytes, &capacity, 0, p->pixels, 0, NULL)) {
    *size = capacity;
    return bytes;
  }
  free(bytes);
  return NULL;
}

bool picture_write(const picture *p, const char *path, dg_error *err) {
  size_t size;
  dg_new_file file;
  uint8_t *bytes = pack(p, &size);
  if (!bytes) return dg_fail_memory(err, (size_t)p->height * p->width * p->channels);
  bool ok = dg_file_begin(&file, path, err);
  if (ok) {
    dg_file_write(&file, bytes, size);
    ok = dg_file_commit(&file, err);
  }
  free(bytes);
  return ok;
}

void picture_inline(const picture *p, markup *m) {
  size_t size;
  uint8_t *bytes = m->failed ? NULL : pack(p, &size);
  m->failed |= !bytes;
  if (bytes) {
    markup_add(m, "data:image/png;base64,");
    markup_base64(m, bytes, size);
  }
  free(bytes);
}

void picture_close(picture *p) {
  free(p->pixels);
  p->pixels = NULL;
}
