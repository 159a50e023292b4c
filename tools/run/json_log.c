#include "tools/run/json_log.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file/descriptor.h"
#include "core/base/file/target.h"
#include "core/base/text.h"
#include "digits/version.h"
#include "report/tested/rates.h"
#include "tools/common/json_ended.h"

/* ---- the files ---------------------------------------------------------- */

/** Terminates a line that a killed program left unfinished. Returns 0 or an errno. */
static int end_torn_line(int file, off_t size) {
  char last = '\n';
  int reason = size > 0 ? dg_read_at(file, &last, 1, (uint64_t)size - 1) : 0;
  return reason || last == '\n' ? reason : dg_write_all(file, "\n", 1);
}

static bool fail_busy(const char *path, dg_error *err) {
  return dg_fail(err, DG_ERR_INPUT,
                 "the log %s is written by another run now; give this one another file", path);
}

bool json_log_check(const char *path, dg_error *err) {
  struct stat info;
  char *target = path ? dg_file_target(path, err) : NULL;
  if (!target) return !path;
  bool plain = stat(target, &info) == 0 && S_ISREG(info.st_mode);
  int file = plain ? dg_open_file(target, O_RDONLY, 0) : -1;
  bool busy = file >= 0 && dg_lock(file) == EWOULDBLOCK;
  if (file >= 0) close(file);
  free(target);
  return !busy || fail_busy(path, err);
}

/** Prepares an open file for the first line, if no other run uses it. */
static bool begin(int file, const char *path, bool append, dg_error *err) {
  struct stat info;
  int reason = fstat(file, &info) == 0 ? 0 : errno;
  bool plain = !reason && S_ISREG(info.st_mode);
  if (plain && dg_lock(file) == EWOULDBLOCK) return fail_busy(path, err);
  if (plain && append) reason = end_torn_line(file, info.st_size);
  if (plain && !append && ftruncate(file, 0) != 0) reason = errno;
  return !reason ||
         dg_fail(err, DG_ERR_RUNTIME, "the log %s can't be written: %s", path, strerror(reason));
}

bool json_log_open(json_log *log, const char *path, bool append, dg_error *err) {
  if (!path) return true;
  char *target = dg_file_target(path, err);
  if (!target) return false;
  int flags = (append ? O_RDWR : O_WRONLY) | O_CREAT | O_APPEND;
  int file = dg_open_file(target, flags, 0666);
  free(target);
  if (file < 0)
    return dg_fail(err, DG_ERR_RUNTIME, "the log %s can't be written: %s", path, strerror(errno));
  log->target[log->count].path = path;
  log->target[log->count].reason = 0;
  log->target[log->count++].descriptor = file;
  return begin(file, path, append, err);
}

bool json_log_close(json_log *log, dg_error *err) {
  bool ok = !log->lost || dg_fail_memory(err, sizeof(json_t));
  for (; log->count > 0; log->count--) {
    int file = log->target[log->count - 1].descriptor, reason = log->target[log->count - 1].reason;
    if (close(file) != 0 && !reason && errno != EINTR) reason = errno;
    if (reason)
      ok = dg_fail(err, DG_ERR_RUNTIME, "%s: the log could not be written: %s",
                   log->target[log->count - 1].path, strerror(reason));
  }
  return ok;
}

/** Writes an object as a line and frees it. */
static void write_line(json_log *log, json_t *object) {
  char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
  size_t length = text ? strlen(text) : 0;
  json_decref(object);
  if (text) text[length] = '\n'; /* replaces the zero */
  log->lost |= !text;
  for (unsigned i = 0; text && i < log->count; i++)
    if (!log->target[i].reason)
      log->target[i].reason = dg_write_all(log->target[i].descriptor, text, length + 1);
  free(text);
}

/* ---- the lines ---------------------------------------------------------- */

/** A number, or null if it is not finite. */
static json_t *number(double value) {
  return isfinite(value) ? json_real(value) : json_null();
}

/** An accuracy; NULL, for a key that is left out, if there are no answers to count. */
static json_t *accuracy_of(double accuracy) {
  return isnan(accuracy) ? NULL : number(accuracy);
}

void json_log_start(json_log *log, const json_start *s) {
  json_t *line = json_pack("{ss ss ss ss ss sI sI sI sI ss*}", "event", "start", "model", s->model,
                           "backend", s->backend, "device", s->device, "data", s->data, "seed",
                           (json_int_t)s->seed, "parameters", (json_int_t)s->parameters,
                           "train_samples", (json_int_t)s->train_samples, "validation_samples",
                           (json_int_t)s->validation_samples, "test_data", s->test_data);
  bool ok = true;
  json_put(line, "version", json_string(dg_version()), &ok);
  json_put(line, "recipe", json_string(s->recipe), &ok);
  json_put(line, "threads", json_integer(s->threads), &ok);
  json_put(line, "exact", json_boolean(s->exact), &ok);
  if (!dg_utf8_fault(s->command)) json_put(line, "command", json_string(s->command), &ok);
  if (*s->tuned) json_put(line, "tuned", json_string(s->tuned), &ok);
  if (s->resumed) {
    json_put(line, "resumed_epochs", json_integer(s->resumed->epoch), &ok);
    json_put(line, "resumed_steps", json_integer(s->resumed->step), &ok);
  }
  write_line(log, json_ended(line, ok));
}

