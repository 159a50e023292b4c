/** The page of a run, or of several that differ in their seed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/figures/diagram.h"
#include "report/figures/filters.h"
#include "report/report.h"
#include "report/results.h"
#include "report/tested/answers.h"
#include "report/tested/confusion.h"
#include "report/tested/mistakes.h"
#include "report/tested/outputs.h"
#include "report/tested/rates.h"
#include "report/tested/reliability.h"
#include "report/tested/samples.h"

/** A page that is being written: its content, and the runs of the log; the last one is shown in
    detail. */
typedef struct {
  page page;
  const report_contents *contents;
  run_log log;
  named_run *names;
  const logged_run *last;
  shown shown;
  answers answers; /**< on the tested samples, if there was a test of classes */
  reliability reliability;
} run_page;

/* ---- the head ----------------------------------------------------------- */

static void add_fact(page *p, const char *value, const char *name) {
  markup_add(&p->html, "<div class=\"fact\"><b>");
  markup_escape(&p->html, value);
  markup_add(&p->html, "</b><span>%s</span></div>\n", name);
}

/** Mean and (sample) deviation of the tested runs' accuracy, in percent. */
static void add_mean(run_page *r) {
  double mean = 0, square = 0;
  size_t count = 0;
  for (size_t i = 0; i < r->log.count; i++) {
    const logged_run *run = &r->log.run[i];
    if (!run->tested || isnan(run->test.accuracy)) continue;
    double apart = 100 * run->test.accuracy - mean;
    mean += apart / (double)++count;
    square += apart * (100 * run->test.accuracy - mean);
  }
  if (count < 2) return;
  char text[64];
  char name[64];
  snprintf(text, sizeof text, "%.2f %%", mean);
  snprintf(name, sizeof name, "mean of %zu runs, ± %.2f %%", count,
           sqrt(square / (double)(count - 1)));
  add_fact(&r->page, text, name);
}

/** Adds a number of a test, if it is known. */
static void add_metric(page *p, double number, const char *name) {
  char text[64];
  if (isnan(number)) return;
  snprintf(text, sizeof text, "%.4g", number);
  add_fact(p, text, name);
}

static void add_accuracy(page *p, const dg_score *test) {
  char text[64], name[64];
  if (isnan(test->accuracy)) return;
  snprintf(text, sizeof text, "%.2f %%", 100 * test->accuracy);
  add_fact(p, text, "test accuracy");
  snprintf(text, sizeof text, "%u", test->total - test->correct);
  snprintf(name, sizeof name, "of %u test samples wrong", test->total);
  add_fact(p, text, name);
}

static void add_tested_facts(page *p, const logged_run *run) {
  char text[64];
  if (!run->tested) return;
  add_accuracy(p, &run->test);
  add_metric(p, run->mae, "mean absolute error");
  add_metric(p, run->rmse, "root mean square error");
  add_metric(p, run->r2, "R²");
  snprintf(text, sizeof text, "%.4f", run->test.loss);
  add_fact(p, text, "test loss");
}

static void add_facts(run_page *r) {
  const logged_run *run = r->last;
  page *p = &r->page;
  char text[64];
  markup_add(&p->html, "<div class=\"facts\">\n");
  add_mean(r);
  add_tested_facts(p, run);
  if (r->contents->outputs && r->contents->task == DG_TASK_CLASS) {
    snprintf(text, sizeof text, "%.2f %%", 100 * r->reliability.now.error);
    add_fact(p, text, "calibration error");
  }
  if (r->contents->outputs && r->contents->task == DG_TASK_LABELS && r->contents->each_count) {
    snprintf(text, sizeof text, "%.2f %%", 100 * r->contents->metrics.f1_macro);
    add_fact(p, text, "mean F1 of the labels");
  }
  snprintf(text, sizeof text, "%llu", (unsigned long long)run->parameters);
  add_fact(p, text, "parameters");
  if (run->epochs) {
    snprintf(text, sizeof text, "%.1f s", logged_seconds(run));
    add_fact(p, text, "of training");
    snprintf(text, sizeof text, "%.0f", logged_speed(run));
    add_fact(p, text, "samples a second");
  }
  markup_add(&p->html, "</div>\n");
}

