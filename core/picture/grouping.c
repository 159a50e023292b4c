/** Groups components into digits, and finds their reading order. */
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/picture/components.h"

enum { MAX_PARTS = 4096, MIN_HEIGHT = 6 };

/** The grouping of components into digits so far. The first part of a digit identifies it. */
typedef struct {
  dg_box box;
  uint32_t component; /**< in dg_components.items */
  uint32_t digit;     /**< in grouping.parts */
  uint32_t line;
} part;

typedef struct {
  part *parts;
  uint32_t count;
  uint32_t tall; /**< height of the tallest component, taken as the height of digits */
} grouping;

static uint32_t lesser(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

static uint32_t greater(uint32_t a, uint32_t b) {
  return a > b ? a : b;
}

/* ---- removing specks ---------------------------------------------------- */

static bool is_part(const grouping *g, const dg_box *box) {
  return 8 * greater(box->height, box->width) >= g->tall;
}

static bool choose_parts(grouping *g, const dg_components *components, const char *name,
                         dg_error *err) {
  uint32_t parts = 0;
  for (uint32_t i = 0; i < components->count; i++)
    g->tall = greater(g->tall, components->items[i].box.height);
  for (uint32_t i = 0; i < components->count; i++) parts += is_part(g, &components->items[i].box);
  if (parts > MAX_PARTS)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: more than %d marks of ink are no digits; cut out a part of the picture",
                   name, MAX_PARTS);
  g->parts = malloc((parts + 1) * sizeof *g->parts);
  if (!g->parts) return dg_fail_memory(err, (parts + 1) * sizeof *g->parts);
  for (uint32_t i = 0; i < components->count; i++)
    if (is_part(g, &components->items[i].box)) {
      g->parts[g->count] = (part){components->items[i].box, i, g->count, 0};
      g->count++;
    }
  return true;
}

/* ---- grouping ----------------------------------------------------------- */

/** The overlap of two intervals; negative: the gap between them. */
static int overlap(uint32_t first, uint32_t length, uint32_t other, uint32_t other_length) {
  return (int)lesser(first + length, other + other_length) - (int)greater(first, other);
}

/**
 * Are two boxes parts of one digit, given the height of digits? They are if one is inside or above
 * the other, or if one is near and small (less than half as tall).
 */
static bool belong_together(const dg_box *a, const dg_box *b, uint32_t tall) {
  int across = overlap(a->left, a->width, b->left, b->width);
  int down = overlap(a->top, a->height, b->top, b->height);
  int height = (int)lesser(a->height, b->height), width = (int)lesser(a->width, b->width);
  int near = (int)tall / 8;
  bool small = 2 * height < (int)tall;
  if (2 * across >= width) return down >= (small ? -2 * near : -near);
  return small && across >= -near && down >= -near;
}

static dg_box around(const dg_box *a, const dg_box *b) {
  dg_box box = {.top = lesser(a->top, b->top), .left = lesser(a->left, b->left)};
  box.height = greater(a->top + a->height, b->top + b->height) - box.top;
  box.width = greater(a->left + a->width, b->left + b->width) - box.left;
  return box;
}

static void merge_parts(grouping *g) {
  for (uint32_t a = 1; a < g->count; a++)
    for (uint32_t b = 0; b < a; b++) {
      uint32_t gone = g->parts[a].digit, kept = g->parts[b].digit;
      if (gone == kept || !belong_together(&g->parts[a].box, &g->parts[b].box, g->tall)) continue;
      for (uint32_t i = 0; i < g->count; i++)
        if (g->parts[i].digit == gone) g->parts[i].digit = kept;
    }
}

/* ---- reading order ------------------------------------------------------ */

static int by_top(const void *a, const void *b) {
  const part *first = a, *second = b;
  return (first->box.top > second->box.top) - (first->box.top < second->box.top);
}

static int by_column(const void *a, const void *b) {
  const part *first = a, *second = b;
  if (first->line != second->line) return first->line < second->line ? -1 : 1;
  return (first->box.left > second->box.left) - (first->box.left < second->box.left);
}

/** Lists the digits, one entry each with its whole box, without those much smaller than the
    tallest. */
static uint32_t gather_digits(const grouping *g, part *digits) {
  uint32_t count = 0, kept = 0, tall = 0;
  for (uint32_t i = 0; i < g->count; i++) {
    uint32_t d = 0;
    while (d < count && digits[d].digit != g->parts[i].digit) d++;
    if (d == count) digits[count++] = g->parts[i];
    digits[d].box = around(&digits[d].box, &g->parts[i].box);
  }
  for (uint32_t d = 0; d < count; d++) tall = greater(tall, digits[d].box.height);
  for (uint32_t d = 0; d < count; d++)
    if (20 * greater(digits[d].box.height, digits[d].box.width) >= 9 * tall)
      digits[kept++] = digits[d];
  return kept;
}

/** Sorts digits into lines: a line has the digits that overlap its topmost one vertically. */
static void sort_digits(part *digits, uint32_t count) {
  qsort(digits, count, sizeof *digits, by_top);
  uint32_t line = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (digits[i].line) continue;
    const dg_box *first = &digits[i].box;
    line++;
    for (uint32_t k = i; k < count; k++) {
      const dg_box *box = &digits[k].box;
      int shared = overlap(first->top, first->height, box->top, box->height);
      if (!digits[k].line && 2 * shared >= (int)lesser(first->height, box->height))
        digits[k].line = line;
    }
  }
  qsort(digits, count, sizeof *digits, by_column);
}

/** Sets the digit's number in each component. */
static bool number_components(const grouping *g, dg_components *components, dg_error *err) {
  part *digits = malloc((g->count + 1) * sizeof *digits);
  if (!digits) return dg_fail_memory(err, (g->count + 1) * sizeof *digits);
  components->digits = gather_digits(g, digits);
  sort_digits(digits, components->digits);
  for (uint32_t d = 0; d < components->digits; d++)
    for (uint32_t i = 0; i < g->count; i++)
      if (g->parts[i].digit == digits[d].digit)
        components->items[g->parts[i].component].digit = d + 1;
  free(digits);
  return true;
}

void dg_components_boxes(const dg_components *components, dg_box *boxes) {
  memset(boxes, 0, components->digits * sizeof *boxes);
  for (uint32_t i = 0; i < components->count; i++) {
    const dg_component *component = &components->items[i];
    if (component->digit == 0) continue;
    dg_box *box = &boxes[component->digit - 1];
    *box = box->height ? around(box, &component->box) : component->box;
  }
}

bool dg_components_group(dg_components *components, const char *name, dg_error *err) {
  grouping g = {0};
  bool ok = choose_parts(&g, components, name, err);
  if (ok && g.tall < MIN_HEIGHT)
    ok = dg_fail(err, DG_ERR_INPUT, "%s: no ink was found but specks; take a larger picture", name);
  if (ok) merge_parts(&g);
  ok = ok && number_components(&g, components, err);
  free(g.parts);
  return ok;
}
