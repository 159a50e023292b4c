/** Finds the digits of a picture: ink, without lines and other clutter; its components, their
   grouping into digits, taking apart those that touch, cutting out. */
#include <math.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/picture/clutter.h"
#include "core/picture/crop.h"
#include "core/picture/find.h"
#include "core/picture/lines.h"

enum { MIN_IMAGE = 8, MAX_IMAGE = 4096, MAX_BYTES = 1 << 28, MAX_OVERLAP = 8, ROUNDS = 2 };

/* Of numbers with a digit that is much lower than another, 2 of 10 were right. */
static const float certainty_of_lower = 0.5f;
static const float certainty_of_wide = 0.1f; /* of what is several digits, and was not cut */

/**
 * Are the digits few and small enough for memory and time? Cutting takes time in proportion to the
 * pixels of their boxes; boxes that don't overlap have no more pixels than the picture.
 */
static bool check_boxes(const dg_ink *ink, const dg_components *components, const dg_digits *digits,
                        const char *name, dg_error *err) {
  uint64_t pixels = 0, most = (uint64_t)MAX_OVERLAP * ink->height * ink->width;
  for (uint32_t i = 0; i < components->digits; i++)
    pixels += (uint64_t)digits->boxes[i].height * digits->boxes[i].width;
  if (pixels > most)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: marks of ink that lie across each other are no digits; cut out a part of "
                   "the picture",
                   name);
  return components->digits <= MAX_BYTES / ((uint64_t)digits->height * digits->width) ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s: %u digits are too many as images of %u x %u; cut out a part of the picture",
                 name, components->digits, digits->width, digits->height);
}

/** Is a box less than 65 % as high as one beside it in the same line? */
static bool is_lower(const dg_box *box, const dg_box *beside) {
  uint32_t top = box->top > beside->top ? box->top : beside->top;
  uint32_t bottom = box->top + box->height, other = beside->top + beside->height;
  if (other < bottom) bottom = other;
  return bottom > top && 2 * (bottom - top) >= box->height &&
         20ull * box->height < 13ull * beside->height;
}

/** A digit is as certain as the least certain of its components. One that is much lower than those
    beside it is often a part, or the rest of a line. */
static void set_certainty(const dg_components *components, dg_digits *digits) {
  uint32_t count = components->digits;
  const dg_box *boxes = digits->boxes;
  for (uint32_t i = 0; i < count; i++) {
    bool lower = (i > 0 && is_lower(&boxes[i], &boxes[i - 1])) ||
                 (i + 1 < count && is_lower(&boxes[i], &boxes[i + 1]));
    digits->certainty[i] = dg_box_is_wide(&boxes[i]) ? certainty_of_wide
                           : lower                   ? certainty_of_lower
                                                     : 1;
  }
  for (uint32_t i = 0; i < components->count; i++) {
    const dg_component *c = &components->items[i];
    if (c->digit)
      digits->certainty[c->digit - 1] = fminf(digits->certainty[c->digit - 1], 1 - c->doubt);
  }
}

static bool cut_all(const dg_ink *ink, const dg_components *components, dg_digits *digits,
                    const char *name, dg_error *err) {
  size_t size = (size_t)digits->height * digits->width;
  digits->boxes = calloc(components->digits, sizeof *digits->boxes);
  digits->certainty = malloc(components->digits * sizeof *digits->certainty);
  if (!digits->boxes || !digits->certainty)
    return dg_fail_memory(err, components->digits * sizeof *digits->boxes);
  dg_components_boxes(components, digits->boxes);
  set_certainty(components, digits);
  if (!check_boxes(ink, components, digits, name, err)) return false;
  digits->images = malloc(components->digits * size);
  if (!digits->images) return dg_fail_memory(err, components->digits * size);
  for (; digits->count < components->digits; digits->count++)
    if (!dg_crop(ink, components, digits->count + 1, &(dg_cuts){0}, digits->height, digits->width,
                 digits->images + digits->count * size, &digits->boxes[digits->count], err))
      return false;
  return true;
}

static bool fail_without_digit(const char *name, dg_error *err) {
  return dg_fail(err, DG_ERR_INPUT,
                 "%s: no digit was found: there are only lines, frames, blots and what touches the "
                 "edge of the picture; take a picture with paper around the digits",
                 name);
}

/** Erases lines, and then other ink that is no digit; twice, because the height of digits is known
    only afterwards. */
static bool clean(dg_ink *ink, const char *name, dg_error *err) {
  uint32_t tall = 0;
  for (int round = 0; round < ROUNDS; round++) {
    dg_components components = {0};
    if (!dg_lines_erase(ink, tall, err)) return false;
    if (!dg_ink_measure(ink)) return fail_without_digit(name, err);
    bool ok =
        dg_components_find(ink, &components, err) && dg_clutter_erase(ink, &components, &tall, err);
    dg_components_free(&components);
    if (!ok) return false;
    if (!dg_ink_measure(ink)) return fail_without_digit(name, err);
  }
  return true;
}

bool dg_digits_find_judged(const dg_picture *picture, const char *name, uint32_t height,
                           uint32_t width, const dg_judge *judge, dg_digits *digits,
                           dg_error *err) {
  *digits = (dg_digits){.height = height, .width = width};
  if (height < MIN_IMAGE || width < MIN_IMAGE || height > MAX_IMAGE || width > MAX_IMAGE)
    return dg_fail(err, DG_ERR_INPUT,
                   "digits are cut out to images of %d to %d pixels, not %u x %u", MIN_IMAGE,
                   MAX_IMAGE, width, height);
  dg_ink ink;
  if (!dg_ink_find(picture, name, &ink, err)) return false;
  dg_components components = {0};
  bool ok = clean(&ink, name, err) && dg_components_find(&ink, &components, err) &&
            dg_components_group(&components, name, err) &&
            dg_components_grow(&ink, &components, err) &&
            (!judge || dg_digits_take_apart(&ink, &components, height, width, judge, err)) &&
            cut_all(&ink, &components, digits, name, err);
  dg_components_free(&components);
  dg_ink_free(&ink);
  if (!ok) dg_digits_free(digits);
  return ok;
}

bool dg_digits_find(const dg_picture *picture, const char *name, uint32_t height, uint32_t width,
                    dg_digits *digits, dg_error *err) {
  return dg_digits_find_judged(picture, name, height, width, NULL, digits, err);
}

void dg_digits_free(dg_digits *digits) {
  free(digits->boxes);
  free(digits->images);
  free(digits->certainty);
  *digits = (dg_digits){0};
}
