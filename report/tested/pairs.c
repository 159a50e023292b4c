#include "report/tested/pairs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "report/figures/sheet.h"

/* ---- choosing ----------------------------------------------------------- */

/** A sample with its error, for sorting. */
typedef struct {
  double error;
  uint32_t sample;
} ranked;

static int compare(const void *left, const void *right) {
  const ranked *a = left, *b = right;
  if (a->error != b->error) return a->error < b->error ? -1 : 1;
  return (a->sample > b->sample) - (a->sample < b->sample);
}

static double squared_error(const shown *s, uint32_t sample) {
  double sum = 0;
  for (uint32_t k = 0; k < s->contents->classes; k++) {
    const double off = shown_output(s, sample, k) - shown_target(s, sample, k);
    sum += off * off;
  }
  return sum;
}

bool pairs_choose(const shown *s, uint32_t chosen[MAX_PAIRS], uint32_t *count, dg_error *err) {
  const uint32_t all = s->contents->tested.count;
  ranked *list = malloc(((size_t)all + 1) * sizeof *list);
  if (!list) return dg_fail_memory(err, all * sizeof *list);
  for (uint32_t i = 0; i < all; i++) list[i] = (ranked){squared_error(s, i), i};
  qsort(list, all, sizeof *list, compare);
  *count = all < MAX_PAIRS ? all : MAX_PAIRS;
  for (uint32_t i = 0; i < *count; i++)
    chosen[i] = list[*count > 1 ? (uint64_t)i * (all - 1) / (*count - 1) : 0].sample;
  free(list);
  return true;
}

/** The output for a sample, or its target, in new memory. NULL: there is none. */
static float *copy_of(const shown *s, uint32_t sample, bool target, dg_error *err) {
  const uint32_t numbers = s->contents->classes;
  float *copy = malloc(numbers * sizeof *copy);
  if (!copy) dg_fail_memory(err, numbers * sizeof *copy);
  for (uint32_t k = 0; copy && k < numbers; k++)
    copy[k] = (float)(target ? shown_target(s, sample, k) : shown_output(s, sample, k));
  return copy;
}

/* ---- pictures ----------------------------------------------------------- */

enum { COLUMNS = 8, GAP = 2, PAPER = 255, SMALL = 48 };

/** The sheet's cells: one to three pictures of one size over one another. */
typedef struct {
  const shown *shown;
  bool input, target; /**< is it among them? */
  uint32_t parts, height, width, channels;
} cells;

static bool is_picture(const tile_form *form) {
  return form->kind == TILE_GRAY || form->kind == TILE_COLOUR;
}

static cells cells_of(const shown *s) {
  cells c = {.shown = s,
             .input = is_picture(&s->input),
             .target = !dg_model_learns_input(s->contents->model)};
  c.parts = 1 + c.input + c.target;
  tile_size(c.input ? &s->input : &s->target, &c.height, &c.width, &c.channels);
  if (s->target.kind == TILE_COLOUR) c.channels = 3;
  return c;
}

/** Copies a picture into the given part of a cell, magnified or made smaller to its size. */
static void place(const cells *c, const picture *from, uint32_t part, picture *cell) {
  for (uint32_t y = 0; y < c->height; y++)
    for (uint32_t x = 0; x < c->width; x++)
      for (uint32_t k = 0; k < c->channels; k++) {
        const uint32_t row = y * from->height / c->height, column = x * from->width / c->width;
        const uint32_t top = part * (c->height + GAP) + y;
        cell->pixels[((size_t)top * c->width + x) * c->channels + k] =
            from->pixels[((size_t)row * from->width + column) * from->channels +
                         (from->channels == 3 ? k : 0)];
      }
}

/** Paints an array into a part of a cell. */
static bool paint_part(const cells *c, const tile_form *form, tile_array array, uint32_t part,
                       picture *cell, dg_error *err) {
  picture p = {0};
  if (!tile_paint(form, array, &p, err)) return false;
  place(c, &p, part, cell);
  picture_close(&p);
  return true;
}

