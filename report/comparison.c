/** The page that compares runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "report/figures/chart.h"
#include "report/report.h"
#include "report/results.h"

enum { MAX_RECIPES = 256 };

static bool is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/** Reads a log, or the log in a report's folder, whose path goes to `own`. */
static bool read_one(run_log *log, const char *path, char *own, dg_error *err) {
  if (!is_folder(path)) return run_log_read(log, path, err);
  if (strlen(path) + 40 > REPORT_PATH)
    return dg_fail(err, DG_ERR_INPUT, "%.80s…: the path is too long", path);
  report_path(path, REPORT_LOG, own);
  struct stat info;
  if (stat(own, &info) != 0)
    return dg_fail(err, DG_ERR_INPUT, "%s: no report is in this folder: there is no %s", path,
                   report_name(REPORT_LOG));
  return run_log_read(log, own, err);
}

/** Adds the model file of each run whose log has it; of many runs, only those of the first. */
static void add_recipes(page *p, const named_run *runs, size_t count) {
  char note[160];
  size_t shown = count < MAX_RECIPES ? count : MAX_RECIPES;
  snprintf(note, sizeof note,
           "The effective model file of each run, and the command that repeats "
           "it%s.",
           shown < count ? ": of the first runs alone" : "");
  page_section(p, "Recipes", note);
  for (size_t i = 0; i < shown; i++) {
    const logged_run *run = runs[i].run;
    markup_add(&p->html, "<details><summary>");
    markup_escape(&p->html, *runs[i].label ? runs[i].label : run->model);
    markup_add(&p->html, "</summary>\n<pre class=\"wrap\">");
    markup_escape(&p->html, run->command);
    markup_add(&p->html, "</pre>\n<pre>");
    markup_escape(&p->html, run->recipe);
    markup_add(&p->html, "</pre></details>\n");
  }
  page_section_end(p);
}

static bool write_page(const char *folder, const char *title, const run_log *log, dg_error *err) {
  char subtitle[64], note[120] = "";
  named_run *runs = results_name(log, err);
  if (!runs || !report_folder_open(folder, err)) {
    free(runs);
    return false;
  }
  page p;
  snprintf(subtitle, sizeof subtitle, "%zu run%s", log->count, log->count == 1 ? "" : "s");
  page_begin(&p, folder, title, subtitle);
  page_section(&p, "Results", NULL);
  results_table(&p, runs, log->count);
  page_section_end(&p);
  if (log->count > CHART_LINES)
    snprintf(note, sizeof note, "The first %d runs alone: more lines can't be told apart.",
             CHART_LINES);
  page_section(&p, "Curves", note);
  bool ok = curves_draw(&p, runs, log->count, err);
  page_section_end(&p);
  add_recipes(&p, runs, log->count);
  free(runs);
  if (ok) return page_end(&p, err);
  markup_free(&p.html);
  return false;
}

bool report_compare(const char *folder, const char *title, const char *const *paths, size_t count,
                    size_t *runs, dg_error *err) {
  run_log log = {0};
  char(*own)[REPORT_PATH] = malloc((count + 1) * sizeof *own);
  bool ok = own || dg_fail_memory(err, count * sizeof *own);
  for (size_t i = 0; ok && i < count; i++) ok = read_one(&log, paths[i], own[i], err);
  *runs = log.count;
  ok = ok && write_page(folder, title, &log, err);
  run_log_free(&log);
  free(own);
  return ok;
}
