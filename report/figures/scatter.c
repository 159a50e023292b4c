#include "report/figures/scatter.h"

#include <math.h>
#include <stdio.h>

#include "report/figures/chart.h"

enum { BINS = 30, EDGES = 2 * BINS + 2 };

/* ---- scatter ------------------------------------------------------------ */

/** Takes samples at equal distances; returns how many. */
static size_t thin(const predictions *p, double *x, double *y) {
  const size_t shown = p->count < SCATTER_POINTS ? p->count : SCATTER_POINTS;
  for (size_t i = 0; i < shown; i++) {
    const size_t sample = i * p->count / shown;
    x[i] = p->truth[sample];
    y[i] = p->predicted[sample];
  }
  return shown;
}

void scatter_draw(const predictions *p, drawing *d) {
  double x[SCATTER_POINTS], y[SCATTER_POINTS], ends[2] = {INFINITY, -INFINITY};
  char title[120], axis[120];
  const size_t shown = thin(p, x, y);
  for (size_t i = 0; i < shown; i++) {
    ends[0] = fmin(ends[0], fmin(x[i], y[i]));
    ends[1] = fmax(ends[1], fmax(x[i], y[i]));
  }
  snprintf(title, sizeof title, "Predicted %.80s by true", p->name);
  snprintf(axis, sizeof axis, "true %.80s", p->name);
  chart c = {.title = title, .x_name = axis, .tall = true};
  c.line[c.count++] = (chart_line){.label = "test samples", .scattered = true, .x = x, .y = y};
  c.line[0].count = shown;
  if (shown < p->count)
    snprintf(c.line[0].label, sizeof c.line[0].label, "%zu of %zu test samples", shown, p->count);
  c.line[c.count++] = (chart_line){
      .label = "equal", .colour = 2, .dashed = true, .x = ends, .y = ends, .count = shown ? 2 : 0};
  chart_draw(&c, d);
}

/* ---- errors ------------------------------------------------------------- */

/** The outline of a histogram: two points a bin. */
typedef struct {
  double x[EDGES], low[EDGES], high[EDGES];
} outline;

static double error_of(const predictions *p, size_t i) {
  return p->predicted[i] - p->truth[i];
}

/** Counts the errors in bins between `first` and `last`. */
static void fill_bins(const predictions *p, double first, double last, double count[BINS]) {
  for (size_t i = 0; i < p->count; i++) {
    const double at = floor((error_of(p, i) - first) / (last - first) * BINS);
    count[(int)fmax(0, fmin(BINS - 1, at))]++;
  }
}

static void draw_outline(const predictions *p, const outline *o, drawing *d) {
  char title[120], axis[120];
  snprintf(title, sizeof title, "Test samples by error of %.80s", p->name);
  snprintf(axis, sizeof axis, "predicted - true %.80s", p->name);
  chart c = {.title = title, .x_name = axis, .tall = true, .count = 1};
  c.line[0] = (chart_line){
      .x = o->x, .y = o->high, .low = o->low, .high = o->high, .count = p->count ? EDGES : 0};
  chart_draw(&c, d);
}

void errors_draw(const predictions *p, drawing *d) {
  double first = INFINITY, last = -INFINITY, count[BINS] = {0};
  outline o = {0};
  for (size_t i = 0; i < p->count; i++) {
    first = fmin(first, error_of(p, i));
    last = fmax(last, error_of(p, i));
  }
  if (p->count && !(first < last)) first -= 0.5, last += 0.5;
  fill_bins(p, first, last, count);
  for (int i = 0; i <= BINS; i++) {
    o.x[2 * i] = o.x[2 * i + 1] = first + (last - first) * i / BINS;
    if (i > 0) o.high[2 * i] = count[i - 1];
    if (i < BINS) o.high[2 * i + 1] = count[i];
  }
  draw_outline(p, &o, d);
}
