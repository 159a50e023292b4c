/** digits-run: trains and tests the network of a model file. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/file/file.h"
#include "digits/data.h"
#include "digits/device.h"
#include "digits/model.h"
#include "digits/train.h"
#include "digits/version.h"
#include "tools/common/command.h"
#include "tools/common/say.h"
#include "tools/common/targets.h"
#include "tools/run/calibrate.h"
#include "tools/run/checkpoint.h"
#include "tools/run/console.h"
#include "tools/run/json_log.h"
#include "tools/run/listing.h"
#include "tools/run/options.h"
#include "tools/run/repeat.h"
#include "tools/run/run_model.h"
#include "tools/run/run_report.h"

static volatile sig_atomic_t interrupted;

static void on_signal(int signal) {
  (void)signal;
  interrupted = 1;
}

/**
 * The first signal asks training to stop; a second one ends the program. A closed terminal (unless
 * under nohup) and a pipe without a reader also ask it to stop, but never end it.
 */
static void catch_signals(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND}, old;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  action.sa_flags = 0;
  sigaction(SIGPIPE, &action, NULL);
  if (sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
    sigaction(SIGHUP, &action, NULL);
}

/* ---- listener ----------------------------------------------------------- */

/** Where the trainer's listener reports to. */
typedef struct {
  console console;
  json_log log;
  run_report report;
  dg_trainer *trainer;
} audience;

static bool on_progress(void *user, const dg_progress *progress) {
  console_progress(&((audience *)user)->console, progress);
  return !interrupted;
}

static void on_step(void *user, uint64_t step, double loss, double accuracy) {
  json_log_step(&((audience *)user)->log, step, loss, accuracy);
}

static void on_epoch(void *user, const dg_epoch_report *report) {
  audience *a = user;
  console_epoch(&a->console, report);
  json_log_epoch(&a->log, report);
  run_report_epoch(&a->report, a->trainer, report->epoch);
}

static bool print_description(const dg_model *model, dg_device *device, dg_error *err) {
  size_t length;
  if (!dg_model_describe(model, device, NULL, 0, &length, err)) return false;
  char *text = malloc(length + 1);
  if (!text) return dg_fail_memory(err, length + 1);
  bool ok = dg_model_describe(model, device, text, length + 1, &length, err);
  if (ok) say_lines(text);
  free(text);
  return ok;
}

static bool describe(const options *o, const run_checkpoint *checkpoint, dg_error *err) {
  dg_model *model = run_model_load(o, checkpoint->path, err);
  dg_device *device = model ? dg_open(o->backend, o->device, o->threads, err) : NULL;
  bool ok = device && print_description(model, device, err);
  dg_close(device);
  dg_model_free(model);
  return ok;
}

/* ---- a job: model, device, data ----------------------------------------- */

typedef struct {
  const options *options;
  const run_checkpoint *checkpoint;
  dg_model *model;
  dg_device *device;
  dg_dataset *data, *test_data; /**< test_data NULL: the test part of data */
  dg_columns *columns;          /**< that the weights to test carry; NULL: none */
  markup command;               /**< line that repeats the run */
  audience audience;
} job;

/** Checks that no input would be overwritten, except weights by their successors. */
static bool check_targets(const options *o, const run_checkpoint *checkpoint, dg_error *err) {
  static const char weights[] = "the weights are";
  targets t = {0};
  bool ok = targets_write(&t, "--save", o->save, weights, err) &&
            (!checkpoint->path[0] ||
             targets_write_beside(&t, "--save", o->save, CHECKPOINT_EXTENSION, weights, err)) &&
            targets_write(&t, "--log", o->log, NULL, err);
  for (report_file file = REPORT_PAGE; ok && file < REPORT_FILES; file++)
    ok = targets_write_in(&t, "--report", o->report, report_name(file), err);
  ok = ok && targets_read_model(&t, o->model, err) && targets_read(&t, weights, o->load, err) &&
       targets_read(&t, weights, o->resume, err) &&
       targets_read_set(&t, "the data are", o->data, err) &&
       targets_read_set(&t, "the test data are", o->test_data, err) &&
       targets_read(&t, "the names of the classes are", o->classes, err);
  targets_close(&t);
  return ok;
}

