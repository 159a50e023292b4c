#include "tools/json_log.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

/** Ends a line that a killed program left unfinished. */
static void end_torn_line(FILE *file) {
  if (fseek(file, -1, SEEK_END) == 0 && fgetc(file) != '\n') fputc('\n', file);
  fseek(file, 0, SEEK_END);
}

bool json_log_open(json_log *log, const char *path, bool append, dg_error *err) {
  if (!path) return true;
  FILE *file = fopen(path, append ? "a+" : "w");
  if (!file)
    return dg_fail(err, DG_ERR_RUNTIME, "the log %s can't be written: %s", path, strerror(errno));
  if (append) end_torn_line(file);
  log->target[log->count].path = path;
  log->target[log->count++].file = file;
  return true;
}

bool json_log_close(json_log *log, dg_error *err) {
  bool right = true;
  for (; log->count > 0; log->count--) {
    FILE *file = log->target[log->count - 1].file;
    bool failed = ferror(file) != 0;
    failed |= fclose(file) != 0;
    if (failed)
      right = dg_fail(err, DG_ERR_RUNTIME, "%s: the log could not be written: %s",
                      log->target[log->count - 1].path, strerror(errno));
  }
  return right;
}

/** Writes an object as a line and drops it. */
static void write_line(json_log *log, json_t *object) {
  for (unsigned i = 0; i < log->count && object; i++) {
    json_dumpf(object, log->target[i].file, JSON_COMPACT | JSON_REAL_PRECISION(9));
    fputc('\n', log->target[i].file);
    fflush(log->target[i].file);
  }
  json_decref(object);
}

/** A number; JSON has none for what is not finite. */
static json_t *number(double value) {
  return isfinite(value) ? json_real(value) : json_null();
}

void json_log_start(json_log *log, const json_start *s) {
  json_t *line = json_pack("{ss ss ss ss ss sI sI sI sI ss*}", "event", "start", "model", s->model,
                           "backend", s->backend, "device", s->device, "data", s->data, "seed",
                           (json_int_t)s->seed, "parameters", (json_int_t)s->parameters,
                           "train_samples", (json_int_t)s->train_samples, "validation_samples",
                           (json_int_t)s->validation_samples, "test_data", s->test_data);
  json_object_set_new(line, "version", json_string(dg_version()));
  json_object_set_new(line, "recipe", json_string(s->recipe));
  json_object_set_new(line, "threads", json_integer(s->threads));
  json_object_set_new(line, "command", json_string(s->command));
  if (*s->tuned) json_object_set_new(line, "tuned", json_string(s->tuned));
  if (s->resumed) {
    json_object_set_new(line, "resumed_epochs", json_integer(s->resumed->epoch));
    json_object_set_new(line, "resumed_steps", json_integer(s->resumed->step));
  }
  write_line(log, line);
}

void json_log_step(json_log *log, uint64_t step, double loss, double accuracy) {
  if (log->count == 0) return;
  write_line(log, json_pack("{ss sI so sf}", "event", "step", "step", (json_int_t)step, "loss",
                            number(loss), "accuracy", accuracy));
}

void json_log_epoch(json_log *log, const dg_epoch_report *r) {
  json_t *line =
      json_pack("{ss sI so so sf sf sf}", "event", "epoch", "epoch", (json_int_t)r->epoch,
                "train_loss", number(r->train.loss), "train_accuracy", number(r->train.accuracy),
                "lr", r->lr, "seconds", r->seconds, "samples_per_second", r->samples_per_second);
  if (r->validated) {
    json_object_set_new(line, "validation_loss", number(r->validation.loss));
    json_object_set_new(line, "validation_accuracy", number(r->validation.accuracy));
    json_object_set_new(line, "best", json_boolean(r->best));
  }
  write_line(log, line);
}

void json_log_test(json_log *log, const dg_score *score, double seconds) {
  write_line(log,
             json_pack("{ss so so sI sI sf}", "event", "test", "loss", number(score->loss),
                       "accuracy", number(score->accuracy), "correct", (json_int_t)score->correct,
                       "total", (json_int_t)score->total, "seconds", seconds));
}

void json_log_summary(json_log *log, const json_summary *s) {
  write_line(log, json_pack("{ss sI sf sf sf sf}", "event", "summary", "runs", (json_int_t)s->runs,
                            "accuracy_mean", s->accuracy_mean, "accuracy_deviation",
                            s->accuracy_deviation, "seconds_mean", s->seconds_mean,
                            "seconds_deviation", s->seconds_deviation));
}
