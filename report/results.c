#include "report/results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/support/text.h"

/* ---- names -------------------------------------------------------------- */

/** What runs may differ in, the most telling first. */
typedef enum { BY_MODEL, BY_BACKEND, BY_DEVICE, BY_THREADS, BY_DATA, BY_SEED, BY_LOG, WAYS } way;

/** A property of a run in words; empty where it was not logged. */
static void tell(const logged_run *run, way by, char *text, size_t room) {
  const char *words[WAYS] = {[BY_MODEL] = run->model,
                             [BY_BACKEND] = run->backend,
                             [BY_DEVICE] = run->device,
                             [BY_DATA] = run->data,
                             [BY_LOG] = run->path};
  *text = '\0';
  if (by == BY_SEED)
    snprintf(text, room, "seed %llu", (unsigned long long)run->seed);
  else if (by == BY_THREADS && run->threads)
    snprintf(text, room, "%u threads", run->threads);
  else if (words[by])
    snprintf(text, room, "%s", words[by]);
}

/** Does another run of the same name differ in this from run `i`? */
static bool tells_apart(const named_run *names, size_t count, size_t i, way by) {
  char own[256], other[256];
  tell(names[i].run, by, own, sizeof own);
  for (size_t k = 0; k < count; k++) {
    if (strcmp(names[k].label, names[i].label) != 0) continue;
    tell(names[k].run, by, other, sizeof other);
    if (strcmp(own, other) != 0) return true;
  }
  return false;
}

/** Adds a property to the names of those runs that it tells apart from others. */
static bool add_words(named_run *names, size_t count, way by, dg_error *err) {
  bool *wanted = calloc(count + 1, sizeof *wanted);
  if (!wanted) return dg_fail_memory(err, count);
  for (size_t i = 0; i < count; i++) wanted[i] = tells_apart(names, count, i, by);
  for (size_t i = 0; i < count; i++) {
    char text[256], *label = names[i].label;
    tell(names[i].run, by, text, sizeof text);
    if (wanted[i] && *text && strlen(label) + strlen(text) + 3 < sizeof names[i].label)
      dg_append(label, sizeof names[i].label, "%s%s", *label ? ", " : "", text);
  }
  free(wanted);
  return true;
}

/** A run that needs no name has its model's; runs that nothing has told apart are numbered. */
static void add_numbers(named_run *names, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!*names[i].label) tell(names[i].run, BY_MODEL, names[i].label, sizeof names[i].label);
  for (size_t i = count; i-- > 0;) {
    size_t number = 1;
    for (size_t k = 0; k < i; k++) number += strcmp(names[k].label, names[i].label) == 0;
    if (number > 1) dg_append(names[i].label, sizeof names[i].label, " (%zu)", number);
  }
}

named_run *results_name(const run_log *log, dg_error *err) {
  named_run *names = calloc(log->count + 1, sizeof *names);
  if (!names) return dg_fail_memory(err, log->count * sizeof *names), NULL;
  for (size_t i = 0; i < log->count; i++) names[i].run = &log->run[i];
  bool right = true;
  for (way by = BY_MODEL; right && by < WAYS; by++) right = add_words(names, log->count, by, err);
  if (right) {
    add_numbers(names, log->count);
    return names;
  }
  free(names);
  return NULL;
}

/* ---- the table ---------------------------------------------------------- */

/** Adds a cell with a number; an empty one where it isn't known. */
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

static void add_row(page *p, const named_run *name, size_t place) {
  const logged_run *run = name->run;
  char device[200], seed[32];
  snprintf(device, sizeof device, "%s: %s", run->backend ? run->backend : "?",
           run->device ? run->device : "?");
  snprintf(seed, sizeof seed, "%llu", (unsigned long long)run->seed);
  markup_add(&p->html, "<tr><td class=\"whole\"><span class=\"key k%zu\"></span>",
             place % DRAWING_COLOURS);
  markup_escape(&p->html, name->label);
  markup_add(&p->html, "</td>");
  add_cell(p, run->model);
  add_cell(p, device);
  add_cell(p, seed);
  add_number(p, (double)run->epochs, 0, "");
  add_number(p, run->tested ? 100 * run->test.accuracy : NAN, 2, " %");
  add_number(p, run->tested ? run->test.loss : NAN, 4, "");
  add_number(p, last_validation(run), 2, " %");
  add_number(p, run->epochs ? logged_seconds(run) : NAN, 1, " s");
  add_number(p, logged_speed(run), 0, "");
  add_number(p, (double)run->parameters, 0, "");
  markup_add(&p->html, "</tr>\n");
}

void results_table(page *p, const named_run *runs, size_t count) {
  static const char *const words[] = {"run", "model", "device", "seed"};
  static const char *const numbers[] = {"epochs",   "test",     "test loss", "last validation",
                                        "training", "images/s", "parameters"};
  markup_add(&p->html, "<div class=\"scroll\"><table>\n<tr>");
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    markup_add(&p->html, "<th>%s</th>", words[i]);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    markup_add(&p->html, "<th class=\"number\">%s</th>", numbers[i]);
  markup_add(&p->html, "</tr>\n");
  for (size_t i = 0; i < count; i++) add_row(p, &runs[i], i);
  markup_add(&p->html, "</table></div>\n");
}
