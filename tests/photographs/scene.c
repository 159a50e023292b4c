#include "tests/photographs/scene.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/common/canvas.h"

static const double pi = 3.14159265358979;

/** A gray picture of numbers from 0 to 1. */
typedef struct {
  int height, width;
  float *gray;
} sheet;

/** What is known while a photograph is drawn. */
typedef struct {
  const scene_kind *kind;
  const scene_number *number;
  dg_random *random;
  sheet page;
  double ink;
  double top, left, height, width; /**< of the number on the page */
  double slope;                    /**< of its row: rows per column */
  double lefts[SCENE_DIGITS], widths[SCENE_DIGITS], heights[SCENE_DIGITS];
} scene;

/* ---- numbers ------------------------------------------------------------ */

static double draw(dg_random *random, span s, double least, double most) {
  if (s.least == 0 && s.most == 0) s = (span){least, most};
  return s.least + (s.most - s.least) * (double)dg_random_uniform(random);
}

static bool given(span s) {
  return s.least != 0 || s.most != 0;
}

static double between(double x, double least, double most) {
  return fmin(fmax(x, least), most);
}

/** A stroke's thickness in pixels: as drawn, but not too thick for a small picture. */
static double line_width(const scene *s, span thick) {
  double limit = fmax(1, s->page.width / 150.0);
  return fmin(draw(s->random, thick, 1, 4) * fmax(1, s->page.width / 2000.0), limit);
}

/* ---- sheets ------------------------------------------------------------- */

static sheet sheet_new(double height, double width, double gray) {
  sheet s = {(int)height, (int)width, NULL};
  size_t count = (size_t)s.height * (size_t)s.width;
  s.gray = malloc(count * sizeof *s.gray);
  ck_assert_ptr_nonnull(s.gray);
  for (size_t i = 0; i < count; i++) s.gray[i] = (float)gray;
  return s;
}

/** Blends a gray into a pixel; outside the sheet nothing. */
static void blend(sheet *s, int y, int x, double gray, double share) {
  if (y < 0 || x < 0 || y >= s->height || x >= s->width || share <= 0) return;
  float *at = &s->gray[(size_t)y * (size_t)s->width + (size_t)x];
  *at += (float)(fmin(share, 1) * (gray - (double)*at));
}

/** Draws a straight line from one point to another. */
static void line(sheet *s, double y0, double x0, double y1, double x1, double thick, double gray) {
  double dy = y1 - y0, dx = x1 - x0, length = fmax(hypot(dy, dx), 1e-9), reach = thick / 2 + 1;
  int bottom = (int)fmin(fmax(y0, y1) + reach, s->height), top = (int)fmax(fmin(y0, y1) - reach, 0);
  int right = (int)fmin(fmax(x0, x1) + reach, s->width), left = (int)fmax(fmin(x0, x1) - reach, 0);
  for (int y = top; y < bottom; y++)
    for (int x = left; x < right; x++) {
      double py = y + 0.5 - y0, px = x + 0.5 - x0, along = (py * dy + px * dx) / length;
      double across = fabs(py * dx - px * dy) / length;
      if (along >= -thick / 2 && along <= length + thick / 2)
        blend(s, y, x, gray, thick / 2 + 0.5 - across);
    }
}

/** Draws a filled disc. */
static void disc(sheet *s, double y0, double x0, double radius, double gray) {
  for (int y = (int)(y0 - radius - 1); y <= (int)(y0 + radius + 1); y++)
    for (int x = (int)(x0 - radius - 1); x <= (int)(x0 + radius + 1); x++)
      blend(s, y, x, gray, radius + 0.5 - hypot(y + 0.5 - y0, x + 0.5 - x0));
}

static double sample(const sheet *s, double y, double x) {
  double row = floor(y), column = floor(x), sum = 0;
  for (int i = 0; i < 4; i++) {
    int at_y = (int)between(row + i / 2, 0, s->height - 1);
    int at_x = (int)between(column + i % 2, 0, s->width - 1);
    double share = (1 - fabs(y - (row + i / 2))) * (1 - fabs(x - (column + i % 2)));
    sum += share * (double)s->gray[(size_t)at_y * (size_t)s->width + (size_t)at_x];
  }
  return sum;
}

