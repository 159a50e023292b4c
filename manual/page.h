/** Man pages in the man macros: from --help, and what a person wrote besides. */
#ifndef DG_MANUAL_PAGE_H
#define DG_MANUAL_PAGE_H

#include "manual/help.h"

/** What a page says besides --help. */
typedef struct {
  const char *program, *version, *date; /**< "digits-run", "0.1.0", "2026-01-31" */
  const char *part; /**< file: the line that names the program, then text and sections as they are;
                         a line @FILE stands for a file beside it */
  const char *const *others; /**< programs to see also */
  size_t other_count;
} page_frame;

/** Writes a page to `out`. */
bool page_write(markup *out, const help *h, const page_frame *frame, dg_error *err);

#endif