/** Says that training stopped before its last epoch, if it did. */
static void add_early_stop(run_page *r) {
  const logged_run *run = r->last;
  const dg_epoch_report *last = run->epochs ? &run->epoch[run->epochs - 1].report : NULL;
  if (!last || !last->stopped_early) return;
  markup_add(&r->page.html,
             "<p>Training stopped early, after epoch %u: %u epoch%s without a better validation "
             "(<code>train.early_stop</code>).</p>\n",
             last->epoch, last->waited, last->waited == 1 ? "" : "s");
}

static void add_stop(run_page *r) {
  if (!r->contents->stopped) return;
  markup_add(&r->page.html, "<p class=\"stopped\"><b>The run ended early:</b> ");
  markup_escape(&r->page.html, r->contents->stopped);
  markup_add(&r->page.html, "</p>\n");
}

/* ---- its course --------------------------------------------------------- */

static bool add_curves(run_page *r, dg_error *err) {
  if (r->log.count == 1 && r->last->steps == 0 && r->last->epochs == 0) return true;
  const char *note = r->log.count > 1 ? "The runs over one another; what follows is of the last."
                                      : "The band spans the least and the largest of neighbouring "
                                        "batches, the line is their mean.";
  if (r->log.count > 1) {
    page_section(&r->page, "Results", NULL);
    results_table(&r->page, r->names, r->log.count);
    page_section_end(&r->page);
  }
  page_section(&r->page, "Curves", note);
  bool ok = curves_draw(&r->page, r->names, r->log.count, err);
  page_section_end(&r->page);
  return ok;
}

/* ---- its answers -------------------------------------------------------- */

/** Adds the samples with answers early and at the end. */
static bool add_samples(run_page *r, dg_error *err) {
  const report_contents *c = r->contents;
  answers early;
  uint32_t chosen[MAX_SAMPLES];
  drawing d;
  if (c->early_count == 0) return true;
  if (!answers_read(&early, c, c->early, c->early_count, err)) return false;
  uint32_t count = samples_choose(&early, c->tested.labels, chosen);
  samples_draw(&r->shown, &early, &r->answers, chosen, count, c->early_epoch, &d);
  bool ok = page_drawing(&r->page, &d, REPORT_SAMPLES, err);
  drawing_free(&d);
  answers_free(&early);
  return ok;
}

static bool add_answers(run_page *r, dg_error *err) {
  const report_contents *c = r->contents;
  char note[300];
  drawing d;
  snprintf(note, sizeof note,
           c->early_count ? "Which class was taken for which; and, of the first %u test samples, "
                            "those that the network was least sure of after epoch %u, then and now."
                          : "Which class was taken for which.",
           c->early_count, c->early_epoch);
  page_section(&r->page, "Answers", note);
  markup_add(&r->page.html, "<div class=\"grid\">\n");
  bool ok = confusion_draw(&r->answers, c->tested.labels, c->names, &d, err);
  if (ok) {
    ok = page_drawing(&r->page, &d, REPORT_CONFUSION, err);
    drawing_free(&d);
  }
  ok = ok && add_samples(r, err);
  markup_add(&r->page.html, "</div>\n");
  page_section_end(&r->page);
  return ok;
}

/** Adds the bins that have samples as a table. */
static void add_bins(page *p, const dg_calibration *c) {
  markup_add(&p->html, "<details><summary>Its numbers</summary>\n<div class=\"scroll\"><table>\n"
                       "<tr><th>probability</th><th class=\"number\">samples</th><th "
                       "class=\"number\">mean</th><th class=\"number\">correct</th></tr>\n");
  for (int i = 0; i < DG_CALIBRATION_BINS; i++) {
    const dg_calibration_bin *bin = &c->bins[i];
    if (!bin->count) continue;
    markup_add(&p->html, "<tr><td>%.1f to %.1f %%</td><td class=\"number\">%u</td>",
               100.0 * i / DG_CALIBRATION_BINS, 100.0 * (i + 1) / DG_CALIBRATION_BINS, bin->count);
    markup_add(&p->html,
               "<td class=\"number\">%.2f %%</td><td class=\"number\">%.2f %%</td></tr>\n",
               100 * bin->confidence, 100 * bin->accuracy);
  }
  markup_add(&p->html, "</table></div></details>\n");
}