/* ---- digits ------------------------------------------------------------- */

enum { INKED = 80 };

/** The box of an image's ink. */
static dg_box box_of(const uint8_t *image) {
  uint32_t top = SCENE_SIDE, left = SCENE_SIDE, bottom = 0, right = 0;
  for (uint32_t i = 0; i < SCENE_SIDE * SCENE_SIDE; i++) {
    if (image[i] < INKED) continue;
    uint32_t y = i / SCENE_SIDE, x = i % SCENE_SIDE;
    top = y < top ? y : top, bottom = y + 1 > bottom ? y + 1 : bottom;
    left = x < left ? x : left, right = x + 1 > right ? x + 1 : right;
  }
  return (dg_box){top, left, bottom - top, right - left};
}

/** Interpolates an image between its pixels. */
static double ink_at(const uint8_t *image, double y, double x) {
  double row = floor(y), column = floor(x), sum = 0;
  for (int i = 0; i < 4; i++) {
    double at_y = row + i / 2, at_x = column + i % 2;
    if (at_y < 0 || at_x < 0 || at_y >= SCENE_SIDE || at_x >= SCENE_SIDE) continue;
    sum += (1 - fabs(y - at_y)) * (1 - fabs(x - at_x)) *
           image[(size_t)at_y * SCENE_SIDE + (size_t)at_x];
  }
  return sum / 255;
}

/** Draws a digit whose box gets a height; `pen` is the threshold of its strokes. */
static void paint(scene *s, uint32_t i, double pen) {
  const uint8_t *image = s->number->images[i];
  dg_box box = box_of(image);
  double times = s->heights[i] / box.height, sharp = fmax(times / 2, 0.5 / pen + 0.1);
  double down = s->slope * (s->lefts[i] - s->width / 2) + s->height - s->heights[i];
  double top = s->top + down - times * box.top, left = s->left + s->lefts[i] - times * box.left;
  for (int y = (int)top; y < (int)(top + times * SCENE_SIDE); y++)
    for (int x = (int)left; x < (int)(left + times * SCENE_SIDE); x++) {
      double ink = ink_at(image, (y + 0.5 - top) / times - 0.5, (x + 0.5 - left) / times - 0.5);
      blend(&s->page, y, x, s->ink, between(sharp * (ink - pen) + 0.5, 0, 1));
    }
}

/** Places the digits in a row and scales them to the page. */
static void place(scene *s) {
  const scene_kind *k = s->kind;
  double gap = draw(s->random, k->gap, 0.15, 0.5), at = 0, scale;
  for (uint32_t i = 0; i < s->number->count; i++) {
    dg_box box = box_of(s->number->images[i]);
    s->heights[i] = draw(s->random, k->sizes, 0.92, 1);
    s->widths[i] = s->heights[i] * box.width / box.height;
    double least = fmin(s->widths[i], i ? s->widths[i - 1] : s->widths[i]);
    if (i) at += gap < 0 ? gap * least : gap * 0.6;
    s->lefts[i] = at;
    at += s->widths[i];
  }
  scale = fmin(draw(s->random, (span){0}, 0.5, 0.7) * s->page.width / at, 0.5 * s->page.height);
  for (uint32_t i = 0; i < s->number->count; i++)
    s->lefts[i] *= scale, s->widths[i] *= scale, s->heights[i] *= scale;
  s->height = scale, s->width = at * scale;
  s->left = (s->page.width - s->width) * draw(s->random, (span){0}, 0.35, 0.65);
  s->top = (s->page.height - s->height) * draw(s->random, (span){0}, 0.35, 0.65);
  s->slope = tan(draw(s->random, k->slope, 0, 0) * pi / 180);
}

/* ---- what is on the paper ----------------------------------------------- */

