#include "core/picture/crop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/picture/scale.h"

enum { EDGE = 100 }; /* of 255: strength at the border of a digit, as in MNIST */

/** The ink of one digit without everything else. */
typedef struct {
  uint32_t top, left; /**< in the ink's pixels */
  uint32_t height, width;
  uint8_t *strength; /**< [height, width] */
} cutting;

/* ---- cutting out -------------------------------------------------------- */

static bool is_of(const dg_components *components, size_t at, uint32_t digit) {
  return components->labels[at] && components->items[components->labels[at] - 1].digit == digit;
}

static bool cut_out(const dg_ink *ink, const dg_components *components, uint32_t digit,
                    const dg_cuts *cuts, cutting *c, dg_error *err) {
  c->strength = calloc(c->height, c->width);
  if (!c->strength) return dg_fail_memory(err, (size_t)c->height * c->width);
  for (uint32_t y = 0; y < c->height; y++) {
    uint32_t first = cuts->left ? cuts->left[y] - c->left : 0;
    uint32_t end = cuts->right ? cuts->right[y] - c->left : c->width;
    for (uint32_t x = first; x < end; x++) {
      size_t at = (size_t)(c->top + y) * ink->width + c->left + x;
      if (ink->strength[at] && is_of(components, at, digit))
        c->strength[(size_t)y * c->width + x] = ink->strength[at];
    }
  }
  return true;
}

/** Makes the strongest tenth of the clear ink 255; false: there is none. */
static bool strengthen(cutting *c, uint8_t clear) {
  size_t counts[256] = {0}, of_ink = 0, above = 0, count = (size_t)c->height * c->width;
  for (size_t i = 0; i < count; i++) counts[c->strength[i]]++;
  for (int s = clear; s < 256; s++) of_ink += counts[s];
  if (of_ink == 0) return false;
  int strong = 255;
  while (strong > 1 && 10 * (above += counts[strong]) < of_ink) strong--;
  uint8_t stronger[256];
  for (int s = 0; s < 256; s++) stronger[s] = (uint8_t)(s < strong ? 255 * s / strong : 255);
  for (size_t i = 0; i < count; i++) c->strength[i] = stronger[c->strength[i]];
  return true;
}

/** Trims rows and columns at the edges in which no pixel reaches the strength `least`. */
static dg_box trim(const cutting *c, uint8_t least) {
  uint32_t top = c->height, left = c->width, bottom = 0, right = 0;
  for (uint32_t y = 0; y < c->height; y++)
    for (uint32_t x = 0; x < c->width; x++) {
      if (c->strength[(size_t)y * c->width + x] < least) continue;
      if (y < top) top = y;
      if (x < left) left = x;
      if (y >= bottom) bottom = y + 1;
      if (x >= right) right = x + 1;
    }
  return (dg_box){top, left, bottom - top, right - left};
}

/* ---- scaling ------------------------------------------------------------ */

/** The offset in `side` of an image of so many pixels that puts its centre of mass in the middle.
    As in MNIST, the middle of 28 pixels is the fifteenth. */
static uint32_t first_pixel(double centre, uint32_t size, uint32_t side) {
  double first = floor(side / 2.0 - centre + 0.5);
  return first < 0 ? 0 : first > side - size ? side - size : (uint32_t)first;
}

/** Puts a scaled digit [height, width] into an image, with its centre of mass in the middle. */
static void centre(const float *digit, uint32_t height, uint32_t width, uint8_t *image,
                   uint32_t image_height, uint32_t image_width) {
  double mass = 1e-9, row = 0, column = 0;
  float most = 1;
  for (uint32_t i = 0; i < height * width; i++) {
    mass += digit[i];
    row += digit[i] * (i / width);
    column += digit[i] * (i % width);
    if (digit[i] > most) most = digit[i];
  }
  uint32_t top = first_pixel(row / mass, height, image_height);
  uint32_t left = first_pixel(column / mass, width, image_width);
  memset(image, 0, (size_t)image_height * image_width);
  for (uint32_t i = 0; i < height * width; i++)
    image[(size_t)(top + i / width) * image_width + left + i % width] =
        (uint8_t)lrintf(255 * digit[i] / most);
}

static uint32_t scaled(uint32_t size, double scale) {
  double to = floor(size * scale + 0.5);
  return to < 1 ? 1 : (uint32_t)to;
}

/** Scales the ink of a digit to fit 20/28 of an image, and puts it there. */
static bool fit(const cutting *c, const dg_box *part, uint32_t height, uint32_t width,
                uint8_t *image, dg_error *err) {
  uint32_t max_height = height * 20 / 28, max_width = width * 20 / 28;
  double scale = fmin((double)max_height / part->height, (double)max_width / part->width);
  dg_stretch down = {part->top, part->height, scaled(part->height, scale)};
  dg_stretch across = {part->left, part->width, scaled(part->width, scale)};
  float *digit = malloc((size_t)down.size * across.size * sizeof *digit);
  if (!digit) return dg_fail_memory(err, (size_t)down.size * across.size * sizeof *digit);
  bool ok = dg_scale_part(c->strength, c->width, &down, &across, digit, err);
  if (ok) centre(digit, down.size, across.size, image, height, width);
  free(digit);
  return ok;
}

bool dg_crop(const dg_ink *ink, const dg_components *components, uint32_t digit,
             const dg_cuts *cuts, uint32_t height, uint32_t width, uint8_t *image, dg_box *box,
             dg_error *err) {
  cutting c = {box->top, box->left, box->height, box->width, NULL};
  if (!cut_out(ink, components, digit, cuts, &c, err)) return false;
  bool ok = true;
  if (strengthen(&c, ink->clear)) {
    dg_box part = trim(&c, EDGE);
    ok = fit(&c, &part, height, width, image, err);
    *box = (dg_box){(c.top + part.top) * ink->reduced, (c.left + part.left) * ink->reduced,
                    part.height * ink->reduced, part.width * ink->reduced};
  } else {
    memset(image, 0, (size_t)height * width);
    *box = (dg_box){0};
  }
  free(c.strength);
  return ok;
}