/** Paints the output for a sample, or its target, into a part of a cell. */
static bool paint_copy(const cells *c, uint32_t sample, bool target, uint32_t part, picture *cell,
                       dg_error *err) {
  float *copy = copy_of(c->shown, sample, target, err);
  const tile_array array = {DG_NUMBERS_FLOATS, copy};
  bool ok = copy && paint_part(c, &c->shown->target, array, part, cell, err);
  free(copy);
  return ok;
}

/** Paints the cell of a sample; the caller closes it. */
static bool paint_cell(const cells *c, uint32_t sample, picture *cell, dg_error *err) {
  const uint32_t height = c->parts * (c->height + GAP) - GAP;
  if (!picture_open(cell, height, c->width, c->channels, PAPER, err)) return false;
  const shown *s = c->shown;
  return (!c->input || paint_part(c, &s->input, shown_input(s, sample), 0, cell, err)) &&
         paint_copy(c, sample, false, c->input, cell, err) &&
         (!c->target || paint_copy(c, sample, true, c->parts - 1, cell, err));
}

bool pairs_paint(const shown *s, const uint32_t *chosen, uint32_t count, picture *p,
                 dg_error *err) {
  const cells c = cells_of(s);
  const uint32_t columns = count < COLUMNS ? count : COLUMNS;
  const sheet_layout layout = {.columns = columns,
                               .rows = (count + columns - 1) / columns,
                               .image_height = c.parts * (c.height + GAP) - GAP,
                               .image_width = c.width,
                               .scale = c.width < SMALL ? 3 : 1,
                               .channels = c.channels};
  sheet made;
  if (!sheet_open(&made, &layout, err)) return false;
  bool ok = true;
  for (uint32_t i = 0; ok && i < count; i++) {
    picture cell = {0};
    char label[16];
    snprintf(label, sizeof label, "%u", chosen[i]);
    ok = paint_cell(&c, chosen[i], &cell, err);
    if (ok) sheet_put_picture(&made, i, &cell, label);
    picture_close(&cell);
  }
  if (!ok) sheet_close(&made);
  *p = ok ? made.picture : (picture){0};
  return ok;
}

/* ---- lines -------------------------------------------------------------- */

enum { WIDTH = 960, ACROSS = 4, APART = 16, TOP = 56, BOX = 90, TEXT = 22 };

/** Draws an array, the output for a sample or its target, in a box. */
static bool draw_copy(const shown *s, uint32_t sample, bool target, tile_box box, drawing *d,
                      dg_error *err) {
  float *copy = copy_of(s, sample, target, err);
  if (!copy) return false;
  tile_draw(&s->target, (tile_array){DG_NUMBERS_FLOATS, copy}, box, target ? TILE_BELOW : TILE_OVER,
            d);
  free(copy);
  return true;
}

/** Draws the frame of a box. */
static void draw_frame(tile_box box, drawing *d) {
  markup_add(&d->body,
             "<rect class=\"box\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n", box.x,
             box.y, box.width, box.height);
}

bool pairs_draw(const shown *s, const uint32_t *chosen, uint32_t count, drawing *d, dg_error *err) {
  const bool above = s->input.kind != TILE_ROW && !dg_model_learns_input(s->contents->model);
  const double side = (WIDTH - (ACROSS - 1) * APART) / ACROSS;
  const double row = (above ? 2 : 1) * BOX + TEXT + APART;
  *d = (drawing){.width = WIDTH, .height = TOP + row * ((count + ACROSS - 1) / ACROSS)};
  snprintf(d->title, sizeof d->title, "Sequences and what the network gives");
  drawing_text(d, 0, 14, "start", "head", d->title);
  drawing_text(d, 0, 36, "start", "soft", "pale: true values; dashed: what the network gives");
  for (uint32_t i = 0; i < count; i++) {
    char text[32];
    tile_box box = {i % ACROSS * (side + APART), TOP + i / ACROSS * row, side, BOX};
    draw_frame(box, d);
    if (above) {
      tile_draw(&s->input, shown_input(s, chosen[i]), box, TILE_ALONE, d);
      box.y += BOX;
      draw_frame(box, d);
    }
    if (!draw_copy(s, chosen[i], true, box, d, err) || !draw_copy(s, chosen[i], false, box, d, err))
      return false;
    snprintf(text, sizeof text, "sample %u", chosen[i]);
    drawing_text(d, box.x, box.y + BOX + 15, "start", "soft", text);
  }
  return true;
}
