#include "core/picture/clutter.h"

#include <stdlib.h>

#include "core/base/error.h"

/** What is known of a component. */
typedef struct {
  uint32_t area, outline; /**< pixels, and those of them at its edge */
  uint32_t of_lines;      /**< pixels of erased lines beside it */
  uint32_t continued;     /**< pixels of its outline beside paper that is as dark */
  uint64_t gray;          /**< sum of its gray levels */
  bool erased;
} trait;

typedef struct {
  dg_ink *ink;
  const dg_components *components;
  trait *traits;       /**< [components->count] */
  uint32_t tall, left; /**< height and number of the components that are left */
} clutter;

static uint32_t greater(uint32_t a, uint32_t b) {
  return a > b ? a : b;
}

static uint32_t lesser(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

/* ---- measuring ---------------------------------------------------------- */

/** Is any of the pixels so many up, down, left or right of one paper of a level? */
static bool is_beside(const dg_ink *ink, uint32_t y, uint32_t x, uint32_t apart, uint8_t level) {
  size_t at = (size_t)y * ink->width + x, rows = (size_t)apart * ink->width;
  return (y >= apart && ink->paper[at - rows] >= level) ||
         (y + apart < ink->height && ink->paper[at + rows] >= level) ||
         (x >= apart && ink->paper[at - apart] >= level) ||
         (x + apart < ink->width && ink->paper[at + apart] >= level);
}

/** Gray level of a pixel, the larger the more ink. */
static int gray_of(const dg_ink *ink, size_t at) {
  return ink->paper[at] + ink->strength[at] * (255 - ink->paper[at]) / 255;
}

/** Counts the pixels of each component. */
static void measure(clutter *c) {
  const uint32_t *labels = c->components->labels, width = c->ink->width, height = c->ink->height;
  for (uint32_t y = 0; y < height; y++)
    for (uint32_t x = 0; x < width; x++) {
      size_t at = (size_t)y * width + x;
      if (!labels[at]) continue;
      trait *t = &c->traits[labels[at] - 1];
      size_t up = y ? at - width : at, down = y + 1 < height ? at + width : at;
      size_t left = x ? at - 1 : at, right = x + 1 < width ? at + 1 : at;
      const uint8_t *lines = c->ink->lines;
      t->area++;
      t->gray += (uint64_t)gray_of(c->ink, at);
      t->outline += !labels[up] || !labels[down] || !labels[left] || !labels[right];
      t->of_lines += lines[up] || lines[down] || lines[left] || lines[right];
    }
}

/** Counts the pixels of outlines where a component goes on as paper: it is the edge of a table, a
    border or the like. */
static void measure_borders(clutter *c) {
  const uint32_t *labels = c->components->labels, width = c->ink->width, height = c->ink->height;
  for (uint32_t y = 0; y < height; y++)
    for (uint32_t x = 0; x < width; x++) {
      size_t at = (size_t)y * width + x;
      if (!labels[at]) continue;
      trait *t = &c->traits[labels[at] - 1];
      int gray = (int)(t->gray / t->area), paper = c->ink->paper[at];
      if (gray > paper && is_beside(c->ink, y, x, 2, (uint8_t)(gray - (gray - paper) / 4)))
        t->continued++;
    }
}

/** Width of a component's strokes. */
static double stroke(const trait *t) {
  return 2.0 * t->area / t->outline;
}

typedef struct {
  uint32_t height, weight;
} weighted;

static int by_height(const void *a, const void *b) {
  const weighted *first = a, *second = b;
  return (first->height > second->height) - (first->height < second->height);
}

/** The height that half of the ink of the components does not exceed. */
static bool find_usual_height(clutter *c, dg_error *err) {
  uint32_t count = 0;
  uint64_t all = 0, sum = 0;
  weighted *heights = malloc((c->components->count + 1) * sizeof *heights);
  if (!heights) return dg_fail_memory(err, (c->components->count + 1) * sizeof *heights);
  for (uint32_t i = 0; i < c->components->count; i++) {
    if (c->traits[i].erased) continue;
    heights[count++] = (weighted){c->components->items[i].box.height, c->traits[i].area};
    all += c->traits[i].area;
  }
  qsort(heights, count, sizeof *heights, by_height);
  c->tall = 0, c->left = count;
  for (uint32_t i = 0; i < count && 2 * sum < all; i++) {
    c->tall = heights[i].height;
    sum += heights[i].weight;
  }
  free(heights);
  return true;
}

/* ---- what is no digit --------------------------------------------------- */

static bool touches_edge(const clutter *c, const dg_box *box) {
  return box->top == 0 || box->left == 0 || box->top + box->height == c->ink->height ||
         box->left + box->width == c->ink->width;
}

static bool contains(const dg_box *outer, const dg_box *inner) {
  return inner->top > outer->top && inner->left > outer->left &&
         inner->top + inner->height < outer->top + outer->height &&
         inner->left + inner->width < outer->left + outer->width;
}

/** Is a component drawn around others that are too large to be specks in a 0? */
static bool is_frame(const clutter *c, uint32_t which) {
  const dg_box *box = &c->components->items[which].box;
  if (4ull * c->traits[which].area > (uint64_t)box->height * box->width) return false;
  for (uint32_t i = which + 1; i < c->components->count; i++) { /* those further down come later */
    const dg_box *inner = &c->components->items[i].box;
    if (inner->top >= box->top + box->height) break;
    if (!c->traits[i].erased && 2 * inner->height >= box->height / 2 && contains(box, inner))
      return true;
  }
  return false;
}

/** Is it a filled shape, about as wide as high? A disc fills 79 % of its box. */
static bool is_blob(const dg_box *box, const trait *t) {
  uint32_t shorter = lesser(box->height, box->width), longer = greater(box->height, box->width);
  return 4 * shorter > 3 * longer && 0.42 * shorter < stroke(t) &&
         100ull * t->area > 72ull * box->height * box->width;
}

/** Is it long and flat, or what an erased line left? */
static bool is_of_line(const clutter *c, const dg_box *box, const trait *t) {
  if (box->width > 4 * box->height && 2 * box->height < c->tall && box->width > c->tall)
    return true;
  return t->of_lines && 2 * greater(box->height, box->width) < c->tall;
}

static void mark_all(clutter *c, bool (*is_clutter)(const clutter *, uint32_t)) {
  for (uint32_t i = 0; i < c->components->count; i++)
    if (!c->traits[i].erased) c->traits[i].erased = is_clutter(c, i);
}

static bool at_edge(const clutter *c, uint32_t i) {
  const trait *t = &c->traits[i];
  return touches_edge(c, &c->components->items[i].box) || 5 * t->continued > t->outline;
}

/** What stands alone may be a digit that is only just being drawn. */
static bool no_digit(const clutter *c, uint32_t i) {
  const dg_box *box = &c->components->items[i].box;
  if (c->left == 1) return false;
  return is_blob(box, &c->traits[i]) || is_of_line(c, box, &c->traits[i]);
}

/** Erases the marked components, with the faint ink beside them. */
static void erase(const clutter *c) {
  const uint32_t *labels = c->components->labels, width = c->ink->width, height = c->ink->height;
  for (uint32_t y = 0; y < height; y++)
    for (uint32_t x = 0; x < width; x++) {
      uint32_t label = labels[(size_t)y * width + x];
      if (!label || !c->traits[label - 1].erased) continue;
      for (uint32_t row = y > 1 ? y - 2 : 0; row <= y + 2 && row < height; row++)
        for (uint32_t column = x > 1 ? x - 2 : 0; column <= x + 2 && column < width; column++) {
          size_t at = (size_t)row * width + column;
          if (!labels[at] || labels[at] == label) c->ink->strength[at] = 0;
        }
    }
}

bool dg_clutter_erase(dg_ink *ink, const dg_components *components, uint32_t *tall, dg_error *err) {
  clutter c = {.ink = ink, .components = components};
  c.traits = calloc(components->count + 1, sizeof *c.traits);
  if (!c.traits) return dg_fail_memory(err, (components->count + 1) * sizeof *c.traits);
  measure(&c);
  measure_borders(&c);
  mark_all(&c, at_edge);
  mark_all(&c, is_frame);
  bool ok = find_usual_height(&c, err);
  if (ok) {
    mark_all(&c, no_digit);
    ok = find_usual_height(&c, err);
    erase(&c);
  }
  *tall = c.tall;
  free(c.traits);
  return ok;
}
