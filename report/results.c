#include "report/results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

enum { MAX_ROWS = 10000 };

/* ---- names -------------------------------------------------------------- */

/** What runs may differ in, the most important first. */
typedef enum { BY_MODEL, BY_BACKEND, BY_DEVICE, BY_THREADS, BY_DATA, BY_SEED, BY_LOG, WAYS } way;

/** A property of a run as text; empty if it was not logged. */
static void tell(const logged_run *run, way by, char *text, size_t capacity) {
  const char *words[WAYS] = {[BY_MODEL] = run->model,
                             [BY_BACKEND] = run->backend,
                             [BY_DEVICE] = run->device,
                             [BY_DATA] = run->data,
                             [BY_LOG] = run->path};
  *text = '\0';
  if (by == BY_SEED)
    snprintf(text, capacity, "seed %llu", (unsigned long long)run->seed);
  else if (by == BY_THREADS && run->threads)
    snprintf(text, capacity, "%u threads", run->threads);
  else if (words[by])
    snprintf(text, capacity, "%s", words[by]);
}

/** Orders pointers to runs by name; equal names keep the order of their array. */
static int by_name(const void *a, const void *b) {
  const named_run *first = *(named_run *const *)a, *second = *(named_run *const *)b;
  int order = strcmp(first->label, second->label);
  return order ? order : (first > second) - (first < second);
}

/** The end of the sorted runs with the same name as the given first one. */
static size_t end_of_name(named_run *const *sorted, size_t first, size_t count) {
  size_t end = first + 1;
  while (end < count && strcmp(sorted[first]->label, sorted[end]->label) == 0) end++;
  return end;
}

/** Do runs of one name differ in this? */
static bool tells_apart(named_run *const *sorted, size_t count, way by) {
  char first[256], other[256];
  tell(sorted[0]->run, by, first, sizeof first);
  for (size_t i = 1; i < count; i++) {
    tell(sorted[i]->run, by, other, sizeof other);
    if (strcmp(first, other) != 0) return true;
  }
  return false;
}

/** Adds a property to the names of runs that it distinguishes from others. */
static void add_words(named_run **sorted, size_t count, way by) {
  qsort(sorted, count, sizeof *sorted, by_name);
  for (size_t first = 0, end; first < count; first = end) {
    end = end_of_name(sorted, first, count);
    if (!tells_apart(sorted + first, end - first, by)) continue;
    for (size_t i = first; i < end; i++) {
      char text[256], *label = sorted[i]->label;
      tell(sorted[i]->run, by, text, sizeof text);
      if (*text && strlen(label) + strlen(text) + 3 < sizeof sorted[i]->label)
        dg_append(label, sizeof sorted[i]->label, "%s%s", *label ? ", " : "", text);
    }
  }
}

/** A run that needs no other name has its model's; runs that can't be distinguished are
    numbered. */
static void add_numbers(named_run **sorted, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!*sorted[i]->label)
      tell(sorted[i]->run, BY_MODEL, sorted[i]->label, sizeof sorted[i]->label);
  qsort(sorted, count, sizeof *sorted, by_name);
  for (size_t first = 0, end; first < count; first = end) {
    end = end_of_name(sorted, first, count);
    for (size_t i = first + 1; i < end; i++)
      dg_append(sorted[i]->label, sizeof sorted[i]->label, " (%zu)", i - first + 1);
  }
}

named_run *results_name(const run_log *log, dg_error *err) {
  named_run *names = calloc(log->count + 1, sizeof *names);
  named_run **sorted = calloc(log->count + 1, sizeof *sorted);
  if (!names || !sorted) {
    dg_fail_memory(err, log->count * sizeof *names);
    free(names);
    free(sorted);
    return NULL;
  }
  for (size_t i = 0; i < log->count; i++) {
    names[i].run = &log->run[i];
    sorted[i] = &names[i];
  }
  for (way by = BY_MODEL; by < WAYS; by++) add_words(sorted, log->count, by);
  add_numbers(sorted, log->count);
  free(sorted);
  return names;
}

