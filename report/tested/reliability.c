#include "report/tested/reliability.h"

#include <math.h>
#include <stdio.h>

#include "report/figures/chart.h"

static const double quantile = 1.959964; /* of the normal distribution, for 95 % */

/** The points of a line: a bin that has images is one. */
typedef struct {
  double x[DG_CALIBRATION_BINS], y[DG_CALIBRATION_BINS];
  double low[DG_CALIBRATION_BINS], high[DG_CALIBRATION_BINS];
  size_t count;
} points;

/** Adds a bin; x is in percent. */
static void add_bin(points *p, const dg_calibration_bin *bin) {
  double n = bin->count, share = bin->accuracy, square = quantile * quantile;
  double middle = (share + square / (2 * n)) / (1 + square / n);
  double width = quantile / (1 + square / n) * sqrt(share * (1 - share) / n + square / (4 * n * n));
  p->x[p->count] = 100 * bin->confidence;
  p->y[p->count] = share;
  p->low[p->count] = middle - width;
  p->high[p->count++] = middle + width;
}

static points points_of(const dg_calibration *c) {
  points p = {.count = 0};
  for (int i = 0; i < DG_CALIBRATION_BINS; i++)
    if (c->bins[i].count) add_bin(&p, &c->bins[i]);
  return p;
}

/** Adds a line to the chart. */
static chart_line *add_line(chart *c, const points *p, const char *label) {
  chart_line *line = &c->line[c->count];
  *line = (chart_line){
      .colour = (unsigned)c->count, .dots = true, .x = p->x, .y = p->y, .count = p->count};
  snprintf(line->label, sizeof line->label, "%s", label);
  c->count++;
  return line;
}

void reliability_draw(const reliability *r, drawing *d) {
  static const double ideal_x[] = {0, 100}, ideal_y[] = {0, 1};
  points now = points_of(&r->now), without = points_of(&r->without);
  chart c = {
      .title = "Reliability", .x_name = "probability of the answer in percent", .percent = true};
  char label[64] = "correct answers";
  if (r->temperature > 0) snprintf(label, sizeof label, "temperature %.4g", r->temperature);
  chart_line *line = add_line(&c, &now, label);
  line->low = now.low;
  line->high = now.high;
  if (r->temperature > 0) add_line(&c, &without, "without temperature");
  c.line[c.count++] = (chart_line){.label = "perfectly calibrated",
                                   .colour = 2,
                                   .dashed = true,
                                   .x = ideal_x,
                                   .y = ideal_y,
                                   .count = 2};
  chart_draw(&c, d);
}
