/**
 * Lines are followed step by step, as by an alpha-beta filter: each has a place and a slope, and
 * goes on with the run of ink that is nearest to where it is expected. It passes through strokes
 * that cross it, where ink is thicker, and over short gaps.
 */
#include "core/picture/trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"

enum { MAX_GAP = 5, MAX_LINES = 4096, MIN_LENGTH = 10, TIMES_AS_LONG = 6 };

static const double nearest = 1.6, steepest = 0.18, correct_place = 0.3, correct_slope = 0.02;

/** A run of ink across. */
typedef struct {
  uint32_t first, thick;
  bool taken;
} run;

/** A line that may go on. */
typedef struct {
  double at, slope, thick;
  uint32_t first, last, node, thin; /**< thin: steps in which it was seen by itself */
  uint32_t paper, inked;            /**< steps since then: without ink, in other ink */
} track;

typedef struct {
  const dg_ink *ink;
  dg_lines *lines;
  track *tracks;
  run *runs;
  uint32_t track_count, run_count;
  uint32_t most_thick;
} tracer;

static void find_runs(tracer *t, uint32_t at) {
  const dg_direction *d = &t->lines->direction;
  const uint8_t *pixel = t->ink->strength + at * d->along;
  bool inside = false;
  t->run_count = 0;
  for (uint32_t i = 0; i < d->breadth; i++, pixel += d->across) {
    if (*pixel <= t->ink->least) {
      inside = false;
    } else if (inside) {
      t->runs[t->run_count - 1].thick++;
    } else {
      t->runs[t->run_count++] = (run){i, 1, false};
      inside = true;
    }
  }
}

/** Doubles an array of elements where it is full. */
static bool reserve(void **array, uint32_t count, uint32_t *capacity, size_t size, dg_error *err) {
  if (count < *capacity) return true;
  uint32_t more = *capacity ? 2 * *capacity : 1024;
  void *larger = realloc(*array, more * size);
  if (!larger) return dg_fail_memory(err, more * size);
  *array = larger, *capacity = more;
  return true;
}

/** Lets a track go on with a run. */
static bool follow(tracer *t, track *k, run *r, uint32_t at, dg_error *err) {
  dg_lines *lines = t->lines;
  double middle = r->first + r->thick / 2.0, off = middle - k->at;
  if (!reserve((void **)&lines->nodes, lines->node_count, &lines->node_capacity,
               sizeof *lines->nodes, err))
    return false;
  lines->nodes[lines->node_count++] = (dg_line_node){at, r->first, r->thick, k->node};
  k->node = lines->node_count;
  k->at += correct_place * off;
  k->slope = fmin(fmax(k->slope + correct_slope * off, -steepest), steepest);
  k->thick += (r->thick - k->thick) / fmin(++k->thin, 50);
  k->last = at, k->paper = k->inked = 0;
  r->taken = true;
  return true;
}

/** Stores a track that has ended, if it is long and was mostly seen by itself. */
static bool end_track(tracer *t, const track *k, dg_error *err) {
  dg_lines *lines = t->lines;
  uint32_t length = k->last - k->first + 1;
  if (length < MIN_LENGTH || length < TIMES_AS_LONG * k->thick || 3 * k->thin < length) return true;
  if (lines->count == MAX_LINES) return true;
  if (!reserve((void **)&lines->lines, lines->count, &lines->capacity, sizeof *lines->lines, err))
    return false;
  const dg_line_node *end = &lines->nodes[k->node - 1], *begin = end;
  while (begin->before) begin = &lines->nodes[begin->before - 1];
  lines->lines[lines->count++] = (dg_line){.first = k->first,
                                           .last = k->last,
                                           .thick = k->thick,
                                           .begins = begin->first + begin->thick / 2.0,
                                           .ends = end->first + end->thick / 2.0,
                                           .node = k->node};
  return true;
}

/** Moves a track one step on; false where it ends. `r` is its run, or NULL. */
static bool goes_on(const tracer *t, track *k, uint32_t at) {
  const dg_direction *d = &t->lines->direction;
  double row = floor(k->at);
  if (row < 0 || row >= d->breadth) return false;
  bool ink = t->ink->strength[at * d->along + (size_t)row * d->across] > t->ink->least;
  if (ink)
    k->inked++, k->paper = 0;
  else
    k->paper++;
  return k->paper <= MAX_GAP && k->inked <= 3 * t->most_thick + (k->last - k->first) / 2;
}

static bool fits(const tracer *t, const track *k, const run *r) {
  return !r->taken && r->thick <= t->most_thick && r->thick <= 1.4 * k->thick + 1.5 &&
         fabs(r->first + r->thick / 2.0 - k->at) <= nearest;
}

/** Moves all tracks one step on; both tracks and runs are sorted by their place. */
static bool step(tracer *t, uint32_t at, dg_error *err) {
  uint32_t kept = 0, next = 0;
  find_runs(t, at);
  for (uint32_t i = 0; i < t->track_count; i++) {
    track k = t->tracks[i];
    bool goes = true;
    k.at += k.slope;
    while (next < t->run_count && t->runs[next].first + t->runs[next].thick + 2 < k.at) next++;
    uint32_t r = next;
    while (r < t->run_count && t->runs[r].first <= k.at + 2 && !fits(t, &k, &t->runs[r])) r++;
    if (r < t->run_count && fits(t, &k, &t->runs[r])) {
      if (!follow(t, &k, &t->runs[r], at, err)) return false;
    } else {
      goes = goes_on(t, &k, at);
    }
    if (!goes && !end_track(t, &k, err)) return false;
    if (goes) t->tracks[kept++] = k;
  }
  t->track_count = kept;
  return true;
}

