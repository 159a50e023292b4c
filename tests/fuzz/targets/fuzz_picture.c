/*
 * Pictures, and the digits in them. JPEG files are left to those who fuzz libjpeg-turbo: their
 * header alone says how much memory they take.
 */
#include <stdlib.h>

#include "core/picture/formats/colours.h"
#include "core/picture/formats/formats.h"
#include "tests/fuzz/file.h"

enum { SIDE = 28 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/** Looks for digits, and touches what is found. */
static void look(const dg_picture *picture) {
  dg_digits digits;
  dg_error err = {0};
  bool ok = dg_digits_find(picture, "fuzz", SIDE, SIDE, &digits, &err);
  if (ok != (err.kind == DG_OK) || ok != (digits.count > 0)) abort();
  if (ok) fuzz_touch(digits.images, (size_t)digits.count * SIDE * SIDE);
  dg_digits_free(&digits);
}

/** Reads it in colour, unless it takes much memory; that succeeds as reading gray does. */
static void look_in_colour(const uint8_t *bytes, size_t size, bool readable) {
  for (unsigned depth = 1; depth <= 2; depth++) {
    dg_picture picture;
    dg_error err = {0};
    bool ok =
        dg_colours_decode(&picture, bytes, size, "fuzz", depth, &(dg_picture_options){0}, &err);
    if (ok != (err.kind == DG_OK) || ok != readable) abort();
    if (ok) fuzz_touch(picture.pixels, (size_t)picture.height * picture.width * 3 * depth);
    dg_picture_free(&picture);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  enum { FEW_PIXELS = 1 << 14 };
  dg_picture picture;
  dg_error err = {0};
  if (dg_is_jpeg(&(dg_picture_file){.bytes = bytes, .size = size, .name = "fuzz"})) return 0;
  bool ok = dg_picture_decode(&picture, bytes, size, "fuzz", &err);
  if (ok != (err.kind == DG_OK) || ok != (picture.pixels != NULL)) abort();
  uint32_t height, width;
  if (dg_picture_measure(bytes, size, "fuzz", &height, &width, NULL) &&
      (uint64_t)height * width <= FEW_PIXELS)
    look_in_colour(bytes, size, ok);
  if (ok) look(&picture);
  dg_picture_free(&picture);
  return 0;
}