/** Checks the outputs before hours of work. */
static bool check_outputs(const options *o, run_checkpoint *checkpoint, dg_error *err) {
  return check_targets(o, checkpoint, err) && (!o->save || dg_file_check(o->save, err)) &&
         run_checkpoint_check(checkpoint, o->resume != NULL, err) &&
         (!o->save_every || run_checkpoint_need(checkpoint, o->save, err));
}

/** Opens the logs; after a resume, the log of the report is continued. */
static bool open_logs(job *j, dg_error *err) {
  const options *o = j->options;
  audience *a = &j->audience;
  return json_log_open(&a->log, o->log, o->resume, err) &&
         json_log_open(&a->log, o->report ? a->report.log : NULL, o->resume, err);
}

/** Writes the command that repeats the run, with defaults and environment as explicit options. */
static bool note_command(job *j, dg_error *err) {
  const options *o = j->options;
  markup_add(&j->command, "digits-run");
  if (!o->resume && !o->backend)
    repeat_option(&j->command, "--backend", dg_device_backend(j->device));
  if (!o->resume && !o->data_named) repeat_option(&j->command, "--data", o->data);
  markup_add(&j->command, "%s", o->words);
  return !j->command.failed || dg_fail_memory(err, strlen(o->words));
}

/** For command_note. */
static char program[] = "digits-run";

/** Opens the sets that the options name; that to test is read like the other. */
static bool open_sets(job *j, dg_error *err) {
  const options *o = j->options;
  dg_dataset_options how = {.size = sizeof how,
                            .threads = o->threads,
                            .skip_bad = o->skip_bad,
                            .note = command_note,
                            .user = program,
                            .keep_all = o->test_data != NULL,
                            .columns = j->columns};
  if (!reading_fill(&o->reading, j->model, &how, err)) return false;
  j->data = dg_dataset_open_with(o->data, &how, err);
  if (!j->data || !o->test_data) return j->data != NULL;
  how.keep_all = false;
  how.like = j->data;
  j->test_data = dg_dataset_open_with(o->test_data, &how, err);
  return j->test_data != NULL;
}

/** Opens the training and test data. */
static bool open_data(job *j, dg_error *err) {
  const options *o = j->options;
  dg_classes names;
  if (o->test && !dg_columns_from_weights(&j->columns, o->load, err)) return false;
  if (!open_sets(j, err)) return false;
  if (j->test_data && (!dg_dataset_merge(j->data, DG_PART_TRAIN, err) ||
                       !dg_dataset_merge(j->test_data, DG_PART_TEST, err)))
    return false;
  const dg_dataset *test = j->test_data ? j->test_data : j->data;
  if (dg_dataset_test_samples(test) == 0)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: too few images to keep some for the test; add --test-data",
                   dg_dataset_source(test));
  if (!o->classes) return !o->calibrate || calibrate_keep_names(o, j->data, err);
  return dg_classes_read(&names, o->classes, err) &&
         dg_dataset_set_classes(j->data, &names, o->classes, err) &&
         (!j->test_data || dg_dataset_set_classes(j->test_data, &names, o->classes, err));
}

/** Opens everything for a run; the log is last, since that truncates an old one. */
static bool job_open(job *j, dg_error *err) {
  const options *o = j->options;
  j->model = run_model_load(o, j->checkpoint->path, err);
  if (!j->model) return false;
  j->device = command_open(o->backend, o->device, o->threads, program, err);
  if (!j->device) return false;
  if (!open_data(j, err)) return false;
  const dg_dataset *test = j->test_data ? j->test_data : j->data;
  return note_command(j, err) && json_log_check(o->log, err) &&
         run_report_open(&j->audience.report, o->report, err) &&
         run_report_describe(&j->audience.report, j->model, j->device, test, err) &&
         open_logs(j, err);
}

