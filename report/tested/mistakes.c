#include "report/tested/mistakes.h"

#include <stdio.h>

#include "report/figures/sheet.h"

enum { MAX_MISTAKES = 60, SHEET_COLUMNS = 10, SMALL = 48, MAX_COLUMNS = 32 };

/** The section that is being written. */
typedef struct {
  page *page;
  const shown *shown;
  const answers *answers;
  uint32_t count; /**< mistakes that are shown */
} section;

static uint32_t truth_of(const section *x, uint32_t sample) {
  return x->shown->contents->tested.labels[sample];
}

/** The name of a class. */
static const char *name_of(const section *x, uint32_t class, char number[DG_CLASS_SIZE]) {
  return dg_class_name(x->shown->contents->names, class, number);
}

/* ---- pictures ----------------------------------------------------------- */

static void add_picture(const section *x, uint32_t sample, const picture *image) {
  const answers *a = x->answers;
  const uint32_t truth = truth_of(x, sample), guess = a->guess[sample];
  markup *m = &x->page->html;
  char number[DG_CLASS_SIZE];
  markup_add(m, "<figure><img width=\"72\" height=\"72\" alt=\"test image %u\" src=\"", sample);
  picture_inline(image, m);
  markup_add(m, "\">\n<figcaption><b>");
  markup_escape(m, name_of(x, truth, number));
  markup_add(m, "</b> taken for <i>");
  markup_escape(m, name_of(x, guess, number));
  markup_add(m, "</i><br>");
  markup_add(m, "%.1f %%, not %.2f %%</figcaption></figure>\n", 100 * answers_of(a, sample, guess),
             100 * answers_of(a, sample, truth));
}

/** Adds mistakes to the page and to the sheet: "4>9 87%" is a 4 that was taken for a 9 with 87 %.
 */
static bool add_pictures_to(const section *x, sheet *s, dg_error *err) {
  bool ok = true;
  for (uint32_t i = 0; ok && i < x->count; i++) {
    const uint32_t sample = x->answers->mistake[i], guess = x->answers->guess[sample];
    picture image = {0};
    char label[40];
    ok = tile_paint(&x->shown->input, shown_input(x->shown, sample), &image, err);
    if (!ok) return false;
    add_picture(x, sample, &image);
    snprintf(label, sizeof label, "%u>%u %.0f%%", truth_of(x, sample), guess,
             100 * answers_of(x->answers, sample, guess));
    sheet_put_picture(s, i, &image, label);
    picture_close(&image);
  }
  return ok;
}

static bool add_pictures(const section *x, dg_error *err) {
  sheet_layout layout = {.columns = x->count < SHEET_COLUMNS ? x->count : SHEET_COLUMNS,
                         .rows = (x->count + SHEET_COLUMNS - 1) / SHEET_COLUMNS};
  char path[REPORT_PATH];
  sheet s;
  tile_size(&x->shown->input, &layout.image_height, &layout.image_width, &layout.channels);
  layout.scale = layout.image_width < SMALL ? 2 : 1;
  if (!sheet_open(&s, &layout, err)) return false;
  report_path(x->page->folder, REPORT_MISTAKES, path);
  markup_add(&x->page->html, "<div class=\"mistakes\">\n");
  bool ok = add_pictures_to(x, &s, err) && picture_write(&s.picture, path, err);
  markup_add(&x->page->html, "</div>\n");
  sheet_close(&s);
  return ok;
}

/* ---- sequences ---------------------------------------------------------- */

enum { MAX_SEQUENCES = 24, WIDTH = 960, ACROSS = 4, APART = 16, BOX = 90, ROW = 146, TOP = 24 };

static void draw_sequence(const section *x, uint32_t sample, tile_box box, drawing *d) {
  const answers *a = x->answers;
  const uint32_t truth = truth_of(x, sample), guess = a->guess[sample];
  char text[2 * DG_CLASS_SIZE + 40], one[DG_CLASS_SIZE], other[DG_CLASS_SIZE];
  markup_add(&d->body,
             "<rect class=\"box\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n", box.x,
             box.y, box.width, box.height);
  tile_draw(&x->shown->input, shown_input(x->shown, sample), box, TILE_ALONE, d);
  snprintf(text, sizeof text, "%s taken for %s", name_of(x, truth, one), name_of(x, guess, other));
  drawing_text_within(d, box.x, box.y + BOX + 15, box.width, "bad", text);
  snprintf(text, sizeof text, "%.1f %%, not %.2f %%; sample %u", 100 * answers_of(a, sample, guess),
           100 * answers_of(a, sample, truth), sample);
  drawing_text(d, box.x, box.y + BOX + 31, "start", "soft", text);
}