void json_log_step(json_log *log, uint64_t step, double loss, double accuracy) {
  if (log->count == 0) return;
  write_line(log, json_pack("{ss sI so so*}", "event", "step", "step", (json_int_t)step, "loss",
                            number(loss), "accuracy", accuracy_of(accuracy)));
}

/** The metric that the best is kept by, unless it is in the line anyway. */
static void put_metric(json_t *line, const dg_epoch_report *r, bool *ok) {
  char key[64];
  if (strcmp(r->metric, "loss") == 0 || strcmp(r->metric, "accuracy") == 0) return;
  snprintf(key, sizeof key, "validation_%s", r->metric);
  json_put(line, key, number(r->value), ok);
}

void json_log_epoch(json_log *log, const dg_epoch_report *r) {
  json_t *line = json_pack(
      "{ss sI so so* so so so}", "event", "epoch", "epoch", (json_int_t)r->epoch, "train_loss",
      number(r->train.loss), "train_accuracy", accuracy_of(r->train.accuracy), "lr", number(r->lr),
      "seconds", number(r->seconds), "samples_per_second", number(r->samples_per_second));
  bool ok = true;
  if (r->validated) {
    json_put(line, "validation_loss", number(r->validation.loss), &ok);
    if (!isnan(r->validation.accuracy))
      json_put(line, "validation_accuracy", number(r->validation.accuracy), &ok);
    put_metric(line, r, &ok);
    json_put(line, "best", json_boolean(r->best), &ok);
    if (r->stopped_early) json_put(line, "stopped_early", json_true(), &ok);
    json_put(line, "epochs_since_best", json_integer(r->waited), &ok);
  }
  write_line(log, json_ended(line, ok));
}

static void put_metrics(json_t *line, const test_result *r, bool *ok) {
  const dg_metrics_of_all *m = &r->metrics;
  if (r->task == DG_TASK_VALUES) {
    json_put(line, "mae", number(m->mae), ok);
    json_put(line, "rmse", number(m->rmse), ok);
    if (!isnan(m->r2)) json_put(line, "r2", number(m->r2), ok);
    return;
  }
  json_put(line, "accuracy", number(r->score.accuracy), ok);
  json_put(line, "correct", json_integer(r->score.correct), ok);
  if (r->task == DG_TASK_CLASS) json_put(line, "top5_accuracy", number(m->top5_accuracy), ok);
  json_put(line, "precision_macro", number(m->precision_macro), ok);
  json_put(line, "recall_macro", number(m->recall_macro), ok);
  json_put(line, "f1_macro", number(m->f1_macro), ok);
}

/** The metrics of an output, with its name. */
static json_t *metrics_of_output(const test_result *r, const dg_dataset *data, uint32_t output,
                                 bool *ok) {
  const dg_metrics_of_output *m = &r->each[output];
  char text[DG_CLASS_SIZE];
  json_t *one = json_object();
  json_put(one, "name", json_string(rates_name(data, r->task, output, text)), ok);
  if (r->task == DG_TASK_VALUES) {
    json_put(one, "mae", number(m->mae), ok);
    json_put(one, "rmse", number(m->rmse), ok);
    if (!isnan(m->r2)) json_put(one, "r2", number(m->r2), ok);
    return one;
  }
  json_put(one, "samples", json_integer((json_int_t)m->actual), ok);
  json_put(one, "precision", number(m->precision), ok);
  json_put(one, "recall", number(m->recall), ok);
  json_put(one, "f1", number(m->f1), ok);
  return one;
}

/** Adds the metrics of each output, in order. */
static void put_each(json_t *line, const test_result *r, const dg_dataset *data, bool *ok) {
  static const char *const keys[] = {"classes", "labels", "targets"};
  json_t *list = json_array();
  for (uint32_t i = 0; i < r->each_count; i++)
    json_add(list, metrics_of_output(r, data, i, ok), ok);
  json_put(line, keys[r->task], list, ok);
}

void json_log_test(json_log *log, const test_result *r, const dg_dataset *data, double seconds) {
  const certainty *c = &r->certainty;
  json_t *line = json_pack("{ss so sI sf}", "event", "test", "loss", number(r->score.loss), "total",
                           (json_int_t)r->score.total, "seconds", seconds);
  bool ok = true;
  put_metrics(line, r, &ok);
  if (r->each_count > 0) put_each(line, r, data, &ok);
  if (r->task == DG_TASK_CLASS) json_put(line, "calibration_error", number(c->error), &ok);
  if (r->task == DG_TASK_CLASS && c->temperature > 0) {
    json_put(line, "temperature", number(c->temperature), &ok);
    json_put(line, "calibration_error_without", number(c->without), &ok);
  }
  write_line(log, json_ended(line, ok));
}

void json_log_summary(json_log *log, const json_summary *s) {
  const bool values = s->task == DG_TASK_VALUES;
  write_line(log,
             json_pack("{ss sI sf sf sf sf}", "event", "summary", "runs", (json_int_t)s->runs,
                       values ? "rmse_mean" : "accuracy_mean", s->mean,
                       values ? "rmse_deviation" : "accuracy_deviation", s->deviation,
                       "seconds_mean", s->seconds_mean, "seconds_deviation", s->seconds_deviation));
}