/** Draws lines that repeat: rows, or columns. */
static void repeat(scene *s, const scene_lines *lines, bool upright) {
  if (!given(lines->spacing)) return;
  double spacing = draw(s->random, lines->spacing, 0, 0) * s->height;
  double thick = line_width(s, lines->thick), gray = draw(s->random, lines->gray, 0.3, 0.7);
  double height = s->page.height, width = s->page.width;
  double at = spacing * draw(s->random, (span){0}, 0.1, 1);
  for (int i = 0; at < (upright ? width : height); at += spacing, i++) {
    double t = lines->heavier && i % lines->heavier == 0 ? 2 * thick : thick;
    if (upright)
      line(&s->page, -9, at, height + 9, at, t, gray);
    else
      line(&s->page, at, -9, at, width + 9, t, gray);
  }
}

static void rectangle(scene *s, double top, double left, double height, double width, double thick,
                      double gray) {
  double bottom = top + height, right = left + width;
  line(&s->page, top, left, top, right, thick, gray);
  line(&s->page, bottom, left, bottom, right, thick, gray);
  line(&s->page, top, left, bottom, left, thick, gray);
  line(&s->page, top, right, bottom, right, thick, gray);
}

/** Draws a box around each digit, or a comb below them. */
static void draw_fields(scene *s, double thick, double gray) {
  double pad = 0.14 * s->height, bottom = s->top + s->height + pad, end = 0;
  bool comb = s->kind->boxes == BOX_COMB, apart = s->kind->boxes == BOX_FIELDS;
  for (uint32_t i = 0; i < s->number->count; i++) {
    double gap = i ? s->lefts[i] - s->lefts[i - 1] - s->widths[i - 1] : 2 * pad;
    double left = s->left + s->lefts[i] - fmin(apart ? gap / 3 : gap / 2, pad);
    double next = i + 1 < s->number->count ? s->lefts[i + 1] - s->lefts[i] - s->widths[i] : 2 * pad;
    double right = s->left + s->lefts[i] + s->widths[i] + fmin(apart ? next / 3 : next / 2, pad);
    if (!apart && i) left = end;
    end = right;
    double top = comb ? bottom - 0.35 * s->height : s->top - pad;
    if (!comb) line(&s->page, top, left, top, right, thick, gray);
    line(&s->page, bottom, left, bottom, right, thick, gray);
    line(&s->page, top, left, bottom, left, thick, gray);
    line(&s->page, top, right, bottom, right, thick, gray);
  }
}

static void draw_boxes(scene *s) {
  double thick = line_width(s, (span){0}), gray = draw(s->random, s->kind->box_gray, 0.1, 0.5);
  double pad = s->height * draw(s->random, (span){0}, 0.15, 0.35);
  if (s->kind->boxes == BOX_NUMBER)
    rectangle(s, s->top - pad, s->left - pad, s->height + 2 * pad, s->width + 2 * pad, thick, gray);
  else if (s->kind->boxes != BOX_NONE)
    draw_fields(s, thick, gray);
}

static void draw_underline(scene *s) {
  if (!given(s->kind->underline)) return;
  double y = s->top + s->height * draw(s->random, s->kind->underline, 0, 0);
  double out = s->height * draw(s->random, (span){0}, 0.05, 0.4);
  double tilt = s->height * draw(s->random, (span){0}, -0.04, 0.04);
  line(&s->page, y - tilt, s->left - out, y + tilt, s->left + s->width + out,
       line_width(s, (span){0}), draw(s->random, (span){0}, 0.1, 0.4));
}

/** Draws folds, dark on one side and bright on the other. */
static void draw_folds(scene *s) {
  const scene_kind *k = s->kind;
  double height = s->page.height, width = s->page.width;
  for (int i = 0; i < k->folds; i++) {
    double at = height * draw(s->random, (span){0}, 0.2, 0.8);
    line(&s->page, at, -9, at + 0.02 * height, width + 9, fmax(width / 250, 1), 0.62);
    line(&s->page, at + width / 200, -9, at + 0.02 * height + width / 200, width + 9,
         fmax(width / 250, 1), 1);
  }
}

/** Draws what lies about: stains, punched holes, staples. */
static void litter(scene *s) {
  const scene_kind *k = s->kind;
  double height = s->page.height, width = s->page.width;
  for (int i = 0; i < k->stains; i++)
    disc(&s->page, draw(s->random, (span){0}, 0, height), draw(s->random, (span){0}, 0, width),
         s->height * draw(s->random, (span){0}, 0.01, 0.06), draw(s->random, (span){0}, 0.1, 0.7));
  for (int i = 0; i < k->holes; i++)
    disc(&s->page, height * (i + 0.5) / k->holes, width * 0.06, width * 0.025, 0.12);
  for (int i = 0; i < k->staples; i++)
    line(&s->page, height * 0.1, width * 0.06, height * 0.1 + width * 0.03, width * 0.1,
         fmax(width / 300, 1), 0.3);
}

