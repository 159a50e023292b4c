#include "core/picture/ink.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/picture/page.h"
#include "core/picture/strokes.h"

enum {
  MAX_WORKED_ON = 1 << 22, /* pixels; larger pictures are downscaled */
  MIN_SIDE = 8,            /* of a picture's longer side */
  MIN_INK = 12,            /* pixels */
  MIN_CONTRAST = 20,       /* of 255, between ink and paper */
  MIN_LIGHT = 32           /* of 255: in darker light noise would be taken for ink */
};

static int larger(int a, int b) {
  return a > b ? a : b;
}

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
  ink->lines = calloc(ink->height, ink->width);
  if (!ink->strength || !ink->lines)
    return dg_fail_memory(err, 2 * (size_t)ink->height * ink->width);
  uint8_t *to = ink->strength;
  for (uint32_t y = 0; y < ink->height; y++)
    for (uint32_t x = 0; x < ink->width; x++) *to++ = mean_of_square(picture, y * by, x * by, by);
  return true;
}

/* ---- paper -------------------------------------------------------------- */

static void invert(dg_ink *ink) {
  size_t count = (size_t)ink->height * ink->width;
  for (size_t i = 0; i < count; i++) ink->strength[i] = (uint8_t)(255 - ink->strength[i]);
}

/**
 * Removes the light of the paper: the morphological opening of bright ink by a window wider than
 * any stroke, which follows gradients and the edges of shadows exactly. A pixel's strength is its
 * share of the range from there to 255; so dark ink keeps its strength in a shadow.
 */
static bool subtract_paper(dg_ink *ink, dg_error *err) {
  size_t count = (size_t)ink->height * ink->width;
  uint8_t *paper = ink->paper = malloc(count);
  if (!paper) return dg_fail_memory(err, count);
  memcpy(paper, ink->strength, count);
  bool ok = dg_window_open(paper, ink->height, ink->width, ink->reach, err);
  for (size_t i = 0; ok && i < count; i++) {
    int range = larger(255 - paper[i], MIN_LIGHT);
    int strength = (255 * (ink->strength[i] - paper[i]) + range / 2) / range;
    ink->strength[i] = (uint8_t)(strength < 255 ? strength : 255);
  }
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

/** Finds the paper's noise and sets the paper to 0. */
static void settle_paper(dg_ink *ink) {
  uint64_t counts[LEVELS] = {0};
  size_t count = (size_t)ink->height * ink->width;
  for (size_t i = 0; i < count; i++) counts[ink->strength[i]]++;
  int paper = quantile(counts, 0.5);
  ink->noise = noise_of(counts, paper);
  ink->least = (uint8_t)fmin(fmax(5 * ink->noise, MIN_CONTRAST), 255);
  for (size_t i = 0; i < count; i++)
    ink->strength[i] = (uint8_t)(ink->strength[i] > paper ? ink->strength[i] - paper : 0);
}

bool dg_ink_measure(dg_ink *ink) {
  uint64_t counts[LEVELS] = {0}, of_ink = 0;
  size_t count = (size_t)ink->height * ink->width;
  for (size_t i = 0; i < count; i++)
    if (ink->strength[i] > ink->least) counts[ink->strength[i]]++, of_ink++;
  if (of_ink < MIN_INK) return false;
  int strong = quantile(counts, 0.75);
  ink->clear = (uint8_t)larger(strong / 2, 1);
  ink->faint = (uint8_t)larger((int)(3 * ink->noise), larger(strong / 10, 1));
  return true;
}

bool dg_ink_find(const dg_picture *picture, const char *name, dg_ink *ink, dg_error *err) {
  *ink = (dg_ink){0};
  if (picture->height < MIN_SIDE && picture->width < MIN_SIDE)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: %u x %u pixels are too few for a digit: %d are the least; take a larger "
                   "picture",
                   name, picture->width, picture->height, MIN_SIDE);
  dg_strokes strokes;
  bool ok = reduce(picture, ink, err) &&
            dg_page_extend(ink->strength, ink->height, ink->width, err) &&
            dg_strokes_measure(ink->strength, ink->height, ink->width, &strokes, err);
  if (ok) {
    ink->reach = strokes.reach;
    if (!strokes.bright) invert(ink);
  }
  ok = ok && subtract_paper(ink, err);
  if (ok) settle_paper(ink);
  if (ok && !dg_ink_measure(ink))
    ok =
        dg_fail(err, DG_ERR_INPUT, "%s: no ink was found; take a picture with more contrast", name);
  if (!ok) dg_ink_free(ink);
  return ok;
}

void dg_ink_free(dg_ink *ink) {
  free(ink->strength);
  free(ink->paper);
  free(ink->lines);
  *ink = (dg_ink){0};
}