static void job_close(job *j) {
  run_report_close(&j->audience.report);
  markup_free(&j->command);
  dg_dataset_close(j->data);
  dg_dataset_close(j->test_data);
  dg_columns_free(j->columns);
  dg_close(j->device);
  dg_model_free(j->model);
}

/** Prints the training and test data. */
static void tell_data(const job *j, const json_start *start) {
  const dg_dataset *test = j->test_data ? j->test_data : j->data;
  const char *held_out = dg_dataset_held_out(test);
  if (j->options->test)
    say("data    %s: %u to test", dg_dataset_source(test), dg_dataset_test_samples(test));
  else
    say("data    %s: %u to train, %u to validate, %u to test%s%s", start->data,
        start->train_samples, start->validation_samples, dg_dataset_test_samples(test),
        j->test_data ? " from " : "", j->test_data ? start->test_data : "");
  if (held_out) say(" (%s)", held_out);
  putchar('\n');
}

static void tell_start(job *j, const dg_trainer *trainer, uint32_t seed) {
  json_start start = {.model = dg_model_name(j->model),
                      .backend = dg_device_backend(j->device),
                      .device = dg_device_name(j->device),
                      .data = dg_dataset_source(j->data),
                      .test_data = j->test_data ? dg_dataset_source(j->test_data) : NULL,
                      .recipe = dg_model_text(j->model),
                      .command = j->command.text,
                      .tuned = dg_device_tuned(j->device),
                      .seed = seed,
                      .threads = command_units(j->device),
                      .train_samples = dg_trainer_train_samples(trainer),
                      .validation_samples = dg_trainer_validation_samples(trainer),
                      .parameters = dg_trainer_parameter_count(trainer),
                      .exact = dg_trainer_exact(trainer),
                      .resumed = j->options->resume ? &j->checkpoint->info : NULL};
  json_log_start(&j->audience.log, &start);
  run_report_begin(&j->audience.report);
  if (j->options->quiet) return;
  const options *o = j->options;
  say("model   %s (%s): %llu parameters\n", start.model,
      o->model && !o->calibrate ? o->model
      : o->resume               ? o->resume
                                : o->load,
      (unsigned long long)start.parameters);
  if (o->load == o->installed) say("weights %s\n", o->load);
  say("device  %s: %s\n", start.backend, start.device);
  tell_data(j, &start);
  if (!o->test) say("seed    %u\n", seed);
  if (j->checkpoint->none.kind) say("state   none is kept: %s\n", j->checkpoint->none.message);
  if (start.resumed) run_checkpoint_print(j->checkpoint, j->device);
  fflush(stdout);
}

/** Fits the temperature of the loaded weights, and saves it with them. */
static bool run_calibration(job *j, dg_trainer *trainer, dg_error *err) {
  audience unlogged = {.console = j->audience.console}; /* a second training isn't the run's */
  const dg_listener listener = {
      .size = sizeof(dg_listener), &unlogged, on_progress, NULL, on_epoch};
  const calibrate_job how = {j->options, j->device, j->data, &listener};
  double temperature;
  bool ok = calibrate_fit(&how, &temperature, err);
  console_clear(&j->audience.console);
  return ok && dg_trainer_set_temperature(trainer, temperature, err) &&
         (!j->options->save || dg_trainer_save(trainer, j->options->save, err));
}

/** Trains as the options say, and saves. */
static bool run_training(job *j, dg_trainer *trainer, double *seconds, dg_error *err) {
  const options *o = j->options;
  *seconds = 0;
  if (o->load && !dg_trainer_load(trainer, o->load, err)) return false;
  if (o->calibrate) return run_calibration(j, trainer, err);
  if (o->test) return true;
  double start = dg_seconds();
  bool ok = dg_trainer_train(trainer, err);
  *seconds = dg_seconds() - start;
  console_clear(&j->audience.console);
  if (!ok) return run_checkpoint_hint(j->checkpoint, o->save, err);
  if (!o->save) return true;
  return dg_trainer_save(trainer, o->save, err) ? run_checkpoint_remove(j->checkpoint, err)
                                                : run_checkpoint_hint(j->checkpoint, o->save, err);
}