/** Adds how often the answers are correct, by how sure they are. */
static bool add_reliability(run_page *r, dg_error *err) {
  const reliability *now = &r->reliability;
  char note[400], without[80] = "; no temperature was fitted";
  drawing d;
  if (now->temperature > 0)
    snprintf(without, sizeof without, " with a temperature of %.4g, and %.2f %% without it",
             now->temperature, 100 * now->without.error);
  snprintf(
      note, sizeof note,
      "How many answers of a probability are correct, with the 95 %% interval of that share. The "
      "expected calibration error is %.2f %%%s.",
      100 * now->now.error, without);
  page_section(&r->page, "Reliability", note);
  reliability_draw(now, &d);
  bool ok = page_drawing(&r->page, &d, REPORT_RELIABILITY, err);
  drawing_free(&d);
  add_bins(&r->page, &now->now);
  page_section_end(&r->page);
  return ok;
}

static bool add_tested(run_page *r, dg_error *err) {
  const report_contents *c = r->contents;
  if (!c->outputs) return true;
  if (c->task != DG_TASK_CLASS) {
    rates_add(&r->page, c);
    return outputs_add(&r->page, &r->shown, err);
  }
  if (!add_answers(r, err)) return false;
  rates_add(&r->page, c);
  return add_reliability(r, err) && mistakes_add(&r->page, &r->shown, &r->answers, err);
}

/* ---- the network -------------------------------------------------------- */

static void add_layer_table(page *p, const dg_layer_info *layers, size_t count) {
  char shape[64];
  markup_add(&p->html, "<div><div class=\"scroll\"><table>\n<tr><th>layer</th><th>type</th>"
                       "<th>gives</th><th class=\"number\">parameters</th></tr>\n");
  for (size_t i = 0; i < count; i++) {
    markup_add(&p->html, "<tr><td>");
    markup_escape(&p->html, layers[i].name);
    markup_add(&p->html,
               "</td><td>%s</td><td class=\"whole\">%s</td><td class=\"number\">%llu</td></tr>\n",
               layers[i].type, diagram_shape(&layers[i], shape, sizeof shape),
               (unsigned long long)layers[i].parameters);
  }
  markup_add(&p->html, "</table></div>\n");
}

static bool add_layers(run_page *r, const dg_layer_info *layers, size_t count, dg_error *err) {
  drawing d;
  page *p = &r->page;
  page_section(p, "Network", NULL);
  markup_add(&p->html, "<div class=\"grid\">\n");
  diagram_draw(layers, count, &d);
  bool ok = page_drawing(p, &d, REPORT_ARCHITECTURE, err);
  drawing_free(&d);
  add_layer_table(p, layers, count);
  markup_add(&p->html, "<details><summary>On this device: operations and memory</summary>\n<pre>");
  markup_escape(&p->html, r->contents->description);
  markup_add(&p->html, "</pre></details></div>\n</div>\n");
  page_section_end(p);
  return ok;
}

static bool add_network(run_page *r, dg_error *err) {
  size_t count;
  if (!dg_model_layers(r->contents->model, NULL, sizeof(dg_layer_info), 0, &count, err))
    return false;
  dg_layer_info *layers = calloc(count, sizeof *layers);
  bool ok = layers ? dg_model_layers(r->contents->model, layers, sizeof(dg_layer_info), count,
                                     &count, err) &&
                         add_layers(r, layers, count, err)
                   : dg_fail_memory(err, count * sizeof *layers);
  free(layers);
  return ok;
}

static bool add_filters(run_page *r, dg_error *err) {
  const report_contents *c = r->contents;
  char caption[300];
  picture p = {0};
  if (!c->weights.name) return true;
  const uint32_t *dim = c->tested.dim;
  filters f = {.weights = &c->weights, .values = c->values};
  if (c->tested.rank == 3) {
    f.channels = dim[0];
    f.image_height = dim[1];
    f.image_width = dim[2];
  }
  if (!filters_paint(&f, &p, caption, sizeof caption, err)) return false;
  page_section(&r->page, "Weights of the first layer", NULL);
  bool ok = page_picture(&r->page, &p, REPORT_FILTERS, caption, err);
  page_section_end(&r->page);
  picture_close(&p);
  return ok;
}

/* ---- how it was made ---------------------------------------------------- */

static void add_line(page *p, const char *name, const char *value) {
  if (!value || !*value) return;
  markup_add(&p->html, "<tr><th>%s</th><td>", name);
  markup_escape(&p->html, value);
  markup_add(&p->html, "</td></tr>\n");
}

