/* The rasterizer of the drawn digits: every pixel that a stroke reaches, and no other. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "core/data/drawn/rasterizer.h"
#include "tests/common/suite.h"

enum { SIDE = DG_DIGIT_SIDE };

/** A point of a path. */
typedef struct {
  float x, y, radius;
} point;

/** Adds a stroke from a to b. */
static void add(dg_path *path, point a, point b) {
  const point ends[] = {a, b};
  for (int i = 0; i < 2; i++, path->count++) {
    path->points[path->count].x = ends[i].x;
    path->points[path->count].y = ends[i].y;
    path->points[path->count].radius = ends[i].radius;
    path->points[path->count].last = i;
  }
}

/** How much ink a stroke from a to b, whose radius grows evenly, leaves at the centre of a pixel.
 */
static double ink_of(const point *a, const point *b, double softness, double x, double y) {
  double dx = b->x - a->x, dy = b->y - a->y, length = dx * dx + dy * dy;
  double t = length > 0 ? ((x - a->x) * dx + (y - a->y) * dy) / length : 0;
  t = fmin(fmax(t, 0), 1);
  double away = hypot(x - a->x - t * dx, y - a->y - t * dy);
  double depth = a->radius + t * (b->radius - a->radius) - away;
  return fmin(fmax(depth / softness + 0.5, 0), 1);
}

static const struct {
  point a, b;
  float softness;
} strokes[] = {{{8, 9, 1}, {20, 17, 1}, 1},
               {{8, 16.5F, 1}, {19.4F, 16.5F, 1.9F}, 1},
               {{8, 9, 1}, {20, 17, 1.9F}, 1},
               {{8, 9, 3}, {20, 17, 1}, 0.5F},
               {{14, 3, 0.5F}, {14, 25, 4}, 2},
               {{25, 14, 2}, {3, 14, 2.5F}, 1},
               {{13, 13, 2}, {13, 13, 2}, 1},
               {{-3, -2, 4}, {31, 30, 2}, 1.5F},
               {{27.5F, 27.5F, 1}, {27.5F, 5, 1.5F}, 1}};

START_TEST(a_stroke_reaches_its_pixels) {
  for (size_t i = 0; i < sizeof strokes / sizeof *strokes; i++) {
    static float ink[DG_DIGIT_PIXELS];
    dg_path path = {.count = 0};
    add(&path, strokes[i].a, strokes[i].b);
    dg_rasterize(&path, strokes[i].softness, ink);
    for (int p = 0; p < DG_DIGIT_PIXELS; p++) {
      double expected =
          ink_of(&strokes[i].a, &strokes[i].b, strokes[i].softness, p % SIDE + 0.5, p / SIDE + 0.5);
      if (fabs(ink[p] - expected) > 1e-4)
        ck_abort_msg("stroke %zu, pixel (%d, %d): %g, expected %g", i, p % SIDE, p / SIDE,
                     (double)ink[p], expected);
    }
  }
}
END_TEST

/** Between the last point of a stroke and the first of the next there is no ink; where strokes
    cross, the darker one counts. */
START_TEST(strokes_are_apart) {
  static float ink[DG_DIGIT_PIXELS], one[DG_DIGIT_PIXELS], two[DG_DIGIT_PIXELS];
  const point a = {4, 14, 1}, b = {24, 14, 2}, c = {14, 4, 1}, d = {14, 24, 1};
  dg_path path = {.count = 0}, first = {.count = 0}, second = {.count = 0};
  add(&path, a, b), add(&path, c, d), add(&first, a, b), add(&second, c, d);
  dg_rasterize(&path, 1, ink);
  dg_rasterize(&first, 1, one);
  dg_rasterize(&second, 1, two);
  for (int p = 0; p < DG_DIGIT_PIXELS; p++)
    if (ink[p] != fmaxf(one[p], two[p]))
      ck_abort_msg("pixel (%d, %d): %g", p % SIDE, p / SIDE, (double)ink[p]);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("pen");
  tcase_add_test(tests, a_stroke_reaches_its_pixels);
  tcase_add_test(tests, strokes_are_apart);
  return suite_main("pen", tests);
}
