/** Converts numbers of a logged run to points of a chart's line. */
#ifndef DG_SERIES_H
#define DG_SERIES_H

#include "report/figures/chart.h"
#include "report/run_log.h"

typedef enum { SERIES_LOSS, SERIES_ACCURACY } series_value;
typedef enum { SERIES_BY_STEP, SERIES_BY_EPOCH, SERIES_BY_SECOND } series_axis;

/** Points; all zero before their first use. */
typedef struct {
  double *x, *y, *low, *high;
  size_t count;
} series;

/** The steps of a run: many steps are reduced to a few hundred means, each with minimum and
    maximum. */
bool series_of_steps(const logged_run *run, series_value value, series *s, dg_error *err);

/** The epochs of a run, for training or validation. */
bool series_of_epochs(const logged_run *run, series_value value, series_axis axis, bool validation,
                      series *s, dg_error *err);

/** Adds the points as a line with a label; they must outlive the chart. Lines beyond CHART_LINES
    are dropped. Returns the line, or NULL. */
chart_line *series_add(const series *s, const char *label, unsigned colour, chart *c);

void series_free(series *s);

#endif
