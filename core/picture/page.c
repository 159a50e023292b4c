#include "core/picture/page.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/picture/scale.h"

enum {
  MAX_SIDE = 160,
  LEVELS = 256,
  MIN_DIFFERENCE = 40,
  MARGIN = 3,
  STROKE = 2,
  MIN_SIDE = 100,
  MIN_SHORTER = 40
};

static const double least_explained = 0.85, least_around = 0.9, least_page = 0.35,
                    least_solid = 0.9;

/** A small version of the paper: what is table, what is page. */
typedef struct {
  uint32_t height, width;
  uint8_t *levels; /**< [height, width] */
  uint8_t *page;   /**< [height, width]: 1 */
} layout;

/** Finds the level that splits the pixels into two classes of least variance (N. Otsu, "A threshold
    selection method from gray-level histograms", 1979); false: they are not two. */
static bool split(const layout *l, int *level) {
  size_t count = (size_t)l->height * l->width;
  double counts[LEVELS] = {0}, all = 0, squares = 0, below = 0, sum = 0, best = 0;
  for (size_t i = 0; i < count; i++) counts[l->levels[i]]++;
  for (int i = 0; i < LEVELS; i++) all += i * counts[i], squares += (double)i * i * counts[i];
  double variance = squares / (double)count - all * all / (double)count / (double)count;
  bool apart = false;
  for (int i = 0; i + 1 < LEVELS; i++) {
    below += counts[i], sum += i * counts[i];
    double above = (double)count - below;
    if (below == 0 || above == 0) continue;
    double difference = (all - sum) / above - sum / below;
    double between = below * above / (double)count / (double)count * difference * difference;
    if (between <= best) continue;
    best = between, *level = i;
    apart = difference >= MIN_DIFFERENCE && between >= least_explained * variance;
  }
  return apart;
}

/** Marks as page what is not of the class that has nearly all of the edge; false: none has. */
static bool mark_page(layout *l, int level) {
  uint32_t edge = 0, above = 0;
  for (uint32_t y = 0; y < l->height; y++)
    for (uint32_t x = 0; x < l->width; x++) {
      if (y && x && y + 1 < l->height && x + 1 < l->width) continue;
      edge++;
      above += l->levels[y * l->width + x] > level;
    }
  bool table_above = above >= least_around * edge;
  if (!table_above && edge - above < least_around * edge) return false;
  for (uint32_t i = 0; i < l->height * l->width; i++)
    l->page[i] = (l->levels[i] > level) != table_above;
  return true;
}

/** Fills a row or a column of the page between its ends, without a margin; returns its length. */
static uint32_t fill(uint8_t *page, uint32_t count, size_t apart) {
  uint32_t first = 0, end = count;
  while (first < end && !page[first * apart]) first++;
  while (end > first && !page[(end - 1) * apart]) end--;
  for (uint32_t i = 0; i < count; i++) page[i * apart] = i >= first + MARGIN && i + MARGIN < end;
  return end - first;
}

/** A page is large, and hardly has holes. */
static bool find_page(layout *l) {
  int level = 0;
  uint32_t solid = 0, whole = 0, count = l->height * l->width;
  if (!split(l, &level) || !mark_page(l, level)) return false;
  for (uint32_t i = 0; i < count; i++) solid += l->page[i];
  for (uint32_t x = 0; x < l->width; x++) whole += fill(l->page + x, l->height, l->width);
  for (uint32_t y = 0; y < l->height; y++) fill(l->page + y * l->width, l->width, 1);
  return solid >= least_page * count && solid >= least_solid * whole;
}

/** Gives what is beside the page the level of the nearest pixel of the page in its row, or of the
    nearest row that has any; false: the page is not wider than its margins. */
static bool extend_levels(layout *l) {
  uint32_t first = l->height, last = 0;
  for (uint32_t y = 0; y < l->height; y++) {
    uint8_t *levels = l->levels + (size_t)y * l->width, *page = l->page + (size_t)y * l->width;
    uint32_t left = 0, right = l->width - 1;
    while (left < l->width && !page[left]) left++;
    if (left == l->width) continue;
    while (!page[right]) right--;
    memset(levels, levels[left], left);
    memset(levels + right, levels[right], l->width - right);
    if (first == l->height) first = y;
    last = y;
  }
  for (uint32_t y = 0; first < l->height && y < l->height; y++)
    if (y < first || y > last)
      memcpy(l->levels + (size_t)y * l->width,
             l->levels + (size_t)(y < first ? first : last) * l->width, l->width);
  return first < l->height;
}

/** Removes what is drawn: bright and dark parts that are narrower than a window. */
static bool remove_strokes(layout *l, dg_error *err) {
  return dg_window_largest(l->levels, l->height, l->width, STROKE, err) &&
         dg_window_least(l->levels, l->height, l->width, 2 * STROKE, err) &&
         dg_window_largest(l->levels, l->height, l->width, STROKE, err);
}

bool dg_page_extend(uint8_t *pixels, uint32_t height, uint32_t width, dg_error *err) {
  uint32_t longer = height > width ? height : width, shorter = height + width - longer;
  uint32_t by = (longer + MAX_SIDE - 1) / MAX_SIDE;
  if (by > 1 && shorter / by < MIN_SHORTER) by = shorter / MIN_SHORTER ? shorter / MIN_SHORTER : 1;
  layout l = {.height = (height + by - 1) / by, .width = (width + by - 1) / by};
  size_t count = (size_t)l.height * l.width;
  if (longer < MIN_SIDE) return true;
  l.levels = malloc(2 * count);
  if (!l.levels) return dg_fail_memory(err, 2 * count);
  l.page = l.levels + count;
  bool ok =
      dg_scale(pixels, height, width, l.levels, l.height, l.width, err) && remove_strokes(&l, err);
  if (ok && find_page(&l) && extend_levels(&l))
    for (uint32_t y = 0; y < height; y++)
      for (uint32_t x = 0; x < width; x++) {
        size_t at = (size_t)y * l.height / height * l.width + (size_t)x * l.width / width;
        if (!l.page[at]) pixels[(size_t)y * width + x] = l.levels[at];
      }
  free(l.levels);
  return ok;
}