static int by_position(const void *a, const void *b) {
  const track *first = a, *second = b;
  return (first->at > second->at) - (first->at < second->at);
}

/** Begins a track with each thin run that none took. */
static bool begin_tracks(tracer *t, uint32_t at, dg_error *err) {
  bool ok = true;
  for (uint32_t i = 0; ok && i < t->run_count; i++) {
    run *r = &t->runs[i];
    if (r->taken || r->thick > t->most_thick || t->track_count == t->lines->direction.breadth)
      continue;
    track *k = &t->tracks[t->track_count++];
    *k = (track){.at = r->first + r->thick / 2.0, .thick = r->thick, .first = at, .last = at};
    ok = follow(t, k, r, at, err);
  }
  qsort(t->tracks, t->track_count, sizeof *t->tracks, by_position);
  return ok;
}

/* ---- joining ------------------------------------------------------------ */

static int by_first(const void *a, const void *b) {
  const dg_line *first = a, *second = b;
  return (first->first > second->first) - (first->first < second->first);
}

/** Is there ink on most of the straight way from one line to the next? */
static bool is_inked(const dg_ink *ink, const dg_direction *d, const dg_line *from,
                     const dg_line *to) {
  uint32_t inked = 0, gap = to->first - from->last;
  for (uint32_t i = 0; i < gap; i++) {
    double row = from->ends + (to->begins - from->ends) * i / gap;
    size_t at = (from->last + i) * d->along + (size_t)row * d->across;
    inked += ink->strength[at] > ink->least;
  }
  return 10 * inked >= 7 * gap;
}

/** Does a line go on as another one? */
static bool continues(const dg_ink *ink, const dg_direction *d, const dg_line *from,
                      const dg_line *to) {
  double length = from->last - from->first + 1, other = to->last - to->first + 1;
  double gap = (double)to->first - from->last, thick = fmin(from->thick, to->thick);
  if (gap < -0.3 * other || to->last <= from->last || gap > (length + other) / 1.5) return false;
  if (fmax(from->thick, to->thick) > 1.6 * thick + 1) return false;
  double slope =
      length > other ? (from->ends - from->begins) / length : (to->ends - to->begins) / other;
  double off = to->begins - from->ends - slope * gap;
  return fabs(off) <= 0.75 * thick + 1.5 && (gap <= 0 || is_inked(ink, d, from, to));
}

/** Appends a line to the one that it continues. */
static void append(dg_lines *lines, dg_line *from, dg_line *to) {
  double length = from->last - from->first + 1, other = to->last - to->first + 1;
  dg_line_node *node = &lines->nodes[to->node - 1];
  while (node->before && lines->nodes[node->before - 1].at > from->last)
    node = &lines->nodes[node->before - 1];
  node->before = from->node;
  from->thick = (length * from->thick + other * to->thick) / (length + other);
  from->last = to->last, from->ends = to->ends, from->node = to->node;
  to->node = 0;
}

/** Joins lines that strokes across them have broken into pieces. */
static void join(const dg_ink *ink, dg_lines *lines) {
  uint32_t kept = 0;
  if (lines->count) qsort(lines->lines, lines->count, sizeof *lines->lines, by_first);
  for (uint32_t i = 0; i < lines->count; i++) {
    dg_line *from = &lines->lines[i];
    for (uint32_t k = i + 1; from->node && k < lines->count; k++) {
      dg_line *to = &lines->lines[k];
      if (to->node && continues(ink, &lines->direction, from, to)) append(lines, from, to);
    }
    if (from->node) lines->lines[kept++] = *from;
  }
  lines->count = kept;
}

bool dg_lines_trace(const dg_ink *ink, bool upright, dg_lines *lines, dg_error *err) {
  *lines =
      (dg_lines){.direction = upright ? (dg_direction){ink->height, ink->width, ink->width, 1}
                                      : (dg_direction){ink->width, ink->height, 1, ink->width}};
  uint32_t breadth = lines->direction.breadth;
  tracer t = {.ink = ink, .lines = lines, .most_thick = ink->reach + ink->reach / 2 + 2};
  t.tracks = malloc(breadth * sizeof *t.tracks);
  t.runs = malloc(breadth * sizeof *t.runs);
  bool ok = (t.tracks && t.runs) || dg_fail_memory(err, breadth * sizeof *t.tracks);
  for (uint32_t at = 0; ok && at < lines->direction.length; at++)
    ok = step(&t, at, err) && begin_tracks(&t, at, err);
  for (uint32_t i = 0; ok && i < t.track_count; i++) ok = end_track(&t, &t.tracks[i], err);
  if (ok) join(ink, lines);
  free(t.tracks);
  free(t.runs);
  return ok;
}

void dg_lines_free(dg_lines *lines) {
  free(lines->lines);
  free(lines->nodes);
  *lines = (dg_lines){0};
}
