/** A self-contained HTML page: style and pictures are embedded. */
#ifndef DG_PAGE_H
#define DG_PAGE_H

#include "report/figures/drawing.h"
#include "report/figures/picture.h"
#include "report/folder.h"

typedef struct {
  const char *folder; /**< where the page and its pictures are written */
  markup html;
} page;

/** Begins a page with its heading. Texts are escaped, here and below. */
void page_begin(page *p, const char *folder, const char *title, const char *subtitle);

/** Begins a section of the page, with a sentence below its heading (NULL: none). */
void page_section(page *p, const char *heading, const char *note);
void page_section_end(page *p);

/** Adds a drawing, and writes it as a file. */
bool page_drawing(page *p, const drawing *d, report_file file, dg_error *err);

/** Adds a picture with its caption, and writes it as a file. */
bool page_picture(page *p, const picture *image, report_file file, const char *caption,
                  dg_error *err);

/** Writes the page to the folder as index.html; always frees it. */
bool page_end(page *p, dg_error *err);

#endif
