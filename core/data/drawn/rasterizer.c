#include "core/data/drawn/rasterizer.h"

#include <math.h>
#include <string.h>

static float clamp(float value, float low, float high) {
  return value < low ? low : value > high ? high : value;
}

/** The pixels whose centres lie within `reach` of the interval from a to b: [*first, *end). */
static void covered_pixels(float a, float b, float reach, int *first, int *end) {
  float low = (a < b ? a : b) - reach, high = (a < b ? b : a) + reach;
  *first = (int)clamp(low, 0, DG_DIGIT_SIDE);
  *end = (int)clamp(high + 1, 0, DG_DIGIT_SIDE);
}

void dg_rasterize(const dg_path *path, float softness, float ink[DG_DIGIT_PIXELS]) {
  memset(ink, 0, DG_DIGIT_PIXELS * sizeof *ink);
  for (unsigned i = 0; i + 1 < path->count; i++) {
    if (path->points[i].last) continue;
    float ax = path->points[i].x, ay = path->points[i].y, ar = path->points[i].radius;
    float bx = path->points[i + 1].x, by = path->points[i + 1].y;
    float dx = bx - ax, dy = by - ay, dr = path->points[i + 1].radius - ar;
    float squared = dx * dx + dy * dy, scale = squared > 0 ? 1 / squared : 0;
    float reach = (dr > 0 ? ar + dr : ar) + 0.5f * softness;
    int left, right, top, bottom;
    covered_pixels(ax, bx, reach, &left, &right);
    covered_pixels(ay, by, reach, &top, &bottom);
    for (int y = top; y < bottom; y++) {
      for (int x = left; x < right; x++) {
        float px = (float)x + 0.5f - ax, py = (float)y + 0.5f - ay;
        float t = clamp((px * dx + py * dy) * scale, 0, 1);
        float ex = px - t * dx, ey = py - t * dy;
        float depth = ar + t * dr - sqrtf(ex * ex + ey * ey);
        float shade = clamp(depth / softness + 0.5f, 0, 1);
        float *pixel = &ink[y * DG_DIGIT_SIDE + x];
        if (shade > *pixel) *pixel = shade;
      }
    }
  }
}