static void draw_page(scene *s) {
  const scene_kind *k = s->kind;
  repeat(s, &k->rows, false);
  repeat(s, &k->columns, true);
  if (given(k->margin_line))
    line(&s->page, -9, s->left / 2, s->page.height + 9, s->left / 2, line_width(s, (span){0}),
         draw(s->random, k->margin_line, 0, 0));
  draw_folds(s);
  double pen = draw(s->random, k->pen, 0.4, 0.5);
  for (uint32_t i = 0; i < s->number->count; i++) paint(s, i, pen);
  draw_underline(s);
  draw_boxes(s);
  litter(s);
  if (given(k->frame)) {
    double t = s->page.width * draw(s->random, k->frame, 0, 0);
    rectangle(s, t / 2, t / 2, s->page.height - t, s->page.width - t, t, 0.05);
  }
}

/* ---- what is around it -------------------------------------------------- */

/** Lays the page, turned, on a table; the picture keeps the page's size. */
static void lay_on_table(scene *s) {
  if (!given(s->kind->table)) return;
  sheet *page = &s->page, all = sheet_new(page->height, page->width, 0);
  double table = draw(s->random, s->kind->table, 0, 0),
         grain = draw(s->random, s->kind->grain, 0, 0);
  double turn = draw(s->random, s->kind->turned, 0, 0) * pi / 180;
  double share = draw(s->random, (span){0}, 0.7, 0.85);
  for (int y = 0; y < all.height; y++)
    for (int x = 0; x < all.width; x++) {
      double dy = (y - all.height / 2.0) / share, dx = (x - all.width / 2.0) / share;
      double py = cos(turn) * dy + sin(turn) * dx + page->height / 2.0;
      double px = cos(turn) * dx - sin(turn) * dy + page->width / 2.0;
      double wood = table + grain * sin(0.045 * y + 3 * sin(0.004 * x)) +
                    grain * 0.6 * (double)dg_random_normal(s->random);
      bool inside = py >= 0 && px >= 0 && py < page->height && px < page->width;
      blend(&all, y, x, inside ? sample(page, py, px) : wood, 1);
    }
  free(page->gray);
  *page = all;
}

/** Darkens what lies beyond an edge that varies along each side. */
static void add_borders(scene *s) {
  sheet *p = &s->page;
  for (int side = 0; side < s->kind->sides; side++) {
    double thick = p->width * draw(s->random, s->kind->border, 0, 0);
    double wave = draw(s->random, (span){0}, 0.3, 1), phase = draw(s->random, (span){0}, 0, 6);
    for (int y = 0; y < p->height; y++)
      for (int x = 0; x < p->width; x++) {
        int inwards[4] = {x, p->width - 1 - x, y, p->height - 1 - y};
        double along = side < 2 ? (double)y / p->height : (double)x / p->width;
        double edge = thick * (1 + 0.4 * wave * sin(6 * along + phase));
        blend(p, y, x, 0.08, between(edge - inwards[side] + 0.5, 0, 1));
      }
  }
  if (!given(s->kind->corner)) return;
  double size = draw(s->random, s->kind->corner, 0, 0) * p->width;
  uint32_t which = dg_random_below(s->random, 4);
  for (int y = 0; y < p->height; y++)
    for (int x = 0; x < p->width; x++)
      blend(p, y, x, 0.06,
            between(size - (which & 1 ? x : p->width - 1 - x) -
                        1.3 * (which & 2 ? y : p->height - 1 - y),
                    0, 1));
}

