#include "report/tested/samples.h"

#include <math.h>
#include <stdio.h>

/* Sizes in the drawing's units. */
enum { WIDTH = 440, TOP = 58, ROW = 64, IMAGE = 44, BARS = 62, BARS_END = 312, BAR = 34 };

enum { CLASSES = 256, MAX_WITH_NAMES = 24 };

/** For each class, the image with the lowest probability of that class from the early network. */
static void find_unsure(const answers *early, const uint8_t *labels, uint32_t of_class[CLASSES]) {
  for (uint32_t c = 0; c < CLASSES; c++) of_class[c] = UINT32_MAX;
  for (uint32_t i = 0; i < early->count; i++) {
    uint32_t *best = &of_class[labels[i]];
    if (*best == UINT32_MAX ||
        answers_of(early, i, labels[i]) < answers_of(early, *best, labels[i]))
      *best = i;
  }
}

uint32_t samples_choose(const answers *early, const uint8_t *labels, uint32_t chosen[MAX_SAMPLES]) {
  uint32_t of_class[CLASSES], count = 0;
  find_unsure(early, labels, of_class);
  for (uint32_t c = 0; c < CLASSES; c++) {
    uint32_t image = of_class[c], surest = 0;
    if (image == UINT32_MAX) continue;
    if (count < MAX_SAMPLES) {
      chosen[count++] = image;
      continue;
    }
    for (uint32_t i = 1; i < count; i++)
      if (answers_of(early, chosen[i], labels[chosen[i]]) >
          answers_of(early, chosen[surest], labels[chosen[surest]]))
        surest = i;
    if (answers_of(early, image, labels[image]) <
        answers_of(early, chosen[surest], labels[chosen[surest]]))
      chosen[surest] = image;
  }
  return count;
}

/** Draws the probabilities of each class: early ones on the left in grey, final ones on the
    right. */
static void draw_bars(const answers *early, const answers *now, uint32_t image, uint8_t label,
                      double top, drawing *d) {
  double step = (double)(BARS_END - BARS) / now->classes, bottom = top + BAR;
  for (uint32_t c = 0; c < now->classes; c++) {
    double x = BARS + c * step, then = BAR * answers_of(early, image, c);
    double here = BAR * answers_of(now, image, c), half = step * 0.42;
    char text[16];
    snprintf(text, sizeof text, "%u", c);
    if (now->classes <= MAX_WITH_NAMES)
      drawing_text(d, x + step / 2, bottom + 12, "middle", c == label ? "tiny strong" : "tiny soft",
                   text);
    markup_add(&d->body, "<g><title>%u: %.1f %%, then %.1f %%</title>", c,
               100 * answers_of(early, image, c), 100 * answers_of(now, image, c));
    markup_add(&d->body,
               "<rect class=\"then\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
               x + step * 0.08, bottom - then, half, then);
    markup_add(&d->body,
               "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/></g>\n",
               c == label ? "f0" : "f1", x + step * 0.5, bottom - here, half, here);
  }
  markup_add(&d->body, "<path class=\"axis\" d=\"M%d %.1fH%d\"/>\n", BARS, bottom, BARS_END);
}

static void draw_guess(const answers *a, uint32_t image, uint8_t label, const char *when, double y,
                       drawing *d) {
  char text[40];
  uint32_t guess = a->guess[image];
  snprintf(text, sizeof text, "%u (%.1f %%)", guess, 100 * answers_of(a, image, guess));
  drawing_text(d, BARS_END + 12, y, "start", "soft", when);
  drawing_text(d, WIDTH, y, "end", guess == label ? "good" : "bad", text);
}

/** Draws what the network saw; a row of a table is named by its number. */
static void draw_input(const shown *s, uint32_t image, double top, drawing *d) {
  char text[32];
  if (s->input.kind == TILE_ROW) {
    snprintf(text, sizeof text, "row %u", image);
    drawing_text(d, 0, top + 26, "start", "tiny soft", text);
    return;
  }
  markup_add(&d->body, "<g><title>a %u</title>\n", s->contents->tested.labels[image]);
  tile_draw(&s->input, shown_input(s, image), (tile_box){0, top, IMAGE, IMAGE}, TILE_ALONE, d);
  markup_add(&d->body, "</g>\n");
}

static void draw_sample(const shown *s, const answers *early, const answers *now, uint32_t image,
                        uint32_t row, drawing *d) {
  double top = TOP + (double)row * ROW;
  uint8_t label = s->contents->tested.labels[image];
  draw_input(s, image, top, d);
  draw_bars(early, now, image, label, top, d);
  draw_guess(early, image, label, "early", top + 16, d);
  draw_guess(now, image, label, "end", top + 34, d);
}

void samples_draw(const shown *s, const answers *early, const answers *now, const uint32_t *chosen,
                  uint32_t count, uint32_t epoch, drawing *d) {
  *d = (drawing){.width = WIDTH, .height = TOP + (double)count * ROW};
  char text[64];
  snprintf(d->title, sizeof d->title, "The same samples after epoch %u and at the end", epoch);
  drawing_text(d, 0, 14, "start", "head", d->title);
  snprintf(text, sizeof text, "after epoch %u", epoch);
  markup_add(&d->body, "<rect class=\"then\" x=\"0\" y=\"27\" width=\"10\" height=\"10\"/>\n");
  drawing_text(d, 15, 36, "start", "soft", text);
  markup_add(&d->body, "<rect class=\"f0\" x=\"110\" y=\"27\" width=\"10\" height=\"10\"/>\n");
  drawing_text(d, 125, 36, "start", "soft", "at the end: right");
  markup_add(&d->body, "<rect class=\"f1\" x=\"258\" y=\"27\" width=\"10\" height=\"10\"/>\n");
  drawing_text(d, 273, 36, "start", "soft", "at the end: wrong");
  for (uint32_t i = 0; i < count; i++) draw_sample(s, early, now, chosen[i], i, d);
}
