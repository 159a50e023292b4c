/**
 * A drawing (SVG): part of a page, with the page's style, or a separate file. Both adapt to light
 * or dark mode by the same rules.
 */
#ifndef DG_DRAWING_H
#define DG_DRAWING_H

#include "report/markup.h"

typedef struct {
  double width, height; /**< in units of its coordinates, which are scaled to the screen */
  char title[120];      /**< for accessibility */
  markup body;          /**< its shapes */
} drawing;

/** The colours and text styles of drawings, as CSS. `c0` to `c7` are colours that colour-blind
    readers can distinguish (after Okabe and Ito, 2008). */
extern const char drawing_style[];

enum { DRAWING_COLOURS = 8 };

/** Adds text; `anchor` is "start", "middle" or "end", `class` one of the styles, or several. */
void drawing_text(drawing *d, double x, double y, const char *anchor, const char *class,
                  const char *text);

/** Adds text from x on, truncated to about a width. */
void drawing_text_within(drawing *d, double x, double y, double width, const char *class,
                         const char *text);

/** Approximate width of a text in the small font. */
double drawing_text_width(const char *text);

/** Adds the drawing to a page. */
void drawing_inline(const drawing *d, markup *page);

/** Writes the drawing to a separate file. */
bool drawing_write(const drawing *d, const char *path, dg_error *err);

void drawing_free(drawing *d);

#endif
