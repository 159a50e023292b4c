/** A chart of lines over two axes. */
#ifndef DG_CHART_H
#define DG_CHART_H

#include "report/figures/drawing.h"

enum { CHART_LINES = 24 };

/** A line of a chart. Points that aren't finite are skipped; arrays belong to the caller. */
typedef struct {
  char label[64];
  unsigned colour; /**< from 0; every DRAWING_COLOURS the style of dashes changes */
  bool dashed;
  bool dots;      /**< mark every point, with its values as a tooltip */
  bool scattered; /**< points alone, without a line */
  const double *x, *y;
  const double *low, *high; /**< a band around the line; NULL: none */
  size_t count;
} chart_line;

typedef struct {
  const char *title, *x_name;
  bool percent;     /**< y are fractions, shown in percent */
  bool whole;       /**< x are integers */
  bool logarithmic; /**< y, if all are > 0 and far apart */
  bool tall;        /**< about as high as wide */
  chart_line line[CHART_LINES];
  size_t count;
} chart;

/** Draws a chart. If there is no point, it says so. The caller frees the drawing. */
void chart_draw(const chart *c, drawing *d);

#endif
