/** The files of the page, which are embedded when digits-serve is built. */
#ifndef DG_SERVE_PAGE_H
#define DG_SERVE_PAGE_H

typedef struct {
  const char *name; /**< "page.html" */
  const char *text;
} page_file;

/** All files, ended by a NULL name (generated). */
extern const page_file page_files[];

#endif
