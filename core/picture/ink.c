#include "core/picture/ink.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/picture/light.h"

enum {
  MAX_WORKED_ON = 1 << 22, /* pixels; larger pictures are downscaled */
  MIN_SIDE = 8,            /* of a picture's longer side */
  MIN_INK = 12,            /* pixels */
  MIN_CONTRAST = 20,       /* of 255, between ink and paper */
  MIN_LIGHT = 32           /* of 255: in darker light noise would be taken for ink */
};

/* ---- a smaller picture -------------------------------------------------- */

static uint8_t mean_of_square(const dg_picture *picture, uint32_t top, uint32_t left,
                              uint32_t side) {
  uint32_t sum = 0;
  for (uint32_t y = top; y < top + side; y++)
    for (uint32_t x = left; x < left + side; x++)
      sum += picture->pixels[(size_t)y * picture->width + x];
  return (uint8_t)((sum + side * side / 2) / (side * side));
}

static bool reduce(const dg_picture *picture, dg_ink *ink, dg_error *err) {
  uint64_t pixels = (uint64_t)picture->height * picture->width;
  uint32_t by = 1, shorter = picture->height < picture->width ? picture->height : picture->width;
  while (pixels / by / by > MAX_WORKED_ON && by < shorter) by++;
  *ink = (dg_ink){picture->height / by, picture->width / by, .reduced = by};
  ink->strength = malloc((size_t)ink->height * ink->width);
  if (!ink->strength) return dg_fail_memory(err, (size_t)ink->height * ink->width);
  uint8_t *to = ink->strength;
  for (uint32_t y = 0; y < ink->height; y++)
    for (uint32_t x = 0; x < ink->width; x++) *to++ = mean_of_square(picture, y * by, x * by, by);
  return true;
}

/* ---- bright or dark ----------------------------------------------------- */

/** Sums of all pixels above and left of each corner: [height + 1, width + 1]. */
static uint32_t *integrate(const dg_ink *ink) {
  size_t row = (size_t)ink->width + 1;
  uint32_t *sums = calloc((ink->height + 1) * row, sizeof *sums);
  for (uint32_t y = 0; sums && y < ink->height; y++) {
    uint32_t *above = sums + y * row, *at = above + row, sum = 0;
    for (uint32_t x = 0; x < ink->width; x++) {
      sum += ink->strength[(size_t)y * ink->width + x];
      at[x + 1] = above[x + 1] + sum;
    }
  }
  return sums;
}

/** The part of [0, size) within `reach` of `at`. */
static void window_around(uint32_t at, uint32_t reach, uint32_t size, uint32_t *first,
                          uint32_t *end) {
  *first = at > reach ? at - reach : 0;
  *end = at + reach + 1 < size ? at + reach + 1 : size;
}

/**
 * Positive if the ink is bright on dark. Ink is the smaller part of a picture, so its pixels differ
 * most from the mean of their surroundings and decide the sign of the sum of cubed differences.
 */
static double skewness(const dg_ink *ink, const uint32_t *sums) {
  size_t row = (size_t)ink->width + 1;
  uint32_t reach = (ink->height > ink->width ? ink->height : ink->width) / 4;
  double sum = 0;
  for (uint32_t y = 0; y < ink->height; y++) {
    uint32_t top, bottom, left, right;
    window_around(y, reach, ink->height, &top, &bottom);
    for (uint32_t x = 0; x < ink->width; x++) {
      window_around(x, reach, ink->width, &left, &right);
      uint32_t light = sums[bottom * row + right] - sums[bottom * row + left] -
                       sums[top * row + right] + sums[top * row + left];
      double beside = ink->strength[(size_t)y * ink->width + x] -
                      (double)light / ((double)(bottom - top) * (right - left));
      sum += beside * beside * beside;
    }
  }
  return sum;
}

/** Inverts the pixels where the ink is darker than the paper. */
static bool make_ink_bright(dg_ink *ink, dg_error *err) {
  size_t count = (size_t)ink->height * ink->width;
  uint32_t *sums = integrate(ink);
  if (!sums) return dg_fail_memory(err, (count + ink->height + ink->width + 1) * sizeof *sums);
  bool dark = skewness(ink, sums) < 0;
  free(sums);
  for (size_t i = 0; dark && i < count; i++) ink->strength[i] = (uint8_t)(255 - ink->strength[i]);
  return true;
}

/* ---- paper -------------------------------------------------------------- */

