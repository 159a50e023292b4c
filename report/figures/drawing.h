/**
 * A drawing (SVG): part of a page, whose style it takes up, or a file of its own. Both adapt to a
 * light or dark surrounding by the same rules.
 */
#ifndef DG_DRAWING_H
#define DG_DRAWING_H

#include "report/markup.h"

typedef struct {
  double width, height; /**< units of its coordinates; a screen scales them */
  char title[120];      /**< for those who can't see it */
  markup body;          /**< its shapes */
} drawing;

/** The colours and text styles that drawings use, as CSS. `c0` to `c7` of it are colours that
    remain apart for colour-blind readers (after Okabe and Ito, 2008). */
extern const char drawing_style[];

enum { DRAWING_COLOURS = 8 };

/** Adds text; `anchor` is "start", "middle" or "end", `class` one of the styles, or several. */
void drawing_text(drawing *d, double x, double y, const char *anchor, const char *class,
                  const char *text);

/** Adds text from x on, cut to about a width where it is longer. */
void drawing_text_within(drawing *d, double x, double y, double width, const char *class,
                         const char *text);

/** About how wide a text is in the drawings' small type. */
double drawing_text_width(const char *text);

/** Adds the drawing to a page. */
void drawing_inline(const drawing *d, markup *page);

/** Writes it as a file of its own. */
bool drawing_write(const drawing *d, const char *path, dg_error *err);

void drawing_free(drawing *d);

#endif
