#include "report/figures/series.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_POINTS = 120 };

static bool open_series(series *s, size_t capacity, dg_error *err) {
  *s = (series){.x = calloc(4 * capacity + 1, sizeof(double))};
  if (!s->x) return dg_fail_memory(err, 4 * capacity * sizeof(double));
  s->y = s->x + capacity;
  s->low = s->y + capacity;
  s->high = s->low + capacity;
  return true;
}

/** Adds the mean of steps `first` to `end`; steps without a number are skipped. */
static void gather(const logged_run *run, series_value value, size_t first, size_t end, series *s) {
  double sum = 0, low = INFINITY, high = -INFINITY;
  size_t count = 0;
  for (size_t i = first; i < end; i++) {
    double y = value == SERIES_LOSS ? run->step[i].loss : run->step[i].accuracy;
    if (!isfinite(y)) continue;
    sum += y;
    low = fmin(low, y);
    high = fmax(high, y);
    count++;
  }
  if (count == 0) return;
  s->x[s->count] = 1 + ((double)run->step[first].step + (double)run->step[end - 1].step) / 2;
  s->y[s->count] = sum / (double)count;
  s->low[s->count] = low;
  s->high[s->count++] = high;
}

bool series_of_steps(const logged_run *run, series_value value, series *s, dg_error *err) {
  size_t points = run->steps < MAX_POINTS ? run->steps : MAX_POINTS;
  if (!open_series(s, points, err)) return false;
  for (size_t i = 0; i < points; i++)
    gather(run, value, i * run->steps / points, (i + 1) * run->steps / points, s);
  return true;
}

bool series_of_epochs(const logged_run *run, series_value value, series_axis axis, bool validation,
                      series *s, dg_error *err) {
  if (!open_series(s, run->epochs, err)) return false;
  for (size_t i = 0; i < run->epochs; i++) {
    const logged_epoch *e = &run->epoch[i];
    const dg_score *score = validation ? &e->report.validation : &e->report.train;
    double y = value == SERIES_LOSS ? score->loss : score->accuracy;
    if (!isfinite(y) || (validation && !e->report.validated)) continue;
    s->x[s->count] = axis == SERIES_BY_STEP    ? (double)e->steps
                     : axis == SERIES_BY_EPOCH ? e->report.epoch
                                               : e->seconds;
    s->y[s->count++] = y;
  }
  return true;
}

chart_line *series_add(const series *s, const char *label, unsigned colour, chart *c) {
  if (c->count == CHART_LINES || s->count == 0) return NULL;
  chart_line *line = &c->line[c->count++];
  *line = (chart_line){.colour = colour, .x = s->x, .y = s->y, .count = s->count};
  snprintf(line->label, sizeof line->label, "%s", label);
  return line;
}

void series_free(series *s) {
  free(s->x);
  *s = (series){0};
}