/** The light that falls on the page. */
static void shine(scene *s) {
  const scene_kind *k = s->kind;
  sheet *p = &s->page;
  double shadow = draw(s->random, k->shadow, 0, 0), turn = draw(s->random, k->slanted, 0, 0);
  double soft = fmax(draw(s->random, k->soft, 0, 0) * p->width, 0.7);
  double at = draw(s->random, (span){0}, 0.3, 0.7),
         band = draw(s->random, k->band, 9, 9) * p->width;
  double vignette = draw(s->random, k->vignette, 0, 0);
  double gradient = draw(s->random, k->gradient, 0, 0);
  double across = cos(turn * pi / 180), down = sin(turn * pi / 180);
  for (int y = 0; y < p->height; y++)
    for (int x = 0; x < p->width; x++) {
      double from_edge = (x - at * p->width) * across + (y - p->height / 2.0) * down;
      double into = between(from_edge / soft + 0.5, 0, 1);
      double out = between((from_edge - band) / soft + 0.5, 0, 1);
      double dy = 2.0 * y / p->height - 1, dx = 2.0 * x / p->width - 1;
      double light = (1 - shadow * (into - out)) * (1 - vignette * (dy * dy + dx * dx) / 2) *
                     (1 - gradient * (0.5 + 0.3 * dx + 0.2 * dy));
      p->gray[(size_t)y * (size_t)p->width + (size_t)x] *= (float)light;
    }
}

/* ---- the camera --------------------------------------------------------- */

/** Writes the means of the pixels around each pixel of a line. */
static void soften_line(const float *from, float *to, int count, int apart, int reach) {
  for (int i = 0; i < count; i++) {
    double sum = 0;
    int first = i > reach ? i - reach : 0, end = i + reach < count ? i + reach + 1 : count;
    for (int k = first; k < end; k++) sum += (double)from[(ptrdiff_t)k * apart];
    to[(ptrdiff_t)i * apart] = (float)(sum / (end - first));
  }
}

static void soften(sheet *p, int reach) {
  if (reach < 1) return;
  sheet wide = sheet_new(p->height, p->width, 0);
  for (int y = 0; y < p->height; y++)
    soften_line(p->gray + (ptrdiff_t)y * p->width, wide.gray + (ptrdiff_t)y * p->width, p->width, 1,
                reach);
  for (int x = 0; x < p->width; x++)
    soften_line(wide.gray + x, p->gray + x, p->height, p->width, reach);
  free(wide.gray);
}

/** Takes the photograph: noise, 8 bits, JPEG. */
static dg_picture take(scene *s, const char *folder) {
  sheet *p = &s->page;
  dg_picture picture = {(uint32_t)p->height, (uint32_t)p->width, NULL}, read;
  size_t count = (size_t)p->height * (size_t)p->width;
  double noise = draw(s->random, s->kind->noise, 0, 3);
  double quality = draw(s->random, s->kind->quality, 50, 140);
  soften(p, (int)lrint(draw(s->random, s->kind->blur, 0, 0.02) * s->height));
  picture.pixels = malloc(count);
  ck_assert_ptr_nonnull(picture.pixels);
  for (size_t i = 0; i < count; i++) {
    double gray = 255 * (double)p->gray[i] + noise * (double)dg_random_normal(s->random);
    picture.pixels[i] = (uint8_t)lrint(between(gray, 0, 255));
  }
  if (quality > 95) return picture;
  char path[4096];
  dg_error err = {0};
  snprintf(path, sizeof path, "%s/photograph.jpg", folder);
  canvas_write_jpeg(&picture, (int)quality, path);
  ck_assert_msg(dg_picture_read(&read, path, &err), "%s", err.message);
  dg_picture_free(&picture);
  return read;
}

dg_picture scene_draw(const scene_kind *kind, const scene_number *number, double size,
                      dg_random *random, const char *folder) {
  scene s = {.kind = kind, .number = number, .random = random};
  double width = size * draw(random, kind->width, 500, 1400);
  double height = width * draw(random, (span){0}, 0.4, 0.75);
  s.page = sheet_new(height, width, draw(random, kind->paper, 0.8, 0.97));
  s.ink = draw(random, kind->ink, 0.05, 0.3);
  place(&s);
  draw_page(&s);
  lay_on_table(&s);
  add_borders(&s);
  shine(&s);
  dg_picture picture = take(&s, folder);
  free(s.page.gray);
  return picture;
}