/** Why a trainer has no temperature. */
static const char *why_untold(const job *j, const dg_trainer *trainer) {
  return j->options->test ? "these weights carry none; --calibrate fits one"
         : dg_trainer_validation_samples(trainer) == 0
             ? "the recipe sets no images aside to fit one; --calibrate can fit one"
             : "all images to validate were recognized, so none can be fitted";
}

static void tell_test(const job *j, const dg_trainer *trainer, double trained,
                      const test_result *r) {
  test_result_print(r);
  if (!j->options->test) say("  trained in %.1f s", trained);
  putchar('\n');
  if (!j->options->quiet) test_result_print_each(r, j->test_data ? j->test_data : j->data);
  if (!j->options->quiet && r->task == DG_TASK_CLASS)
    certainty_print(&r->certainty, why_untold(j, trainer));
  fflush(stdout);
}

/** Tests on the samples of `part`, whose outputs go to `outputs`. */
static bool run_test(job *j, dg_trainer *trainer, double trained, const dg_part_view *part,
                     float *outputs, test_result *result, dg_error *err) {
  double start = dg_seconds();
  if (!test_result_measure(result, trainer, j->model, j->test_data, part, outputs, err))
    return false;
  json_log_test(&j->audience.log, result, j->test_data ? j->test_data : j->data,
                dg_seconds() - start);
  tell_test(j, trainer, trained, result);
  return true;
}

/** Trains and tests. Returns the outputs for the test images, which the caller frees. */
static float *train_and_test(job *j, dg_trainer *trainer, test_result *result, double *seconds,
                             dg_error *err) {
  const dg_part_view part = dg_dataset_part(j->test_data ? j->test_data : j->data, DG_PART_TEST);
  size_t numbers = (size_t)part.count * dg_trainer_outputs(trainer);
  float *logits = malloc(numbers * sizeof *logits);
  if (!logits) return dg_fail_memory(err, numbers * sizeof *logits), NULL;
  if (run_training(j, trainer, seconds, err) &&
      run_test(j, trainer, *seconds, &part, logits, result, err))
    return logits;
  free(logits);
  return NULL;
}

/** Trains and tests once. */
static bool run_once(job *j, uint32_t seed, test_result *result, double *seconds, dg_error *err) {
  dg_trainer_options how = {
      .size = sizeof(dg_trainer_options),
      .data_memory = j->options->data_memory,
      .seed = seed,
      .test_only = j->options->test,
      .checkpoint = j->checkpoint->path[0] ? j->checkpoint->path : NULL,
      .resume = j->options->resume != NULL,
      .save_every = j->options->save_every,
      .note = command_note,
      .user = program,
      .listener = &(dg_listener){
          .size = sizeof(dg_listener), &j->audience, on_progress, on_step, on_epoch}};
  dg_trainer *trainer = dg_trainer_new(j->model, j->device, j->data, &how, err);
  if (!trainer) return false;
  if (!dg_trainer_can_test(trainer, j->test_data, err)) return dg_trainer_free(trainer), false;
  j->audience.trainer = trainer;
  tell_start(j, trainer, seed);
  float *logits = train_and_test(j, trainer, result, seconds, err);
  bool ok = logits != NULL;
  ok = run_report_take(&j->audience.report, trainer, logits, result, ok ? err : NULL) && ok;
  dg_trainer_free(trainer);
  return ok;
}

/** Mean and (sample) deviation. */
static void spread(const double *values, uint32_t count, double *mean, double *deviation) {
  *mean = *deviation = 0;
  for (uint32_t i = 0; i < count; i++) *mean += values[i] / count;
  for (uint32_t i = 0; i < count; i++) *deviation += (values[i] - *mean) * (values[i] - *mean);
  *deviation = count > 1 ? sqrt(*deviation / (count - 1)) : 0;
}

