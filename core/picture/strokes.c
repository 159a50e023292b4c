/**
 * Granulometry (G. Matheron, "Random sets and integral geometry", 1975): a closing by a window
 * fills what is dark and narrower than the window, and leaves what is wider, such as shadows,
 * tables and borders. The sum of what is filled grows with the window until it is wider than the
 * strokes. The same with an opening for what is bright. Strokes are narrower than the gaps between
 * them, so they are what is filled first.
 */
#include "core/picture/strokes.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/picture/scale.h"

enum { MAX_SIDE = 480, MAX_SCALES = 24, MIN_DIFFERENCE = 20, MIN_REACH = 12 };

static const double hardly = 1.08, most_growth = 1.5;

/** A small version of the picture, and the sums for each reach. */
typedef struct {
  uint32_t height, width;
  double by;                /**< pixels of the picture for each of this one */
  uint8_t *pixels, *filled; /**< [height, width] */
  uint32_t scales;
  uint32_t reach[MAX_SCALES];
  double sums[2][MAX_SCALES]; /**< dark, bright */
  uint32_t filled_pixels[2];  /**< by the widest window: dark, bright */
} granules;

/** Sums the squares of what an opening (bright) or closing (dark) by a window changes. */
static bool sum_filled(granules *g, uint32_t reach, bool bright, double *sum, dg_error *err) {
  size_t count = (size_t)g->height * g->width;
  uint8_t invert = bright ? 0 : UINT8_MAX;
  for (size_t i = 0; i < count; i++) g->filled[i] = g->pixels[i] ^ invert;
  if (!dg_window_open(g->filled, g->height, g->width, reach, err)) return false;
  *sum = 0;
  g->filled_pixels[bright] = 0;
  for (size_t i = 0; i < count; i++) {
    int difference = (g->pixels[i] ^ invert) - g->filled[i];
    if (difference <= MIN_DIFFERENCE) continue;
    *sum += (double)difference * difference;
    g->filled_pixels[bright]++;
  }
  return true;
}

/** Reach of the widest window. In a strip it stays low, else the paper between digits, too, would
   be narrower than the window. */
static uint32_t most_reach(const granules *g) {
  uint32_t longer = g->height > g->width ? g->height : g->width;
  uint32_t most = longer / 8, of_strip = (g->height + g->width - longer) / 3;
  if (of_strip < MIN_REACH) of_strip = MIN_REACH;
  if (most > of_strip) most = of_strip;
  return most > 4 ? most : 4;
}

static bool sum_all(granules *g, dg_error *err) {
  uint32_t most = most_reach(g);
  bool ok = true;
  for (uint32_t reach = 1; ok && reach <= most && g->scales < MAX_SCALES; reach += 1 + reach / 3) {
    ok = sum_filled(g, reach, false, &g->sums[0][g->scales], err) &&
         sum_filled(g, reach, true, &g->sums[1][g->scales], err);
    g->reach[g->scales++] = reach;
  }
  return ok;
}

/** How much the sum grows while the window becomes three times as wide; 0: no window is so wide. */
static double growth(const granules *g, const double *sums, uint32_t i) {
  uint32_t k = i;
  while (k + 1 < g->scales && g->reach[k] < 3 * g->reach[i]) k++;
  return g->reach[k] >= 3 * g->reach[i] && sums[i] > 0 ? sums[k] / sums[i] : 0;
}

/** The first scale after which the sum hardly grows any more, else the one after which it grows
   least; the last one if it always grows, because the strokes are wide, or if the picture is small.
 */
static uint32_t settled(const granules *g, const double *sums) {
  uint32_t last = g->scales - 1, best = last;
  double least = most_growth;
  if (g->reach[last] < MIN_REACH) return last;
  for (uint32_t i = 0; i < last; i++) {
    double grows = growth(g, sums, i);
    if (grows == 0 || sums[i] < 0.1 * sums[last] || grows >= least) continue;
    least = grows, best = i;
    if (grows <= hardly) break;
  }
  return best;
}

/** Ink is what the narrowest window fills that fills anything (in a small picture, the widest),
   unless that is most of the picture: then it is the paper between lines. */
static void conclude(const granules *g, dg_strokes *strokes) {
  uint32_t last = g->scales - 1, at = g->reach[last] < MIN_REACH ? last : 0;
  double dark = g->sums[0][last], bright = g->sums[1][last], all = dark > bright ? dark : bright;
  while (at < last && g->sums[0][at] < 0.1 * all && g->sums[1][at] < 0.1 * all) at++;
  strokes->bright = g->sums[1][at] > g->sums[0][at];
  if (2 * g->filled_pixels[strokes->bright] > g->height * g->width)
    strokes->bright = !strokes->bright;
  double reach = g->reach[settled(g, g->sums[strokes->bright])];
  strokes->reach = (uint32_t)((3 * reach + 3) * g->by);
}

bool dg_strokes_measure(const uint8_t *pixels, uint32_t height, uint32_t width, dg_strokes *strokes,
                        dg_error *err) {
  uint32_t longer = height > width ? height : width;
  granules g = {.by = longer > MAX_SIDE ? (double)longer / MAX_SIDE : 1};
  g.height = (uint32_t)(height / g.by) ? (uint32_t)(height / g.by) : 1;
  g.width = (uint32_t)(width / g.by) ? (uint32_t)(width / g.by) : 1;
  size_t count = (size_t)g.height * g.width;
  g.pixels = malloc(2 * count);
  if (!g.pixels) return dg_fail_memory(err, 2 * count);
  g.filled = g.pixels + count;
  bool ok = dg_scale(pixels, height, width, g.pixels, g.height, g.width, err) && sum_all(&g, err);
  if (ok) conclude(&g, strokes);
  free(g.pixels);
  return ok;
}
