#include "report/tested/confusion.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Sizes in the drawing's units. */
enum { WIDTH = 440, LEFT = 40, MAX_NAME = 88, RIGHT = 54, TOP = 64 };

enum { MAX_WITH_NUMBERS = 20, LABELS = 256 };

/** A matrix that is being drawn: counts [classes, classes], truth by guess. */
typedef struct {
  drawing *d;
  const dg_classes *names;
  uint32_t classes;
  uint32_t *counts;
  uint32_t most_wrong; /**< the largest count off the diagonal */
  double name, left;   /**< width of the names, and where the cells begin */
  double cell;         /**< side */
} matrix;

static uint32_t row_sum(const matrix *m, uint32_t truth) {
  uint32_t sum = 0;
  for (uint32_t guess = 0; guess < m->classes; guess++)
    sum += m->counts[truth * m->classes + guess];
  return sum;
}

static void draw_cell(const matrix *m, uint32_t truth, uint32_t guess, uint32_t in_row) {
  uint32_t count = m->counts[truth * m->classes + guess];
  double x = m->left + guess * m->cell, y = TOP + truth * m->cell;
  bool correct = truth == guess;
  if (count == 0) return;
  double share = correct ? (double)count / in_row : sqrt((double)count / m->most_wrong);
  markup *body = &m->d->body;
  char number[DG_CLASS_SIZE];
  markup_add(body, "<g class=\"cell\"><title>");
  markup_escape(body, dg_class_name(m->names, truth, number));
  markup_add(body, " taken for ");
  markup_escape(body, dg_class_name(m->names, guess, number));
  markup_add(body, ": %u</title>", count);
  markup_add(body, "<rect class=\"f%d\" opacity=\"%.2f\" x=\"%.1f\" y=\"%.1f\" ", correct ? 0 : 1,
             0.12 + (correct ? 0.4 : 0.6) * share, x + 0.5, y + 0.5);
  markup_add(body, "width=\"%.1f\" height=\"%.1f\"/>", m->cell - 1, m->cell - 1);
  char text[16];
  snprintf(text, sizeof text, "%u", count);
  if (m->classes <= MAX_WITH_NUMBERS)
    drawing_text(m->d, x + m->cell / 2, y + m->cell / 2 + 4, "middle", m->cell < 28 ? "tiny" : "",
                 text);
  markup_add(body, "</g>\n");
}

/** Draws a class: its name on both sides, its cells and its share of correct answers. */
static void draw_row(const matrix *m, uint32_t truth) {
  uint32_t sum = row_sum(m, truth);
  double y = TOP + truth * m->cell;
  char text[32];
  for (uint32_t guess = 0; guess < m->classes; guess++) draw_cell(m, truth, guess, sum);
  markup_add(&m->d->body, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>\n", m->left, y + m->cell,
             m->left + m->cell * m->classes);
  if (m->cell < 12 && truth % 5 != 0) return;
  snprintf(text, sizeof text, "%u", truth);
  drawing_text(m->d, m->left - 8, y + m->cell / 2 + 4, "end", "strong", text);
  drawing_text(m->d, m->left + (truth + 0.5) * m->cell, TOP - 8, "middle", "strong", text);
  if (truth < m->names->count)
    drawing_text_within(m->d, 0, y + m->cell / 2 + 4, m->name, "soft", m->names->name[truth]);
  if (sum == 0 || m->cell < 12) return;
  snprintf(text, sizeof text, "%.1f %%", 100.0 * m->counts[truth * m->classes + truth] / sum);
  drawing_text(m->d, WIDTH, y + m->cell / 2 + 4, "end", "soft", text);
}

/** Width of the names of the classes on the left. */
static double width_of_names(const dg_classes *names) {
  double most = 0;
  for (uint32_t i = 0; i < names->count; i++) most = fmax(most, drawing_text_width(names->name[i]));
  return fmin(most, MAX_NAME);
}

static void draw_matrix(matrix *m) {
  drawing *d = m->d;
  m->name = width_of_names(m->names);
  m->left = LEFT + m->name;
  m->cell = (WIDTH - m->left - RIGHT) / m->classes;
  *d = (drawing){.width = WIDTH, .height = TOP + m->cell * m->classes + 8};
  snprintf(d->title, sizeof d->title, "Confusion matrix");
  drawing_text(d, 0, 14, "start", "head", "Confusion matrix");
  drawing_text(d, (m->left + WIDTH - RIGHT) / 2.0, 38, "middle", "soft", "guess");
  drawing_text(d, WIDTH, 38, "end", "soft", "right");
  drawing_text(d, 0, TOP - 8, "start", "soft", "truth");
  for (uint32_t truth = 0; truth < m->classes; truth++) draw_row(m, truth);
}

bool confusion_draw(const answers *a, const uint8_t *labels, const dg_classes *names, drawing *d,
                    dg_error *err) {
  matrix m = {.d = d,
              .names = names,
              .classes = a->classes < LABELS ? a->classes : LABELS,
              .most_wrong = 1};
  size_t cells = (size_t)m.classes * m.classes;
  m.counts = calloc(cells, sizeof *m.counts);
  if (!m.counts) return dg_fail_memory(err, cells * sizeof *m.counts);
  for (uint32_t i = 0; i < a->count; i++) {
    if (a->guess[i] >= m.classes || labels[i] >= m.classes) continue;
    uint32_t *count = &m.counts[labels[i] * m.classes + a->guess[i]];
    ++*count;
    if (a->guess[i] != labels[i] && *count > m.most_wrong) m.most_wrong = *count;
  }
  draw_matrix(&m);
  free(m.counts);
  return true;
}
