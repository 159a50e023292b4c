/** Charts of the course of runs. */
#ifndef DG_CURVES_H
#define DG_CURVES_H

#include "report/page.h"
#include "report/run_log.h"

/** A run with its name among others. */
typedef struct {
  const logged_run *run;
  char label[64];
} named_run;

/**
 * Adds the charts of one run (training, validation and test), or of up to CHART_LINES runs in the
 * same charts (validation, or else training).
 */
bool curves_draw(page *p, const named_run *runs, size_t count, dg_error *err);

#endif
