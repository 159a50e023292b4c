/** The digits of a picture: its ink, the marks of ink, the digits that they make, cut out. */
#include <stdlib.h>

#include "core/picture/crop.h"

enum { LEAST_IMAGE = 8, MOST_IMAGE = 4096 };

static bool cut_all(const dg_ink *ink, const dg_marks *marks, dg_digits *digits, dg_error *err) {
  size_t size = (size_t)digits->height * digits->width;
  digits->boxes = calloc(marks->digits, sizeof *digits->boxes);
  digits->images = malloc(marks->digits * size);
  if (!digits->boxes || !digits->images) return dg_fail_memory(err, marks->digits * size);
  for (; digits->count < marks->digits; digits->count++)
    if (!dg_crop(ink, marks, digits->count + 1, digits->height, digits->width,
                 digits->images + digits->count * size, &digits->boxes[digits->count], err))
      return false;
  return true;
}

bool dg_digits_find(const dg_picture *picture, const char *name, uint32_t height, uint32_t width,
                    dg_digits *digits, dg_error *err) {
  *digits = (dg_digits){.height = height, .width = width};
  if (height < LEAST_IMAGE || width < LEAST_IMAGE || height > MOST_IMAGE || width > MOST_IMAGE)
    return dg_fail(err, DG_ERR_INPUT,
                   "digits are cut out to images of %d to %d pixels, not %u x %u", LEAST_IMAGE,
                   MOST_IMAGE, width, height);
  dg_ink ink;
  if (!dg_ink_find(picture, name, &ink, err)) return false;
  dg_marks marks;
  bool right = dg_marks_find(&ink, &marks, err) && dg_marks_join(&marks, name, err) &&
               dg_marks_grow(&ink, &marks, err) && cut_all(&ink, &marks, digits, err);
  dg_marks_free(&marks);
  dg_ink_free(&ink);
  if (!right) dg_digits_free(digits);
  return right;
}

void dg_digits_free(dg_digits *digits) {
  free(digits->boxes);
  free(digits->images);
  *digits = (dg_digits){0};
}
