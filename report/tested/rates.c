#include "report/tested/rates.h"

#include <math.h>
#include <stdio.h>

enum { MAX_OPEN = 40 }; /* longer tables are shown on demand */

const char *rates_name(const dg_dataset *data, dg_task task, uint32_t output,
                       char number[DG_CLASS_SIZE]) {
  if (task == DG_TASK_CLASS) return dg_class_name(dg_dataset_classes(data), output, number);
  const char *name = dg_dataset_target_name(data, output);
  if (name) return name;
  snprintf(number, DG_CLASS_SIZE, "%u", output);
  return number;
}

/** Adds a cell with a share of 1, in percent. */
static void add_share(page *p, double share) {
  markup_add(&p->html, "<td class=\"number\">%.2f %%</td>", 100 * share);
}

/** Adds a cell with a number; an empty one if it is unknown. */
static void add_number(page *p, double number) {
  markup_add(&p->html, "<td class=\"number\">");
  if (isfinite(number)) markup_add(&p->html, "%.5g", number);
  markup_add(&p->html, "</td>");
}

static void begin_row(page *p, const char *name) {
  markup_add(&p->html, "<tr><td>");
  markup_escape(&p->html, name);
  markup_add(&p->html, "</td>");
}

/** Adds a row for a class or label. */
static void add_answered(page *p, const char *name, const dg_metrics_of_output *m) {
  begin_row(p, name);
  markup_add(&p->html, "<td class=\"number\">%llu</td><td class=\"number\">%llu</td>",
             (unsigned long long)m->actual, (unsigned long long)m->predicted);
  add_share(p, m->precision);
  add_share(p, m->recall);
  add_share(p, m->f1);
  markup_add(&p->html, "</tr>\n");
}

/** Adds a row for a target. */
static void add_value(page *p, const char *name, double mae, double rmse, double r2) {
  begin_row(p, name);
  add_number(p, mae);
  add_number(p, rmse);
  add_number(p, r2);
  markup_add(&p->html, "</tr>\n");
}

static void add_means(page *p, const report_contents *c) {
  const dg_metrics_of_all *all = &c->metrics;
  if (c->task == DG_TASK_VALUES) {
    if (c->each_count > 1) add_value(p, "all", all->mae, all->rmse, all->r2);
    return;
  }
  begin_row(p, "mean");
  markup_add(&p->html, "<td class=\"number\"></td><td class=\"number\"></td>");
  add_share(p, all->precision_macro);
  add_share(p, all->recall_macro);
  add_share(p, all->f1_macro);
  markup_add(&p->html, "</tr>\n");
}

static void add_table(page *p, const report_contents *c) {
  static const char *const answered[] = {"samples", "answers", "precision", "recall", "F1"};
  static const char *const values[] = {"mean absolute error", "root mean square error", "R²"};
  static const char *const of[] = {"class", "label", "target"};
  const bool numbers = c->task == DG_TASK_VALUES;
  markup_add(&p->html, "<div class=\"scroll\"><table class=\"rates\">\n<tr><th>%s</th>",
             of[c->task]);
  for (size_t i = 0; i < (numbers ? 3 : 5); i++)
    markup_add(&p->html, "<th class=\"number\">%s</th>", numbers ? values[i] : answered[i]);
  markup_add(&p->html, "</tr>\n");
  for (uint32_t i = 0; i < c->each_count; i++) {
    const dg_metrics_of_output *m = &c->each[i];
    char number[DG_CLASS_SIZE];
    const char *name = rates_name(c->data, c->task, i, number);
    if (numbers)
      add_value(p, name, m->mae, m->rmse, m->r2);
    else
      add_answered(p, name, m);
  }
  add_means(p, c);
  markup_add(&p->html, "</table></div>\n");
}

void rates_add(page *p, const report_contents *c) {
  static const char *const headings[] = {"Classes", "Labels", "Targets"};
  static const char rates[] =
      "Precision: how many of the answers are right. Recall: how many of "
      "the samples get that answer. F1: the harmonic mean of both. The means count "
      "what samples or answers have.";
  const bool numbers = c->task == DG_TASK_VALUES, fold = c->each_count > MAX_OPEN;
  if (!c->outputs || c->each_count == 0) return;
  page_section(p, headings[c->task], numbers ? NULL : rates);
  if (fold) markup_add(&p->html, "<details><summary>All %u</summary>\n", c->each_count);
  add_table(p, c);
  if (fold) markup_add(&p->html, "</details>\n");
  page_section_end(p);
}
