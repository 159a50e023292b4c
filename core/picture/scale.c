#include "core/picture/scale.h"

#include <math.h>
#include <stddef.h>

/** How much of the pixel `at` of a stretch falls on the scaled pixel `to`, as a share of the
 * latter. */
static float share(const dg_stretch *s, uint32_t at, uint32_t to) {
  double scale = (double)s->size / s->count;
  double begin = fmax(at * scale, to), end = fmin((at + 1) * scale, to + 1);
  return (float)fmax(end - begin, 0);
}

/** The pixels of a stretch that fall on the scaled pixel `to`. */
static void cover(const dg_stretch *s, uint32_t to, uint32_t *first, uint32_t *end) {
  *first = (uint32_t)((uint64_t)to * s->count / s->size);
  *end = (uint32_t)(((uint64_t)(to + 1) * s->count + s->size - 1) / s->size);
}

float dg_scaled_mean(const uint8_t *pixels, uint32_t width, const dg_stretch *down,
                     const dg_stretch *across, uint32_t row, uint32_t column) {
  uint32_t top, bottom, left, right;
  cover(down, row, &top, &bottom);
  cover(across, column, &left, &right);
  float sum = 0;
  for (uint32_t y = top; y < bottom; y++) {
    const uint8_t *line = pixels + (size_t)(down->first + y) * width + across->first;
    float of_line = 0;
    for (uint32_t x = left; x < right; x++) of_line += line[x] * share(across, x, column);
    sum += of_line * share(down, y, row);
  }
  return sum;
}

void dg_scale(const uint8_t *from, uint32_t height, uint32_t width, uint8_t *to, uint32_t to_height,
              uint32_t to_width) {
  dg_stretch down = {0, height, to_height}, across = {0, width, to_width};
  for (uint32_t y = 0; y < to_height; y++)
    for (uint32_t x = 0; x < to_width; x++) {
      float mean = dg_scaled_mean(from, width, &down, &across, y, x);
      to[(size_t)y * to_width + x] = (uint8_t)lrintf(fminf(mean, UINT8_MAX));
    }
}