/* ---- the table ---------------------------------------------------------- */

/** Adds a cell with a number; an empty one if it is unknown. */
static void add_number(page *p, double value, int decimals, const char *unit) {
  markup_add(&p->html, "<td class=\"number\">");
  if (isfinite(value)) markup_add(&p->html, "%.*f%s", decimals, value, unit);
  markup_add(&p->html, "</td>");
}

static void add_cell(page *p, const char *text) {
  markup_add(&p->html, "<td>");
  markup_escape(&p->html, text);
  markup_add(&p->html, "</td>");
}

/** Accuracy of the last validation in percent; NaN: none. */
static double last_validation(const logged_run *run) {
  if (run->epochs == 0 || !run->epoch[run->epochs - 1].report.validated) return NAN;
  return 100 * run->epoch[run->epochs - 1].report.validation.accuracy;
}

/** Adds a cell with a metric of values; an empty one if it is unknown. */
static void add_metric(page *p, double value) {
  markup_add(&p->html, "<td class=\"number\">");
  if (isfinite(value)) markup_add(&p->html, "%.4g", value);
  markup_add(&p->html, "</td>");
}

/** Did a run test values? */
static bool has_values(const named_run *runs, size_t count) {
  for (size_t i = 0; i < count && i < MAX_ROWS; i++)
    if (runs[i].run->tested && isfinite(runs[i].run->rmse)) return true;
  return false;
}

static void add_row(page *p, const named_run *name, size_t index, bool values) {
  const logged_run *run = name->run;
  char device[200], seed[32];
  snprintf(device, sizeof device, "%s: %s", run->backend ? run->backend : "?",
           run->device ? run->device : "?");
  snprintf(seed, sizeof seed, "%llu", (unsigned long long)run->seed);
  markup_add(&p->html, "<tr><td class=\"whole\"><span class=\"key k%zu\"></span>",
             index % DRAWING_COLOURS);
  markup_escape(&p->html, name->label);
  markup_add(&p->html, "</td>");
  add_cell(p, run->model);
  add_cell(p, device);
  add_cell(p, seed);
  add_number(p, (double)run->epochs, 0, "");
  add_number(p, run->tested ? 100 * run->test.accuracy : NAN, 2, " %");
  add_number(p, run->tested ? run->test.loss : NAN, 4, "");
  if (values) add_metric(p, run->tested ? run->rmse : NAN);
  if (values) add_metric(p, run->tested ? run->r2 : NAN);
  add_number(p, last_validation(run), 2, " %");
  add_number(p, run->epochs ? logged_seconds(run) : NAN, 1, " s");
  add_number(p, logged_speed(run), 0, "");
  add_number(p, (double)run->parameters, 0, "");
  markup_add(&p->html, "</tr>\n");
}

void results_table(page *p, const named_run *runs, size_t count) {
  static const char *const words[] = {"run", "model", "device", "seed"};
  static const char *const numbers[] = {"epochs",    "test",      "test loss",
                                        "test RMSE", "R²",        "last validation",
                                        "training",  "samples/s", "parameters"};
  enum { RMSE = 3, R2 };
  const bool values = has_values(runs, count);
  markup_add(&p->html, "<div class=\"scroll\"><table>\n<tr>");
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    markup_add(&p->html, "<th>%s</th>", words[i]);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (values || (i != RMSE && i != R2))
      markup_add(&p->html, "<th class=\"number\">%s</th>", numbers[i]);
  markup_add(&p->html, "</tr>\n");
  for (size_t i = 0; i < count && i < MAX_ROWS; i++) add_row(p, &runs[i], i, values);
  markup_add(&p->html, "</table></div>\n");
  if (count > MAX_ROWS)
    markup_add(&p->html, "<p class=\"soft note\">The first %d of %zu runs.</p>\n", MAX_ROWS, count);
}
