#include "report/run_log.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file/file.h"
#include "core/base/json.h"

static const uint64_t largest_log = (uint64_t)1 << 30;

enum { MAX_LINE = 1 << 22 }; /* bytes; the longest recipe has 256 KB before escaping */

/** A number in the range of float32; NAN if there is none. */
static double real(const json_t *line, const char *key) {
  const json_t *value = json_object_get(line, key);
  double number = json_is_number(value) ? json_number_value(value) : NAN;
  return fabs(number) <= (double)FLT_MAX ? number : NAN;
}

/** An integer; 0 if there is none. */
static uint64_t whole(const json_t *line, const char *key) {
  json_int_t value = json_integer_value(json_object_get(line, key));
  return value > 0 ? (uint64_t)value : 0;
}

static const char *words(const json_t *line, const char *key) {
  return json_string_value(json_object_get(line, key));
}

/** Grows an array by one; its capacity doubles. */
static bool grow(void **array, size_t count, size_t *capacity, size_t size, dg_error *err) {
  if (count < *capacity) return true;
  size_t more = *capacity ? 2 * *capacity : 64;
  void *larger = realloc(*array, more * size);
  if (!larger) return dg_fail_memory(err, more * size);
  *array = larger;
  *capacity = more;
  return true;
}

/* ---- records ------------------------------------------------------------ */

/** Does a `start` record continue the run before it? */
static bool goes_on(const run_log *log, const json_t *line, const char *path) {
  if (!json_object_get(line, "resumed_epochs") || log->count == 0) return false;
  const logged_run *last = &log->run[log->count - 1];
  const char *model = words(line, "model");
  return last->path == path && last->seed == whole(line, "seed") && last->model && model &&
         strcmp(last->model, model) == 0;
}

static bool add_start(run_log *log, const char *path, json_t *line, dg_error *err) {
  if (goes_on(log, line, path)) {
    log->run[log->count - 1].resumed = true;
    return true;
  }
  if (!grow((void **)&log->run, log->count, &log->capacity, sizeof *log->run, err)) return false;
  log->run[log->count++] = (logged_run){.start = json_incref(line),
                                        .path = path,
                                        .model = words(line, "model"),
                                        .backend = words(line, "backend"),
                                        .device = words(line, "device"),
                                        .data = words(line, "data"),
                                        .test_data = words(line, "test_data"),
                                        .recipe = words(line, "recipe"),
                                        .command = words(line, "command"),
                                        .version = words(line, "version"),
                                        .seed = whole(line, "seed"),
                                        .parameters = whole(line, "parameters"),
                                        .train_samples = whole(line, "train_samples"),
                                        .validation_samples = whole(line, "validation_samples"),
                                        .threads = (uint32_t)whole(line, "threads"),
                                        .resumed = json_object_get(line, "resumed_epochs") != NULL};
  return true;
}

/** Adds a step; steps that a run repeated after a resume replace the earlier ones. */
static bool add_step(logged_run *run, const json_t *line, dg_error *err) {
  logged_step step = {whole(line, "step"), real(line, "loss"), real(line, "accuracy")};
  while (run->steps > 0 && run->step[run->steps - 1].step >= step.step) run->steps--;
  if (!grow((void **)&run->step, run->steps, &run->step_capacity, sizeof step, err)) return false;
  run->step[run->steps++] = step;
  return true;
}

static bool add_epoch(logged_run *run, const json_t *line, dg_error *err) {
  dg_epoch_report r = {
      .epoch = (uint32_t)whole(line, "epoch"),
      .train = {.loss = real(line, "train_loss"), .accuracy = real(line, "train_accuracy")},
      .validated = json_object_get(line, "validation_loss") != NULL,
      .validation = {.loss = real(line, "validation_loss"),
                     .accuracy = real(line, "validation_accuracy")},
      .best = json_is_true(json_object_get(line, "best")),
      .lr = real(line, "lr"),
      .seconds = real(line, "seconds"),
      .samples_per_second = real(line, "samples_per_second"),
      .waited = (uint32_t)whole(line, "epochs_since_best"),
      .stopped_early = json_is_true(json_object_get(line, "stopped_early"))};
  while (run->epochs > 0 && run->epoch[run->epochs - 1].report.epoch >= r.epoch) run->epochs--;
  if (!grow((void **)&run->epoch, run->epochs, &run->epoch_capacity, sizeof *run->epoch, err))
    return false;
  double before = run->epochs ? run->epoch[run->epochs - 1].seconds : 0;
  run->epoch[run->epochs++] = (logged_epoch){r, run->steps ? run->step[run->steps - 1].step + 1 : 0,
                                             before + (isfinite(r.seconds) ? r.seconds : 0)};
  return true;
}

