#include "report/figures/filters.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sizes in pixels. */
enum { TILE = 48, GAP = 4, FEW = 32, FEW_ACROSS = 8, ACROSS = 16, MAX_TILES = 128, LONGEST = 1024 };

/** How the numbers are arranged in tiles. */
typedef struct {
  uint32_t tiles, of, height, width; /**< tiles: how many are shown, `of` how many */
  bool turned;                       /**< a tile is transposed */
  bool coloured;                     /**< a tile has three planes: red, green, blue */
  uint32_t columns, scale;
} tiling;

/** A single tile: the first dimension down, the others across; transposed if that is wider. */
static tiling one_tile(const dg_parameter *w) {
  uint32_t rows = w->dim[0], columns = (uint32_t)(w->count / w->dim[0]);
  tiling t = {1, 1, rows, columns, rows > columns, false, 1, 1};
  if (t.turned) t = (tiling){1, 1, columns, rows, true, false, 1, 1};
  if (t.width < LONGEST) t.scale = LONGEST / t.width;
  if (t.scale > 8) t.scale = 8;
  return t;
}

static tiling lay_out(const filters *f) {
  const dg_parameter *w = f->weights;
  const bool over_images = f->image_height && w->rank == 2 &&
                           w->dim[1] == f->channels * f->image_height * f->image_width;
  tiling t = {.of = w->dim[0],
              .coloured = f->channels == 3 && (over_images || (w->rank == 4 && w->dim[1] == 3))};
  if (w->rank == 4) {
    t.of *= t.coloured ? 1 : w->dim[1];
    t.height = w->dim[2];
    t.width = w->dim[3];
  } else if (over_images && (f->channels == 1 || t.coloured)) {
    t.height = f->image_height;
    t.width = f->image_width;
  } else if (w->rank == 3) {
    t.height = w->dim[1];
    t.width = w->dim[2];
  } else {
    return one_tile(w);
  }
  t.tiles = t.of < MAX_TILES ? t.of : MAX_TILES;
  t.columns = t.tiles <= FEW ? FEW_ACROSS : ACROSS;
  if (t.columns > t.tiles) t.columns = t.tiles;
  uint32_t side = t.height > t.width ? t.height : t.width;
  t.scale = side < TILE ? (TILE + side - 1) / side : 1;
  return t;
}

static int compare(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

/** The 99 % quantile of the absolute values; a few large ones would make all others pale. */
static double usual_size(const float *values, size_t count) {
  float *sizes = malloc(count * sizeof *sizes);
  double size = 1;
  if (!sizes) return size;
  for (size_t i = 0; i < count; i++) sizes[i] = isfinite(values[i]) ? fabsf(values[i]) : 0;
  qsort(sizes, count, sizeof *sizes, compare);
  size = sizes[(size_t)(0.99 * (double)(count - 1))];
  free(sizes);
  return size > 0 ? size : 1;
}

/** Blue at -1, nearly white at 0, orange at 1. */
static void colour(double value, uint8_t *rgb) {
  static const uint8_t low[3] = {0, 92, 153}, middle[3] = {248, 248, 246}, high[3] = {200, 80, 0};
  double share = fmin(fabs(value), 1);
  const uint8_t *end = value < 0 ? low : high;
  for (int i = 0; i < 3; i++)
    rgb[i] = (uint8_t)(middle[i] + share * ((double)end[i] - middle[i]) + 0.5);
}

/** Gray at 0, 0 and 255 at -1 and 1, for each of three planes. */
static void mix(const float *values, size_t plane, double size, uint8_t *rgb) {
  for (size_t i = 0; i < 3; i++) {
    const float value = values[i * plane];
    const double share = isfinite(value) ? fmax(-1, fmin(1, value / size)) : 0;
    rgb[i] = (uint8_t)(127.5 + 127.5 * share);
  }
}

static void paint_tile(const tiling *t, const float *values, double size, uint32_t top,
                       uint32_t left, picture *p) {
  for (uint32_t y = 0; y < t->height * t->scale; y++)
    for (uint32_t x = 0; x < t->width * t->scale; x++) {
      uint32_t row = y / t->scale, column = x / t->scale;
      size_t at = t->turned ? (size_t)column * t->height + row : (size_t)row * t->width + column;
      size_t pixel = (size_t)(top + y) * p->width + left + x;
      if (t->coloured)
        mix(values + at, (size_t)t->height * t->width, size, p->pixels + 3 * pixel);
      else
        colour(isfinite(values[at]) ? values[at] / size : 0, p->pixels + 3 * pixel);
    }
}

static void tell(const filters *f, const tiling *t, double size, char *caption, size_t capacity) {
  const dg_parameter *w = f->weights;
  int length =
      snprintf(caption, capacity,
               t->coloured ? "%s: red, green and blue of each, dark -%.3g, gray 0, light %.3g. "
                           : "%s: blue -%.3g, white 0, orange %.3g. ",
               w->name, size, size);
  if ((size_t)length >= capacity) return;
  caption += length;
  capacity -= (size_t)length;
  if (t->of > 1)
    snprintf(caption, capacity, "%u of %u %s, each of %u x %u.", t->tiles, t->of,
             w->rank == 4   ? "kernels"
             : w->rank == 3 ? "filters, a row for each channel"
                            : "units, as images of their weights",
             t->height, t->width);
  else
    snprintf(caption, capacity, "A %s for each of %u outputs.", t->turned ? "column" : "row",
             w->dim[0]);
}

bool filters_paint(const filters *f, picture *p, char *caption, size_t capacity, dg_error *err) {
  tiling t = lay_out(f);
  uint32_t rows = (t.tiles + t.columns - 1) / t.columns;
  uint32_t height = t.height * t.scale, width = t.width * t.scale;
  if (!picture_open(p, rows * (height + GAP) - GAP, t.columns * (width + GAP) - GAP, 3, 255, err))
    return false;
  size_t numbers = (size_t)t.height * t.width * (t.coloured ? 3 : 1);
  double size = usual_size(f->values, numbers * t.tiles);
  for (uint32_t i = 0; i < t.tiles; i++)
    paint_tile(&t, f->values + i * numbers, size, i / t.columns * (height + GAP),
               i % t.columns * (width + GAP), p);
  tell(f, &t, size, caption, capacity);
  return true;
}