static bool add_sequences(const section *x, dg_error *err) {
  const double side = (WIDTH - (ACROSS - 1) * APART) / ACROSS;
  drawing d = {.width = WIDTH, .height = TOP + (double)ROW * ((x->count + ACROSS - 1) / ACROSS)};
  snprintf(d.title, sizeof d.title,
           "The worst mistakes: lines over steps, a line for each feature");
  drawing_text(&d, 0, 14, "start", "head", d.title);
  for (uint32_t i = 0; i < x->count; i++) {
    const tile_box box = {i % ACROSS * (side + APART), TOP + (double)(i / ACROSS * ROW), side, BOX};
    draw_sequence(x, x->answers->mistake[i], box, &d);
  }
  markup_add(&x->page->html, "<div class=\"wide\">\n");
  bool ok = page_drawing(x->page, &d, REPORT_MISTAKEN_LINES, err);
  markup_add(&x->page->html, "</div>\n");
  drawing_free(&d);
  return ok;
}

/* ---- rows of tables ----------------------------------------------------- */

static void add_heads(const section *x, uint32_t columns) {
  markup *m = &x->page->html;
  markup_add(m, "<tr><th class=\"number\">sample</th><th>is</th><th>taken for</th>"
                "<th class=\"number\">probability</th>");
  for (uint32_t k = 0; k < columns; k++) {
    char name[2 * DG_CLASS_SIZE];
    markup_add(m, "<th class=\"number\">");
    if (dg_dataset_feature_name(x->shown->contents->data, k, name, sizeof name))
      markup_escape(m, name);
    else
      markup_add(m, "%u", k);
    markup_add(m, "</th>");
  }
  markup_add(m, "</tr>\n");
}

static void add_row(const section *x, uint32_t sample, uint32_t columns) {
  const answers *a = x->answers;
  const uint32_t truth = truth_of(x, sample), guess = a->guess[sample];
  const tile_array row = shown_input(x->shown, sample);
  markup *m = &x->page->html;
  char number[DG_CLASS_SIZE];
  markup_add(m, "<tr><td class=\"number\">%u</td><td>", sample);
  markup_escape(m, name_of(x, truth, number));
  markup_add(m, "</td><td>");
  markup_escape(m, name_of(x, guess, number));
  markup_add(m, "</td><td class=\"number\">%.1f %%, not %.2f %%</td>",
             100 * answers_of(a, sample, guess), 100 * answers_of(a, sample, truth));
  for (uint32_t k = 0; k < columns; k++)
    markup_add(m, "<td class=\"number\">%.5g</td>", tile_number(row, k));
  markup_add(m, "</tr>\n");
}

static void add_rows(const section *x) {
  const uint32_t all = x->shown->input.numbers, columns = all < MAX_COLUMNS ? all : MAX_COLUMNS;
  if (columns < all)
    markup_add(&x->page->html, "<p class=\"soft note\">The first %u of %u columns.</p>\n", columns,
               all);
  markup_add(&x->page->html, "<div class=\"scroll\"><table class=\"mistaken\">\n");
  add_heads(x, columns);
  for (uint32_t i = 0; i < x->count; i++) add_row(x, x->answers->mistake[i], columns);
  markup_add(&x->page->html, "</table></div>\n");
}

/* ---- the section -------------------------------------------------------- */

bool mistakes_add(page *p, const shown *s, const answers *a, dg_error *err) {
  const uint32_t most = s->input.kind == TILE_LINES ? MAX_SEQUENCES : MAX_MISTAKES;
  const section x = {p, s, a, a->mistakes < most ? a->mistakes : most};
  char note[200] = "There are none.";
  if (x.count)
    snprintf(note, sizeof note,
             "The worst %u of %u: each with the probability of the guess, and that of the right "
             "class, the smallest first.",
             x.count, a->mistakes);
  page_section(p, "Mistakes", note);
  bool ok = true;
  if (x.count && s->input.kind == TILE_ROW)
    add_rows(&x);
  else if (x.count)
    ok = (s->input.kind == TILE_LINES ? add_sequences : add_pictures)(&x, err);
  page_section_end(p);
  return ok;
}
