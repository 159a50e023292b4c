#include "core/picture/marks.h"

#include <stdlib.h>

/** Pixels that were reached and whose neighbours were not looked at yet. */
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

/** Spreads the marks of the queue's pixels over neighbours of no mark with `least` strength. */
static void spread(const dg_ink *ink, dg_marks *marks, queue *q, uint8_t least) {
  while (q->first < q->end) {
    uint32_t at = q->pixels[q->first++], mark = marks->of[at];
    uint32_t y = at / ink->width, x = at % ink->width;
    for (uint32_t row = y ? y - 1 : 0; row <= y + 1 && row < ink->height; row++)
      for (uint32_t column = x ? x - 1 : 0; column <= x + 1 && column < ink->width; column++) {
        uint32_t next = row * ink->width + column;
        if (marks->of[next] || ink->strength[next] < least) continue;
        marks->of[next] = mark;
        widen(&marks->marks[mark - 1].box, row, column);
        q->pixels[q->end++] = next;
      }
  }
}

/** Adds a mark that has begun at a pixel. */
static bool begin_mark(const dg_ink *ink, dg_marks *marks, uint32_t at, size_t *room,
                       dg_error *err) {
  if (marks->count == *room) {
    *room = *room ? 2 * *room : 64;
    dg_mark *more = realloc(marks->marks, *room * sizeof *more);
    if (!more) return dg_fail_memory(err, *room * sizeof *more);
    marks->marks = more;
  }
  marks->marks[marks->count++] =
      (dg_mark){.box = {at / ink->width, at % ink->width, .height = 1, .width = 1}};
  marks->of[at] = marks->count;
  return true;
}

bool dg_marks_find(const dg_ink *ink, dg_marks *marks, dg_error *err) {
  size_t count = (size_t)ink->height * ink->width, room = 0;
  *marks = (dg_marks){.of = calloc(count, sizeof *marks->of)};
  queue q = {.pixels = malloc(count * sizeof *q.pixels)};
  bool ok = (marks->of && q.pixels) || dg_fail_memory(err, 2 * count * sizeof *marks->of);
  for (uint32_t at = 0; ok && at < count; at++) {
    if (marks->of[at] || ink->strength[at] < ink->clear) continue;
    ok = begin_mark(ink, marks, at, &room, err);
    q.pixels[q.end++] = at;
    if (ok) spread(ink, marks, &q, ink->clear);
  }
  free(q.pixels);
  return ok;
}

bool dg_marks_grow(const dg_ink *ink, dg_marks *marks, dg_error *err) {
  size_t count = (size_t)ink->height * ink->width;
  queue q = {.pixels = malloc(count * sizeof *q.pixels)};
  if (!q.pixels) return dg_fail_memory(err, count * sizeof *q.pixels);
  for (uint32_t at = 0; at < count; at++)
    if (marks->of[at]) q.pixels[q.end++] = at;
  spread(ink, marks, &q, ink->faint);
  free(q.pixels);
  return true;
}

void dg_marks_free(dg_marks *marks) {
  free(marks->marks);
  free(marks->of);
  *marks = (dg_marks){0};
}
