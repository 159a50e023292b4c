/** A chart of lines over two axes. */
#ifndef DG_CHART_H
#define DG_CHART_H

#include "report/figures/drawing.h"

enum { CHART_LINES = 24 };

/** A line of a chart. Points that aren't finite are left out; arrays are the caller's. */
typedef struct {
  char label[64];
  unsigned colour; /**< from 0; a style of dashes follows every DRAWING_COLOURS */
  bool dashed;
  bool dots; /**< marks every point, with its values for a pointer that rests on it */
  const double *x, *y;
  const double *low, *high; /**< a band around the line; NULL: none */
  size_t count;
} chart_line;

typedef struct {
  const char *title, *x_name;
  bool percent;     /**< y are shares, shown in percent */
  bool whole;       /**< x are whole numbers */
  bool logarithmic; /**< y, where all are > 0 and far apart */
  chart_line line[CHART_LINES];
  size_t count;
} chart;

/** Draws a chart. One without a point says so. The caller frees the drawing. */
void chart_draw(const chart *c, drawing *d);

#endif
