/** How runs went, as charts. */
#ifndef DG_CURVES_H
#define DG_CURVES_H

#include "report/page.h"
#include "report/run_log.h"

/** A run with what it is called among others. */
typedef struct {
  const logged_run *run;
  char label[64];
} named_run;

/**
 * Adds the charts of one run (training, validation and test), or of several over one another (the
 * validation, or else the training), at most CHART_LINES of them.
 */
bool curves_draw(page *p, const named_run *runs, size_t count, dg_error *err);

#endif