static void take_test(logged_run *run, const json_t *line) {
  run->tested = true;
  run->test = (dg_score){.loss = real(line, "loss"),
                         .accuracy = real(line, "accuracy"),
                         .correct = (uint32_t)whole(line, "correct"),
                         .total = (uint32_t)whole(line, "total")};
  run->mae = real(line, "mae");
  run->rmse = real(line, "rmse");
  run->r2 = real(line, "r2");
}

/** Reads one record; unknown kinds of records are skipped. */
static bool take(run_log *log, const char *path, size_t first, json_t *line, dg_error *err) {
  const char *event = words(line, "event");
  if (!event) return dg_fail(err, DG_ERR_INPUT, "no \"event\"");
  if (strcmp(event, "start") == 0) return add_start(log, path, line, err);
  if (log->count == first) return dg_fail(err, DG_ERR_INPUT, "\"%.40s\" before any start", event);
  logged_run *run = &log->run[log->count - 1];
  if (strcmp(event, "step") == 0) return add_step(run, line, err);
  if (strcmp(event, "epoch") == 0) return add_epoch(run, line, err);
  if (strcmp(event, "test") == 0) take_test(run, line);
  return true;
}

/* ---- lines -------------------------------------------------------------- */

/** Reads the lines of a text, which it splits in place; runs from `first` on belong to this log. */
static bool read_lines(run_log *log, const char *path, char *text, dg_error *err) {
  size_t first = log->count, torn = 0, number = 1;
  for (char *line = text, *next; line && *line; line = next, number++) {
    json_error_t fault;
    next = strchr(line, '\n');
    if (next) *next++ = '\0';
    size_t length = next ? (size_t)(next - line) : strlen(line);
    if (length > MAX_LINE)
      return dg_fail(err, DG_ERR_INPUT,
                     "%s:%zu: a line of more than %d bytes; give what digits-run "
                     "--log wrote",
                     path, number, MAX_LINE);
    bool starved;
    json_t *object = dg_json_read(line, strlen(line), 0, &fault, &starved);
    if (starved) return dg_fail_memory(err, length);
    const char *event = object ? words(object, "event") : NULL;
    bool ok = !torn || (event && strcmp(event, "start") == 0);
    if (!ok)
      dg_fail(err, DG_ERR_INPUT, "%s:%zu: no JSON; give what digits-run --log wrote", path, torn);
    else if (!object && log->count == first)
      ok = dg_fail(err, DG_ERR_INPUT, "%s:%zu: no JSON: %s; give what digits-run --log wrote", path,
                   number, fault.text);
    else if (object && !take(log, path, first, object, err))
      ok = dg_fail_prefix(err, "%s:%zu: not of a log of digits-run", path, number);
    torn = object ? 0 : number;
    json_decref(object);
    if (!ok) return false;
  }
  return log->count > first ||
         dg_fail(err, DG_ERR_INPUT, "%s: no run is in it; give what digits-run --log wrote", path);
}

bool run_log_read(run_log *log, const char *path, dg_error *err) {
  size_t size;
  char *text = dg_file_read(path, largest_log, &size, err);
  if (!text) return false;
  bool ok = read_lines(log, path, text, err);
  free(text);
  return ok;
}

void run_log_free(run_log *log) {
  for (size_t i = 0; i < log->count; i++) {
    json_decref(log->run[i].start);
    free(log->run[i].step);
    free(log->run[i].epoch);
  }
  free(log->run);
  *log = (run_log){0};
}

double logged_seconds(const logged_run *run) {
  return run->epochs ? run->epoch[run->epochs - 1].seconds : 0;
}

double logged_speed(const logged_run *run) {
  return run->epochs ? run->epoch[run->epochs - 1].report.samples_per_second : NAN;
}

bool logged_validated(const logged_run *run) {
  for (size_t i = 0; i < run->epochs; i++)
    if (!run->epoch[i].report.validated) return false;
  return run->epochs > 0;
}
