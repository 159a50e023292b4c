#include "core/picture/scale.h"

#include <math.h>
#include <stdlib.h>

/** The source pixels of each scaled pixel, and their shares of it. */
typedef struct {
  uint32_t *first, *end; /**< [size] */
  float *share;          /**< for `first` to `end` of the first, the second, … */
} taps;

/** How much of source pixel `at` falls on the scaled pixel `to`. */
static float share(const dg_stretch *s, uint32_t at, uint32_t to) {
  double scale = (double)s->size / s->count;
  double begin = fmax(at * scale, to), end = fmin((at + 1) * scale, to + 1);
  return (float)fmax(end - begin, 0);
}

static bool open_taps(taps *t, const dg_stretch *s, dg_error *err) {
  size_t size = s->size, shares = s->count + 2 * size;
  *t = (taps){malloc(size * sizeof *t->first), malloc(size * sizeof *t->end),
              malloc(shares * sizeof *t->share)};
  if (!t->first || !t->end || !t->share) return dg_fail_memory(err, shares * sizeof *t->share);
  float *next = t->share;
  for (uint32_t to = 0; to < s->size; to++) {
    t->first[to] = (uint32_t)((uint64_t)to * s->count / s->size);
    t->end[to] = (uint32_t)(((uint64_t)(to + 1) * s->count + s->size - 1) / s->size);
    for (uint32_t at = t->first[to]; at < t->end[to]; at++) *next++ = share(s, at, to);
  }
  return true;
}

static void close_taps(taps *t) {
  free(t->first);
  free(t->end);
  free(t->share);
}

/** Scales a line of pixels and adds its share to a scaled line. */
static void add_line(const uint8_t *line, const taps *across, uint32_t size, float part,
                     float *out) {
  const float *next = across->share;
  for (uint32_t to = 0; to < size; to++) {
    float mean = 0;
    for (uint32_t x = across->first[to]; x < across->end[to]; x++) mean += line[x] * *next++;
    out[to] += mean * part;
  }
}

bool dg_scale_part(const uint8_t *pixels, uint32_t width, const dg_stretch *down,
                   const dg_stretch *across, float *out, dg_error *err) {
  taps rows = {0}, columns = {0};
  bool ok = open_taps(&rows, down, err) && open_taps(&columns, across, err);
  const float *part = rows.share;
  for (uint32_t row = 0; ok && row < down->size; row++, out += across->size) {
    for (uint32_t to = 0; to < across->size; to++) out[to] = 0;
    for (uint32_t y = rows.first[row]; y < rows.end[row]; y++)
      add_line(pixels + (size_t)(down->first + y) * width + across->first, &columns, across->size,
               *part++, out);
  }
  close_taps(&rows);
  close_taps(&columns);
  return ok;
}

bool dg_scale(const uint8_t *from, uint32_t height, uint32_t width, uint8_t *to, uint32_t to_height,
              uint32_t to_width, dg_error *err) {
  size_t count = (size_t)to_height * to_width;
  float *means = malloc(count * sizeof *means);
  if (!means) return dg_fail_memory(err, count * sizeof *means);
  bool ok = dg_scale_part(from, width, &(dg_stretch){0, height, to_height},
                          &(dg_stretch){0, width, to_width}, means, err);
  for (size_t i = 0; ok && i < count; i++) to[i] = (uint8_t)lrintf(fminf(means[i], UINT8_MAX));
  free(means);
  return ok;
}
