/** PNG, by libpng. */
#include <png.h>
#include <stdio.h>

#include "core/picture/formats.h"

enum { MAX_INFLATION = 1032 }; /* bytes that deflate makes of one, at most */

bool dg_is_png(const dg_picture_file *file) {
  return file->size >= 8 && png_sig_cmp(file->bytes, 0, 8) == 0;
}

static bool fail_damaged(const dg_picture_file *file, png_image *image, dg_error *err) {
  dg_fail(err, DG_ERR_INPUT, "%s: damaged PNG file (%s); save it again", file->name,
          image->message);
  png_image_free(image);
  return false;
}

/**
 * Drops the opacity of pixels of two bytes, gray and opacity, and closes the gaps. What is behind
 * them is white where what shows is rather dark, else black.
 */
static void flatten(uint8_t *pixels, size_t count) {
  uint64_t light = 0, opaque = 0;
  for (size_t i = 0; i < count; i++) {
    opaque += pixels[2 * i + 1];
    light += (uint64_t)pixels[2 * i] * pixels[2 * i + 1];
  }
  unsigned behind = light < 128 * opaque ? 255 : 0;
  for (size_t i = 0; i < count; i++) {
    unsigned gray = pixels[2 * i], alpha = pixels[2 * i + 1];
    pixels[i] = (uint8_t)((gray * alpha + behind * (255 - alpha) + 127) / 255);
  }
}

/** Can a file of this size hold the picture? Of one bit a pixel at least, deflated. */
static bool can_hold(const dg_picture_file *file, const png_image *image) {
  return (uint64_t)image->height * (image->width / 8 + 1) <= (uint64_t)file->size * MAX_INFLATION;
}

bool dg_read_png(dg_picture *picture, const dg_picture_file *file, dg_error *err) {
  png_image image = {.version = PNG_IMAGE_VERSION};
  if (!png_image_begin_read_from_memory(&image, file->bytes, file->size))
    return fail_damaged(file, &image, err);
  if (!dg_picture_check(file, image.height, image.width, err)) {
    png_image_free(&image);
    return false;
  }
  if (!can_hold(file, &image)) {
    snprintf(image.message, sizeof image.message, "it is too short for its size");
    return fail_damaged(file, &image, err);
  }
  bool transparent = image.format & PNG_FORMAT_FLAG_ALPHA;
  image.format = transparent ? PNG_FORMAT_GA : PNG_FORMAT_GRAY;
  if (!dg_picture_allocate(picture, file, image.height, image.width, transparent ? 2 : 1, err)) {
    png_image_free(&image);
    return false;
  }
  if (!png_image_finish_read(&image, NULL, picture->pixels, 0, NULL))
    return fail_damaged(file, &image, err);
  if (transparent) flatten(picture->pixels, (size_t)picture->height * picture->width);
  return true;
}
