/** digits-run: trains and tests the network of a model file. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/digits.h"
#include "core/support/clock.h"
#include "tools/command.h"
#include "tools/console.h"
#include "tools/json_log.h"
#include "tools/options.h"

enum { MOST_DEVICES = 64, MOST_MODELS = 256 };

static volatile sig_atomic_t interrupted;

static void on_signal(int signal) {
  (void)signal;
  interrupted = 1;
}

/** The first signal asks training to stop; a second one ends the program. */
static void catch_signals(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

/* ---- telling ------------------------------------------------------------ */

/** Whom the trainer's listener tells. */
typedef struct {
  console console;
  json_log log;
} audience;

static bool on_progress(void *user, const dg_progress *progress) {
  console_progress(&((audience *)user)->console, progress);
  return !interrupted;
}

static void on_step(void *user, uint64_t step, double loss) {
  json_log_step(&((audience *)user)->log, step, loss);
}

static void on_epoch(void *user, const dg_epoch_report *report) {
  audience *a = user;
  console_epoch(&a->console, report);
  json_log_epoch(&a->log, report);
}

static bool list_devices(dg_error *err) {
  dg_listed_device devices[MOST_DEVICES];
  size_t count;
  if (!dg_list_devices(devices, MOST_DEVICES, &count, err)) return false;
  for (size_t i = 0; i < count && i < MOST_DEVICES; i++) {
    const dg_listed_device *d = &devices[i];
    printf("%s %u: %s\n", d->backend, d->number, d->name);
    if (d->platform[0]) printf("    platform       %s\n", d->platform);
    if (d->version[0]) printf("    version        %s\n", d->version);
    if (d->driver[0]) printf("    driver         %s\n", d->driver);
    printf("    compute units  %u%s\n", d->compute_units, d->gpu ? " (GPU)" : "");
    printf("    memory         %.1f GiB\n", (double)d->memory / (1 << 30));
  }
  return true;
}

static bool list_models(dg_error *err) {
  dg_listed_model models[MOST_MODELS];
  size_t count;
  if (!dg_list_models(models, MOST_MODELS, &count, err)) return false;
  for (size_t i = 0; i < count && i < MOST_MODELS; i++) {
    const dg_listed_model *m = &models[i];
    printf("%-14s %10llu  %s\n", m->name, (unsigned long long)m->parameters, m->description);
  }
  return true;
}

static bool help_layers(dg_error *err) {
  size_t length = dg_layers_help(NULL, 0);
  char *text = malloc(length + 1);
  if (!text) return dg_fail_memory(err, length + 1);
  dg_layers_help(text, length + 1);
  fputs(text, stdout);
  free(text);
  return true;
}

static dg_model *load_model(const options *o, dg_error *err) {
  return o->model ? dg_model_load(o->model, o->overrides, o->override_count, err)
                  : dg_model_of_weights(o->load, o->overrides, o->override_count, err);
}

static bool describe(const options *o, dg_error *err) {
  char text[1 << 16];
  size_t length;
  dg_model *model = load_model(o, err);
  dg_device *device = model ? dg_open(o->backend, o->device, o->threads, err) : NULL;
  bool right = device && dg_describe(model, device, text, sizeof text, &length, err);
  if (right) fputs(text, stdout);
  dg_close(device);
  dg_model_free(model);
  return right;
}

/* ---- a job: model, device, data ----------------------------------------- */

typedef struct {
  const options *options;
  dg_model *model;
  dg_device *device;
  dg_dataset *data, *test_data; /**< test_data NULL: that of data */
  audience audience;
} job;

static bool job_open(job *j, dg_error *err) {
  const options *o = j->options;
  j->model = load_model(o, err);
  if (!j->model || !json_log_open(&j->audience.log, o->log, err)) return false;
  j->device = dg_open(o->backend, o->device, o->threads, err);
  if (!j->device) return false;
  j->data = dg_data_open(o->data, o->threads, err);
  if (j->data && o->test_data) j->test_data = dg_data_open(o->test_data, o->threads, err);
  return j->data && (!o->test_data || j->test_data);
}

static void job_close(job *j) {
  dg_data_close(j->data);
  dg_data_close(j->test_data);
  dg_close(j->device);
  dg_model_free(j->model);
}

static void tell_start(job *j, const dg_trainer *trainer, uint32_t seed) {
  const dg_dataset *test = j->test_data ? j->test_data : j->data;
  json_start start = {.model = dg_model_name(j->model),
                      .backend = dg_device_backend(j->device),
                      .device = dg_device_name(j->device),
                      .data = dg_data_source(j->data),
                      .test_data = j->test_data ? dg_data_source(j->test_data) : NULL,
                      .recipe = dg_model_text(j->model),
                      .seed = seed,
                      .train_samples = dg_trainer_train_samples(trainer),
                      .validation_samples = dg_trainer_validation_samples(trainer),
                      .parameters = dg_trainer_parameters(trainer)};
  json_log_start(&j->audience.log, &start);
  if (j->options->quiet) return;
  printf("model   %s (%s): %llu parameters\n", start.model,
         j->options->model ? j->options->model : j->options->load,
         (unsigned long long)start.parameters);
  printf("device  %s: %s\n", start.backend, start.device);
  if (j->options->test) {
    printf("data    %s: %u to test\n", dg_data_source(test), dg_data_test_samples(test));
  } else {
    printf("data    %s: %u to train, %u to validate, %u to test%s%s\n", start.data,
           start.train_samples, start.validation_samples, dg_data_test_samples(test),
           j->test_data ? " from " : "", j->test_data ? start.test_data : "");
    printf("seed    %u\n", seed);
  }
  fflush(stdout);
}

/** Trains as the options say, and saves. */
static bool run_training(job *j, dg_trainer *trainer, double *seconds, dg_error *err) {
  const options *o = j->options;
  *seconds = 0;
  if (o->load && !dg_load(trainer, o->load, err)) return false;
  if (o->test) return true;
  double start = dg_seconds();
  bool right = dg_train(trainer, err);
  *seconds = dg_seconds() - start;
  console_clear(&j->audience.console);
  return right && (!o->save || dg_save(trainer, o->save, err));
}

static bool run_test(job *j, dg_trainer *trainer, double trained, dg_score *score, dg_error *err) {
  double start = dg_seconds();
  if (!dg_test(trainer, j->test_data, score, err)) return false;
  json_log_test(&j->audience.log, score, dg_seconds() - start);
  printf("test    loss %.4f  accuracy %.2f %% (%u of %u)", score->loss, 100 * score->accuracy,
         score->correct, score->total);
  if (!j->options->test) printf("  trained in %.1f s", trained);
  putchar('\n');
  fflush(stdout);
  return true;
}

/** Trains and tests once. */
static bool run_once(job *j, uint32_t seed, dg_score *score, double *seconds, dg_error *err) {
  dg_trainer_options how = {.seed = seed,
                            .test_only = j->options->test,
                            .listener = {&j->audience, on_progress, on_step, on_epoch}};
  dg_trainer *trainer = dg_trainer_new(j->model, j->device, j->data, &how, err);
  if (!trainer) return false;
  tell_start(j, trainer, seed);
  bool right = run_training(j, trainer, seconds, err) && run_test(j, trainer, *seconds, score, err);
  dg_trainer_free(trainer);
  return right;
}

/** Mean and (sample) deviation. */
static void spread(const double *values, uint32_t count, double *mean, double *deviation) {
  *mean = *deviation = 0;
  for (uint32_t i = 0; i < count; i++) *mean += values[i] / count;
  for (uint32_t i = 0; i < count; i++) *deviation += (values[i] - *mean) * (values[i] - *mean);
  *deviation = count > 1 ? sqrt(*deviation / (count - 1)) : 0;
}

static void tell_summary(job *j, const double *accuracy, const double *seconds) {
  json_summary s = {.runs = j->options->runs};
  spread(accuracy, s.runs, &s.accuracy_mean, &s.accuracy_deviation);
  spread(seconds, s.runs, &s.seconds_mean, &s.seconds_deviation);
  json_log_summary(&j->audience.log, &s);
  printf("%u runs  accuracy %.2f +- %.2f %%  trained in %.1f +- %.1f s\n", s.runs,
         100 * s.accuracy_mean, 100 * s.accuracy_deviation, s.seconds_mean, s.seconds_deviation);
}

static bool run_all(job *j, dg_error *err) {
  uint32_t runs = j->options->runs;
  double *accuracy = calloc(2 * (size_t)runs, sizeof *accuracy), *seconds = accuracy + runs;
  if (!accuracy) return dg_fail_memory(err, 2 * (size_t)runs * sizeof *accuracy);
  bool right = true;
  for (uint32_t i = 0; right && i < runs; i++) {
    dg_score score;
    right = run_once(j, j->options->seed + i, &score, &seconds[i], err);
    if (right) accuracy[i] = score.accuracy;
  }
  if (right && runs > 1) tell_summary(j, accuracy, seconds);
  free(accuracy);
  return right;
}

static bool train(const options *o, dg_error *err) {
  job j = {.options = o, .audience.console = console_open(o->quiet)};
  catch_signals();
  bool right = job_open(&j, err) && run_all(&j, err);
  dg_error log_error = {0};
  if (!json_log_close(&j.audience.log, &log_error) && right) {
    *err = log_error;
    right = false;
  }
  job_close(&j);
  return right;
}

static bool perform(const options *o, dg_error *err) {
  switch (o->task) {
  case DO_TRAIN:
    return train(o, err);
  case DO_HELP:
    return fputs(options_help, stdout) >= 0;
  case DO_HELP_LAYERS:
    return help_layers(err);
  case DO_DESCRIBE:
    return describe(o, err);
  case DO_VERSION:
    return printf("digits-run %s\n", dg_version()) >= 0;
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
  bool right = options_read(&o, argc, argv, &err) && perform(&o, &err);
  return command_end("digits-run", right, &err);
}
