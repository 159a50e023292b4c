#include "core/picture/components.h"
#include "core/base/error.h"

#include <stdlib.h>

/** A queue of pixels whose neighbours are not visited yet. */
typedef struct {
  uint32_t *pixels;
  size_t first, end;
} queue;

static void widen(dg_box *box, uint32_t y, uint32_t x) {
  uint32_t bottom = box->top + box->height, right = box->left + box->width;
  if (y < box->top) box->top = y;
  if (x < box->left) box->left = x;
  box->height = (y + 1 > bottom ? y + 1 : bottom) - box->top;
  box->width = (x + 1 > right ? x + 1 : right) - box->left;
}

/** Grows the components of the queue's pixels before `end` over neighbours without a component that
    have at least the strength `least`; these join the queue. */
static void spread(const dg_ink *ink, dg_components *components, queue *q, size_t end,
                   uint8_t least) {
  while (q->first < end) {
    uint32_t at = q->pixels[q->first++], component = components->labels[at];
    uint32_t y = at / ink->width, x = at % ink->width;
    for (uint32_t row = y ? y - 1 : 0; row <= y + 1 && row < ink->height; row++)
      for (uint32_t column = x ? x - 1 : 0; column <= x + 1 && column < ink->width; column++) {
        uint32_t next = row * ink->width + column;
        if (components->labels[next] || ink->strength[next] < least) continue;
        components->labels[next] = component;
        widen(&components->items[component - 1].box, row, column);
        q->pixels[q->end++] = next;
      }
  }
}

/** Adds a component that starts at a pixel. */
static bool begin_component(const dg_ink *ink, dg_components *components, uint32_t at,
                            size_t *capacity, dg_error *err) {
  if (components->count == *capacity) {
    *capacity = *capacity ? 2 * *capacity : 64;
    dg_component *more = realloc(components->items, *capacity * sizeof *more);
    if (!more) return dg_fail_memory(err, *capacity * sizeof *more);
    components->items = more;
  }
  components->items[components->count++] =
      (dg_component){.box = {at / ink->width, at % ink->width, .height = 1, .width = 1}};
  components->labels[at] = components->count;
  return true;
}

bool dg_components_find(const dg_ink *ink, dg_components *components, dg_error *err) {
  size_t count = (size_t)ink->height * ink->width, capacity = 0;
  *components = (dg_components){.labels = calloc(count, sizeof *components->labels)};
  queue q = {.pixels = malloc(count * sizeof *q.pixels)};
  bool ok = (components->labels && q.pixels) ||
            dg_fail_memory(err, 2 * count * sizeof *components->labels);
  for (uint32_t at = 0; ok && at < count; at++) {
    if (components->labels[at] || ink->strength[at] < ink->clear) continue;
    ok = begin_component(ink, components, at, &capacity, err);
    q.pixels[q.end++] = at;
    while (ok && q.first < q.end) spread(ink, components, &q, q.end, ink->clear);
  }
  free(q.pixels);
  return ok;
}

bool dg_components_grow(const dg_ink *ink, dg_components *components, dg_error *err) {
  size_t count = (size_t)ink->height * ink->width;
  queue q = {.pixels = malloc(count * sizeof *q.pixels)};
  if (!q.pixels) return dg_fail_memory(err, count * sizeof *q.pixels);
  for (uint32_t at = 0; at < count; at++)
    if (components->labels[at]) q.pixels[q.end++] = at;
  for (uint32_t step = 0; step < ink->reach && q.first < q.end; step++)
    spread(ink, components, &q, q.end, ink->faint);
  free(q.pixels);
  return true;
}

void dg_components_free(dg_components *components) {
  free(components->items);
  free(components->labels);
  *components = (dg_components){0};
}
