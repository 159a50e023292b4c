#include "report/figures/tile.h"

#include <math.h>

enum { FEW_FEATURES = 8, LONGEST_SIDE = 96, MAX_POINTS = 200, WHITE = 255 };

/* ---- forms -------------------------------------------------------------- */

tile_form tile_form_of(uint32_t rank, const uint32_t dim[3]) {
  tile_form form = {.kind = TILE_ROW, .numbers = 1, .high = 1};
  for (uint32_t i = 0; i < rank; i++) form.numbers *= dim[i];
  if (rank == 3) {
    form.kind = dim[0] == 3 ? TILE_COLOUR : TILE_GRAY;
    form.height = dim[1];
    form.width = dim[2];
  } else if (rank == 2 && dim[1] > FEW_FEATURES) {
    form.kind = TILE_GRAY;
    form.height = dim[0];
    form.width = dim[1];
  } else if (rank == 2) {
    form.kind = TILE_LINES;
    form.steps = dim[0];
    form.features = dim[1];
  }
  return form;
}

double tile_number(tile_array array, size_t index) {
  return array.type == DG_NUMBERS_BYTES ? ((const uint8_t *)array.numbers)[index]
                                        : (double)((const float *)array.numbers)[index];
}

tile_array tile_of(const tile_form *form, tile_array arrays, uint32_t i) {
  const size_t first = (size_t)i * form->numbers;
  if (arrays.type == DG_NUMBERS_BYTES)
    return (tile_array){arrays.type, (const uint8_t *)arrays.numbers + first};
  return (tile_array){arrays.type, (const float *)arrays.numbers + first};
}

void tile_measure(tile_form *form, tile_array arrays, uint32_t count) {
  const size_t numbers = (size_t)count * form->numbers;
  double low = INFINITY, high = -INFINITY;
  for (size_t i = 0; arrays.type != DG_NUMBERS_BYTES && i < numbers; i++) {
    low = fmin(low, tile_number(arrays, i));
    high = fmax(high, tile_number(arrays, i));
  }
  form->low = low < 0 && form->kind != TILE_ROW ? low : 0;
  form->high = arrays.type == DG_NUMBERS_BYTES ? WHITE : high > 1 ? high : 1;
  if (form->kind == TILE_LINES && low < high) form->low = low, form->high = high;
}

/* ---- pictures ----------------------------------------------------------- */

/** Side of the square of numbers that becomes a pixel. */
static uint32_t squeeze(const tile_form *form) {
  const uint32_t longest = form->height > form->width ? form->height : form->width;
  return (longest + LONGEST_SIDE - 1) / LONGEST_SIDE;
}

void tile_size(const tile_form *form, uint32_t *height, uint32_t *width, uint32_t *channels) {
  const uint32_t side = squeeze(form);
  *height = (form->height + side - 1) / side;
  *width = (form->width + side - 1) / side;
  *channels = form->kind == TILE_COLOUR ? 3 : 1;
}

/** Mean of a square of numbers of a channel, from 0 to 1. */
static double shade(const tile_form *form, tile_array array, uint32_t channel, uint32_t row,
                    uint32_t column) {
  const uint32_t side = squeeze(form);
  const uint32_t bottom = fmin(form->height, (row + 1) * side),
                 right = fmin(form->width, (column + 1) * side);
  double sum = 0, count = 0;
  for (uint32_t y = row * side; y < bottom; y++)
    for (uint32_t x = column * side; x < right; x++, count++)
      sum += tile_number(array, ((size_t)channel * form->height + y) * form->width + x);
  const double share = (sum / count - form->low) / (form->high - form->low);
  return fmax(0, fmin(1, share));
}

bool tile_paint(const tile_form *form, tile_array array, picture *p, dg_error *err) {
  uint32_t height, width, channels;
  tile_size(form, &height, &width, &channels);
  if (!picture_open(p, height, width, channels, 0, err)) return false;
  for (uint32_t y = 0; y < height; y++)
    for (uint32_t x = 0; x < width; x++)
      for (uint32_t c = 0; c < channels; c++) {
        const double value = WHITE * shade(form, array, c, y, x);
        p->pixels[((size_t)y * width + x) * channels + c] =
            (uint8_t)((channels == 1 ? WHITE - value : value) + 0.5);
      }
  return true;
}

/* ---- drawing ------------------------------------------------------------ */

static void draw_picture(const tile_form *form, tile_array array, tile_box box, drawing *d) {
  picture p = {0};
  d->body.failed |= !tile_paint(form, array, &p, NULL);
  if (!p.pixels) return;
  markup_add(&d->body, "<image x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" ", box.x, box.y,
             box.width, box.height);
  markup_add(&d->body, "style=\"image-rendering:pixelated\" href=\"");
  picture_inline(&p, &d->body);
  markup_add(&d->body, "\"/>\n");
  picture_close(&p);
}

static void draw_feature(const tile_form *form, tile_array array, uint32_t feature, tile_box box,
                         tile_style style, drawing *d) {
  static const char *const looks[] = {"", " style=\"stroke-width:4;opacity:.4\"",
                                      " stroke-dasharray=\"4 3\""};
  const uint32_t points = form->steps < MAX_POINTS ? form->steps : MAX_POINTS;
  markup_add(&d->body, "<path class=\"curve s%u\"%s d=\"", feature % DRAWING_COLOURS, looks[style]);
  for (uint32_t i = 0; i < points; i++) {
    const uint32_t step = (uint32_t)((uint64_t)i * form->steps / points);
    const double value = tile_number(array, (size_t)step * form->features + feature);
    const double share = fmax(0, fmin(1, (value - form->low) / (form->high - form->low)));
    markup_add(&d->body, "%s%.1f %.1f", i ? "L" : "M",
               box.x + box.width * (points > 1 ? i / (points - 1.0) : 0.5),
               box.y + box.height * (1 - share));
  }
  markup_add(&d->body, "\"/>\n");
}

void tile_draw(const tile_form *form, tile_array array, tile_box box, tile_style style,
               drawing *d) {
  if (form->kind == TILE_ROW) return;
  if (form->kind != TILE_LINES) {
    draw_picture(form, array, box, d);
    return;
  }
  for (uint32_t f = 0; f < form->features; f++) draw_feature(form, array, f, box, style, d);
}