static void tell_summary(job *j, uint32_t runs, dg_task kind, const double *figures,
                         const double *seconds) {
  json_summary s = {.runs = runs, .task = kind};
  spread(figures, s.runs, &s.mean, &s.deviation);
  spread(seconds, s.runs, &s.seconds_mean, &s.seconds_deviation);
  json_log_summary(&j->audience.log, &s);
  say("%u run%s  ", s.runs, s.runs == 1 ? "" : "s");
  if (kind == DG_TASK_VALUES)
    say("root mean square error %.5g +- %.5g", s.mean, s.deviation);
  else
    say("accuracy %.2f +- %.2f %%", 100 * s.mean, 100 * s.deviation);
  say("  trained in %.1f +- %.1f s\n", s.seconds_mean, s.seconds_deviation);
}

static bool run_all(job *j, dg_error *err) {
  uint32_t runs = j->options->runs;
  double *figures = calloc(2 * (size_t)runs, sizeof *figures), *seconds = figures + runs;
  if (!figures) return dg_fail_memory(err, 2 * (size_t)runs * sizeof *figures);
  bool ok = true;
  uint32_t finished = 0;
  test_result result = {0};
  for (uint32_t i = 0; ok && i < runs; i++) {
    ok = run_once(j, j->options->seed + i, &result, &seconds[i], err);
    if (ok) figures[finished++] = test_result_figure(&result);
  }
  if (runs > 1 && finished > 0) tell_summary(j, finished, result.task, figures, seconds);
  free(figures);
  return ok;
}

/** Writes the report of a run, successful or not. The first error is the one reported. */
static bool write_report(job *j, bool ok, dg_error *err) {
  dg_error own = {0};
  if (run_report_write(&j->audience.report, ok ? NULL : err->message, &own)) {
    if (j->audience.report.begun && !j->options->quiet)
      say("report  %s/%s\n", j->options->report, report_name(REPORT_PAGE));
    return ok;
  }
  if (ok)
    *err = own;
  else
    dg_fail_suffix(err, "; no report: %s", own.message);
  return false;
}

static bool train(const options *o, const run_checkpoint *checkpoint, dg_error *err) {
  job j = {.options = o, .checkpoint = checkpoint, .audience.console = console_open(o->quiet)};
  catch_signals();
  bool ok = job_open(&j, err) && run_all(&j, err);
  ok = write_report(&j, ok, err);
  dg_error log_error = {0};
  if (!json_log_close(&j.audience.log, &log_error) && ok) {
    *err = log_error;
    ok = false;
  }
  job_close(&j);
  return ok;
}

/** Runs tasks with a model: describe it, or train and test it. */
static bool use_model(options *o, dg_error *err) {
  run_checkpoint checkpoint;
  if (!run_checkpoint_find(o, &checkpoint, err)) return false;
  if (o->task == DO_DESCRIBE) return describe(o, &checkpoint, err);
  return check_outputs(o, &checkpoint, err) && train(o, &checkpoint, err);
}

static bool perform(options *o, dg_error *err) {
  switch (o->task) {
  case DO_TRAIN:
  case DO_DESCRIBE:
    return use_model(o, err);
  case DO_HELP:
    return command_help(options_help);
  case DO_HELP_LAYERS:
    return help_layers(err);
  case DO_VERSION:
    return say("digits-run %s\n", dg_version());
  case DO_LIST_DEVICES:
    return list_devices(err);
  case DO_LIST_MODELS:
    return list_models(err);
  }
  return false;
}

int main(int argc, char **argv) {
  options o;
  dg_error err = {0};
  markup words = {0};
  command_begin();
  repeat_words(&words, argc, argv);
  bool ok = options_read(&o, argc, argv, &err);
  o.words = words.text ? words.text : "";
  if (ok && words.failed) ok = dg_fail_memory(&err, words.length);
  ok = ok && piped(&o.model, o.model_pipe, &err) && piped(&o.load, o.load_pipe, &err) &&
       perform(&o, &err);
  markup_free(&words);
  return command_end(
      "digits-run",
      "batch lr backend device threads set data resume load data-memory skip-bad " READING_REMEDIES,
      ok, &err);
}
