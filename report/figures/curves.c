#include "report/figures/curves.h"

#include <math.h>
#include <stdio.h>

#include "report/figures/series.h"

/** A chart of the page. */
typedef struct {
  report_file file;
  series_value value;
  series_axis axis;
} kind;

static const kind kinds[] = {
    {REPORT_LOSS_BY_STEP, SERIES_LOSS, SERIES_BY_STEP},
    {REPORT_ACCURACY_BY_STEP, SERIES_ACCURACY, SERIES_BY_STEP},
    {REPORT_LOSS_BY_EPOCH, SERIES_LOSS, SERIES_BY_EPOCH},
    {REPORT_ACCURACY_BY_EPOCH, SERIES_ACCURACY, SERIES_BY_EPOCH},
    {REPORT_ACCURACY_BY_TIME, SERIES_ACCURACY, SERIES_BY_SECOND},
};

static chart empty_chart(const kind *k, const char *title) {
  static const char *const axes[] = {"step", "epoch", "seconds of training"};
  return (chart){.title = title,
                 .x_name = axes[k->axis],
                 .percent = k->value == SERIES_ACCURACY,
                 .logarithmic = k->value == SERIES_LOSS,
                 .whole = k->axis != SERIES_BY_SECOND};
}

static const char *value_name(const kind *k) {
  return k->value == SERIES_LOSS ? "loss" : "accuracy";
}

static bool add_chart(page *p, const kind *k, const chart *c, dg_error *err) {
  drawing d;
  chart_draw(c, &d);
  bool ok = page_drawing(p, &d, k->file, err);
  drawing_free(&d);
  return ok;
}

/* ---- one run ------------------------------------------------------------ */

/** Adds the tested value as a line from the first to the last epoch. */
static void add_test(const logged_run *run, const kind *k, const series *epochs, double xy[4],
                     chart *c) {
  if (!run->tested || epochs->count < 2 || k->axis == SERIES_BY_STEP) return;
  xy[0] = epochs->x[0];
  xy[1] = epochs->x[epochs->count - 1];
  xy[2] = xy[3] = k->value == SERIES_LOSS ? run->test.loss : run->test.accuracy;
  series test = {.x = xy, .y = xy + 2, .count = 2};
  chart_line *line = series_add(&test, "test, at the end", 2, c);
  if (line) line->dashed = true;
}

/** Training as a line, with a band if steps were logged; validation as dots. */
static bool draw_single(page *p, const logged_run *run, const kind *k, dg_error *err) {
  bool steps = k->axis == SERIES_BY_STEP;
  double test[4];
  char title[64];
  series train = {0}, validation = {0};
  snprintf(title, sizeof title, "%s by %s", k->value == SERIES_LOSS ? "Loss" : "Accuracy",
           k->axis == SERIES_BY_SECOND ? "time"
           : steps                     ? "step"
                                       : "epoch");
  chart c = empty_chart(k, title);
  bool ok = (steps ? series_of_steps(run, k->value, &train, err)
                   : series_of_epochs(run, k->value, k->axis, false, &train, err)) &&
            series_of_epochs(run, k->value, k->axis, true, &validation, err);
  chart_line *line =
      ok ? series_add(&train, steps ? "batches of training" : "training", 0, &c) : NULL;
  if (line && steps) {
    line->low = train.low;
    line->high = train.high;
  } else if (line) {
    line->dots = train.count <= 60;
  }
  line = ok ? series_add(&validation, "validation", 1, &c) : NULL;
  if (line) line->dots = validation.count <= 60;
  if (ok) add_test(run, k, &train, test, &c);
  ok = ok && add_chart(p, k, &c, err);
  series_free(&train);
  series_free(&validation);
  return ok;
}

/* ---- several ------------------------------------------------------------ */

static bool draw_several(page *p, const named_run *runs, size_t count, const kind *k,
                         dg_error *err) {
  bool ok = true, steps = k->axis == SERIES_BY_STEP, validated = !steps;
  series lines[CHART_LINES] = {0};
  char title[64];
  if (count > CHART_LINES) count = CHART_LINES;
  for (size_t i = 0; i < count; i++) validated = validated && logged_validated(runs[i].run);
  snprintf(title, sizeof title, "%s %s by %s", validated ? "Validation" : "Training", value_name(k),
           steps                        ? "step"
           : k->axis == SERIES_BY_EPOCH ? "epoch"
                                        : "time");
  chart c = empty_chart(k, title);
  for (size_t i = 0; ok && i < count; i++) {
    const logged_run *run = runs[i].run;
    ok = steps ? series_of_steps(run, k->value, &lines[i], err)
               : series_of_epochs(run, k->value, k->axis, validated, &lines[i], err);
    chart_line *line = ok ? series_add(&lines[i], runs[i].label, (unsigned)i, &c) : NULL;
    if (line) line->dots = !steps && line->count <= 60;
  }
  ok = ok && add_chart(p, k, &c, err);
  for (size_t i = 0; i < count; i++) series_free(&lines[i]);
  return ok;
}

/** Does any run learn what answers can be counted of? */
static bool has_accuracy(const named_run *runs, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const logged_run *run = runs[i].run;
    if (run->epochs ? !isnan(run->epoch[0].report.train.accuracy)
                    : run->steps && !isnan(run->step[0].accuracy))
      return true;
  }
  return false;
}

bool curves_draw(page *p, const named_run *runs, size_t count, dg_error *err) {
  size_t charts = sizeof kinds / sizeof *kinds - (count == 1);
  bool ok = true;
  markup_add(&p->html, "<div class=\"grid\">\n");
  const bool accuracy = has_accuracy(runs, count);
  for (size_t i = 0; ok && i < charts; i++) {
    if (kinds[i].value == SERIES_ACCURACY && !accuracy) continue;
    ok = count == 1 ? draw_single(p, runs[0].run, &kinds[i], err)
                    : draw_several(p, runs, count, &kinds[i], err);
  }
  markup_add(&p->html, "</div>\n");
  return ok;
}