static void add_table(run_page *r) {
  const logged_run *run = r->last;
  page *p = &r->page;
  char text[128];
  markup_add(&p->html, "<table class=\"plain\">\n");
  add_line(p, "model", run->model);
  add_line(p, "backend", run->backend);
  add_line(p, "device", run->device);
  snprintf(text, sizeof text, "%u", run->threads);
  add_line(p, run->backend && strcmp(run->backend, "cpu") ? "units" : "threads", text);
  add_line(p, "data", run->data);
  add_line(p, "tested on", run->test_data);
  snprintf(text, sizeof text, "%llu to train, %llu to validate, %u to test",
           (unsigned long long)run->train_samples, (unsigned long long)run->validation_samples,
           r->contents->tested.count);
  add_line(p, "samples", text);
  snprintf(text, sizeof text, "%llu", (unsigned long long)run->seed);
  if (run->train_samples) add_line(p, "seed", text);
  add_line(p, "resumed", run->resumed ? "the run stopped and went on" : NULL);
  add_line(p, "version", run->version);
  markup_add(&p->html, "</table>\n");
}

static void add_making(run_page *r) {
  const logged_run *run = r->last;
  page *p = &r->page;
  page_section(p, "How to repeat it", NULL);
  if (run->command) {
    markup_add(&p->html, "<pre class=\"wrap\" id=\"command\">");
    markup_escape(&p->html, run->command);
    markup_add(&p->html, "</pre>\n");
  }
  add_table(r);
  markup_add(&p->html, "<h3>The effective model file</h3>\n<pre id=\"recipe\">");
  markup_escape(&p->html, dg_model_text(r->contents->model));
  markup_add(&p->html, "</pre>\n");
  page_section_end(p);
}

/** The calibration without temperature, from the outputs. */
static bool measure_without(run_page *r, dg_error *err) {
  const report_contents *c = r->contents;
  size_t numbers = (size_t)c->tested.count * c->classes;
  float *p = malloc(numbers * sizeof *p);
  if (!p) return dg_fail_memory(err, numbers * sizeof *p);
  dg_probabilities(c->model, 0, c->outputs, c->tested.count, c->classes, p);
  dg_calibration_measure(p, c->tested.labels, c->tested.count, c->classes, &r->reliability.without,
                         sizeof(dg_calibration));
  free(p);
  return true;
}

/** Reads what the network gave for the tested samples, if there was a test. */
static bool read_answers(run_page *r, dg_error *err) {
  const report_contents *c = r->contents;
  if (!shown_open(&r->shown, c, err)) return false;
  if (!c->outputs || c->task != DG_TASK_CLASS) return true;
  if (!answers_read(&r->answers, c, c->outputs, c->tested.count, err)) return false;
  r->reliability.temperature = c->temperature;
  dg_calibration_measure(r->answers.probability, c->tested.labels, c->tested.count, c->classes,
                         &r->reliability.now, sizeof(dg_calibration));
  return measure_without(r, err);
}

static bool write_page(run_page *r, const char *folder, dg_error *err) {
  char subtitle[512];
  const logged_run *run = r->last;
  snprintf(subtitle, sizeof subtitle, "%s: %.200s, on %.200s", run->backend ? run->backend : "?",
           run->device ? run->device : "?",
           run->test_data ? run->test_data
           : run->data    ? run->data
                          : "?");
  page_begin(&r->page, folder, run->model ? run->model : "?", subtitle);
  add_early_stop(r);
  add_stop(r);
  add_facts(r);
  bool ok = add_curves(r, err) && add_tested(r, err) && add_network(r, err) && add_filters(r, err);
  if (!ok) {
    markup_free(&r->page.html);
    return false;
  }
  add_making(r);
  return page_end(&r->page, err);
}

bool report_write(const char *folder, const report_contents *contents, dg_error *err) {
  run_page r = {.contents = contents};
  char path[REPORT_PATH];
  report_path(folder, REPORT_LOG, path);
  bool ok = run_log_read(&r.log, path, err);
  if (ok) {
    r.last = &r.log.run[r.log.count - 1];
    r.names = results_name(&r.log, err);
    ok = r.names && read_answers(&r, err) && write_page(&r, folder, err);
  }
  answers_free(&r.answers);
  free(r.names);
  run_log_free(&r.log);
  return ok;
}
