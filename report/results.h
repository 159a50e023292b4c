/** Compares several runs: their names, and a table of their results. */
#ifndef DG_RESULTS_H
#define DG_RESULTS_H

#include "report/figures/curves.h"

/** Names the runs of a log by what they differ in; the caller frees the names. NULL: out of
    memory. */
named_run *results_name(const run_log *log, dg_error *err);

/** Adds a table with a row for each run. */
void results_table(page *p, const named_run *runs, size_t count);

#endif