/**
 * Removes the slowly changing light of the paper. A pixel's strength is its share of the range from
 * the paper's light to 255; so dark ink keeps its strength where the light falls off.
 */
static void subtract_light(dg_ink *ink) {
  dg_light light = dg_light_fit(ink->strength, ink->height, ink->width);
  uint8_t *pixel = ink->strength;
  for (uint32_t y = 0; y < ink->height; y++)
    for (uint32_t x = 0; x < ink->width; x++, pixel++) {
      double paper = dg_light_at(&light, y, x);
      double share = 255 * (*pixel - paper) / fmax(255 - paper, MIN_LIGHT);
      *pixel = (uint8_t)lrint(fmin(fmax(share, 0), 255));
    }
}

/** Removes bright areas wider than any stroke, such as shadows: subtracts the morphological opening
    of the picture, which has no bright parts narrower than the window. */
static bool subtract_shadows(dg_ink *ink, dg_error *err) {
  size_t count = (size_t)ink->height * ink->width;
  uint32_t shorter = ink->height < ink->width ? ink->height : ink->width;
  uint32_t reach = shorter * 35 / 100;
  uint8_t *wide = malloc(count);
  if (!wide) return dg_fail_memory(err, count);
  memcpy(wide, ink->strength, count);
  bool ok = dg_window_least(wide, ink->height, ink->width, reach, err) &&
            dg_window_largest(wide, ink->height, ink->width, reach, err);
  for (size_t i = 0; ok && i < count; i++) ink->strength[i] = (uint8_t)(ink->strength[i] - wide[i]);
  free(wide);
  return ok;
}

/* ---- ink ---------------------------------------------------------------- */

enum { LEVELS = 256 };

/** The first level that at least a `share` of the counted pixels do not exceed. */
static int quantile(const uint64_t counts[LEVELS], double share) {
  uint64_t all = 0, below = 0;
  for (int i = 0; i < LEVELS; i++) all += counts[i];
  int level = 0;
  while (level < LEVELS - 1 && (double)(below += counts[level]) < share * (double)all) level++;
  return level;
}

/** Standard deviation of the paper's noise, from the median absolute deviation of a normal
    distribution. */
static double noise_of(const uint64_t counts[LEVELS], int median) {
  uint64_t distances[LEVELS] = {0};
  for (int i = 0; i < LEVELS; i++) distances[abs(i - median)] += counts[i];
  return 1.4826 * quantile(distances, 0.5);
}

static int larger(int a, int b) {
  return a > b ? a : b;
}

/** Finds the strength of ink and whether there is any; sets paper to 0. */
static bool measure(dg_ink *ink, const char *name, dg_error *err) {
  uint64_t counts[LEVELS] = {0}, of_ink = 0;
  size_t count = (size_t)ink->height * ink->width;
  for (size_t i = 0; i < count; i++) counts[ink->strength[i]]++;
  int paper = quantile(counts, 0.5);
  double noise = noise_of(counts, paper);
  int least = paper + larger((int)(5 * noise), MIN_CONTRAST);
  for (int i = 0; i < LEVELS; i++)
    if (i <= least)
      counts[i] = 0;
    else
      of_ink += counts[i];
  if (of_ink < MIN_INK)
    return dg_fail(err, DG_ERR_INPUT, "%s: no ink was found; take a picture with more contrast",
                   name);
  int strong = quantile(counts, 0.75) - paper;
  ink->clear = (uint8_t)(strong / 2);
  ink->faint = (uint8_t)larger((int)(3 * noise), strong / 10);
  for (size_t i = 0; i < count; i++)
    ink->strength[i] = (uint8_t)(ink->strength[i] > paper ? ink->strength[i] - paper : 0);
  return true;
}

bool dg_ink_find(const dg_picture *picture, const char *name, dg_ink *ink, dg_error *err) {
  *ink = (dg_ink){0};
  if (picture->height < MIN_SIDE && picture->width < MIN_SIDE)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: %u x %u pixels are too few for a digit: %d are the least; take a larger "
                   "picture",
                   name, picture->width, picture->height, MIN_SIDE);
  bool ok = reduce(picture, ink, err) && make_ink_bright(ink, err);
  if (ok) subtract_light(ink);
  ok = ok && subtract_shadows(ink, err) && measure(ink, name, err);
  if (!ok) dg_ink_free(ink);
  return ok;
}

void dg_ink_free(dg_ink *ink) {
  free(ink->strength);
  *ink = (dg_ink){0};
}
