#include "core/picture/lines.h"

#include <math.h>
#include <stdlib.h>

#include "core/picture/trace.h"

enum { MIN_ASPECT = 10, SURE_ASPECT = 25, MAX_SIDES = 512 };

/* ---- choosing ----------------------------------------------------------- */

/** Is a line longer than any stroke of a digit, or does it end at the picture's edge? */
static bool is_long(const dg_lines *lines, const dg_line *line, uint32_t tall, bool upright) {
  double length = line->last - line->first + 1, whole = lines->direction.length;
  if (length >= SURE_ASPECT * line->thick && length >= (upright ? 0.75 : 0.4) * whole) return true;
  bool at_edge = line->first == 0 || line->last + 1 == lines->direction.length;
  if (at_edge && length >= MIN_ASPECT * line->thick) return true;
  return tall >= 3 * line->thick && length >= MIN_ASPECT * line->thick &&
         length >= (upright ? 1.3 : 1.5) * tall;
}

static void choose_long(dg_lines *lines, uint32_t tall, bool upright) {
  for (uint32_t i = 0; i < lines->count; i++)
    if (is_long(lines, &lines->lines[i], tall, upright)) lines->lines[i].chosen = true;
}

/** Does an end of an upright line, at (`row`, `column`), meet a row? */
static bool meets(const dg_line *row_line, double row, double column) {
  double near = row_line->thick + 3, length = row_line->last - row_line->first;
  if (column < row_line->first - near || column > row_line->last + near) return false;
  double share = length > 0 ? (column - row_line->first) / length : 0;
  return fabs(row_line->begins + share * (row_line->ends - row_line->begins) - row) <= near;
}

/** The row that an end of an upright line meets, or NULL. */
static dg_line *met_by(dg_lines *rows, double row, double column, double thick) {
  for (uint32_t i = 0; i < rows->count && i < MAX_SIDES; i++) {
    dg_line *line = &rows->lines[i];
    bool alike = line->last - line->first >= MIN_ASPECT * line->thick &&
                 thick <= 1.6 * line->thick + 1 && line->thick <= 1.6 * thick + 1;
    if (alike && meets(line, row, column)) return line;
  }
  return NULL;
}

/** Chooses the sides of boxes: upright lines, of which two or more connect the same two rows. */
static void choose_boxes(dg_lines *rows, dg_lines *columns) {
  dg_line *above[MAX_SIDES], *below[MAX_SIDES];
  uint32_t count = columns->count < MAX_SIDES ? columns->count : MAX_SIDES;
  for (uint32_t i = 0; i < count; i++) {
    const dg_line *side = &columns->lines[i];
    above[i] = met_by(rows, side->first, side->begins, side->thick);
    below[i] = met_by(rows, side->last, side->ends, side->thick);
    for (uint32_t k = 0; k < i; k++) {
      if (!above[i] || !below[i] || above[i] == below[i]) break;
      if (above[k] != above[i] || below[k] != below[i]) continue;
      if (fabs(columns->lines[k].begins - side->begins) < (side->last - side->first) / 4.0)
        continue;
      columns->lines[k].chosen = columns->lines[i].chosen = true;
      above[i]->chosen = below[i]->chosen = true;
    }
  }
}

static int longest_first(const void *a, const void *b) {
  const dg_line *first = a, *second = b;
  uint32_t length = first->last - first->first, other = second->last - second->first;
  return (length < other) - (length > other);
}

/* ---- erasing ------------------------------------------------------------ */

/** How many pixels from one on, in steps of -1 or 1 across, are ink; at most `most`. */
static uint32_t count_ink(const dg_ink *ink, const dg_direction *d, uint32_t at, int64_t across,
                          int step, uint32_t most) {
  uint32_t count = 0;
  for (; count < most && across >= 0 && across < d->breadth; across += step, count++)
    if (ink->strength[at * d->along + (size_t)across * d->across] <= ink->least) break;
  return count;
}

/** Erases a step of a line, unless a stroke crosses it there or runs beside it. */
static void erase_step(dg_ink *ink, const dg_direction *d, uint32_t at, double middle,
                       double thick) {
  int64_t row = (int64_t)floor(middle);
  uint32_t most = (uint32_t)(1.5 * thick + 3);
  if (count_ink(ink, d, at, row, 1, most) + count_ink(ink, d, at, row - 1, -1, most) >= most)
    return;
  int64_t first = (int64_t)floor(middle - thick / 2 - 1),
          end = (int64_t)ceil(middle + thick / 2 + 1);
  for (int64_t i = first < 0 ? 0 : first; i < end && i < d->breadth; i++) {
    size_t pixel = at * d->along + (size_t)i * d->across;
    ink->strength[pixel] = 0;
    ink->lines[pixel] = 1;
  }
}

/** Erases a line from its last node to its first; between nodes it is straight. */
static void erase_line(dg_ink *ink, const dg_lines *lines, const dg_line *line) {
  const dg_line_node *node = &lines->nodes[line->node - 1];
  for (const dg_line_node *to = node; to; node = to) {
    double end = node->first + node->thick / 2.0;
    to = node->before ? &lines->nodes[node->before - 1] : NULL;
    double begin = to ? to->first + to->thick / 2.0 : end;
    uint32_t steps = to ? node->at - to->at : 1;
    for (uint32_t i = 0; i < steps; i++) {
      double middle = end + (begin - end) * i / steps;
      erase_step(ink, &lines->direction, node->at - i, middle, line->thick);
    }
  }
}

static void erase_chosen(dg_ink *ink, const dg_lines *lines) {
  for (uint32_t i = 0; i < lines->count; i++)
    if (lines->lines[i].chosen) erase_line(ink, lines, &lines->lines[i]);
}

bool dg_lines_erase(dg_ink *ink, uint32_t tall, dg_error *err) {
  dg_lines rows = {0}, columns = {0};
  bool ok = dg_lines_trace(ink, false, &rows, err) && dg_lines_trace(ink, true, &columns, err);
  if (ok) {
    if (rows.count) qsort(rows.lines, rows.count, sizeof *rows.lines, longest_first);
    if (columns.count) qsort(columns.lines, columns.count, sizeof *columns.lines, longest_first);
    choose_long(&rows, tall, false);
    choose_long(&columns, tall, true);
    choose_boxes(&rows, &columns);
    erase_chosen(ink, &rows);
    erase_chosen(ink, &columns);
  }
  dg_lines_free(&rows);
  dg_lines_free(&columns);
  return ok;
}
