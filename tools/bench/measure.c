#include "tools/bench/measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "tools/common/command.h"
#include "tools/common/say.h"

/* ---- device and data ---------------------------------------------------- */

dg_model *bench_model(const bench_options *o, const char *name, uint32_t steps, uint32_t batch,
                      dg_error *err) {
  char steps_text[16], batch_text[16];
  snprintf(steps_text, sizeof steps_text, "%u", steps);
  snprintf(batch_text, sizeof batch_text, "%u", batch);
  const dg_override ours[] = {
      {"digits-bench", "train.epochs", "1"},      {"digits-bench", "train.steps", steps_text},
      {"digits-bench", "train.keep", "last"},     {"digits-bench", "train.keep_by", "auto"},
      {"digits-bench", "train.early_stop", "0"},  {"digits-bench", "data.validation", "0"},
      {"digits-bench", "train.batch", batch_text}};
  const uint32_t ours_count = sizeof ours / sizeof *ours - (batch == 0);
  dg_override all[BENCH_OVERRIDES + sizeof ours / sizeof *ours];
  uint32_t count = 0;
  for (uint32_t i = 0; i < o->override_count; i++) all[count++] = o->overrides[i];
  for (uint32_t i = 0; i < ours_count; i++) all[count++] = ours[i];
  return dg_model_load(name, all, count, err);
}

dg_dataset *bench_data(const bench_options *o, dg_error *err) {
  enum { TRAIN = 6000, TEST = 2000, SEED = 1 };
  static char program[] = "digits-bench";
  dg_dataset_options how = {
      .size = sizeof how, .skip_bad = o->skip_bad, .note = command_note, .user = program};
  dg_model *model = o->data && o->model_count ? bench_model(o, o->models[0], 1, 0, err) : NULL;
  const bool ok =
      (model || !o->data || !o->model_count) && reading_fill(&o->reading, model, &how, err);
  dg_model_free(model);
  if (!ok) return NULL;
  return o->data ? dg_dataset_open_with(o->data, &how, err)
                 : dg_dataset_draw(TRAIN, TEST, SEED, 0, err);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double bench_median(double *numbers, uint32_t count) {
  qsort(numbers, count, sizeof *numbers, ascending);
  return (numbers[(count - 1) / 2] + numbers[count / 2]) / 2;
}

/* ---- a model on a side -------------------------------------------------- */

/** A trainer with its model. */
typedef struct {
  dg_model *model;
  dg_trainer *trainer;
  dg_tester *tester; /**< if it tests */
} built;

/** The data of the trainer's listener. */
typedef struct {
  float *losses; /**< NULL: not wanted */
  double samples_per_second;
} told;

struct bench_network {
  const bench_options *options;
  const bench_side *side;
  const dg_dataset *data;
  bench_result *result;
  told told;
  built training, testing, answering;
  uint32_t test_samples; /**< for one measurement */
  float *logits;
};

static void on_step(void *user, uint64_t step, double loss, double accuracy) {
  (void)accuracy;
  told *t = user;
  if (t->losses && step < BENCH_STEPS) t->losses[step] = (float)loss;
}

static void on_epoch(void *user, const dg_epoch_report *report) {
  ((told *)user)->samples_per_second = report->samples_per_second;
}

static void drop(built *b) {
  dg_tester_free(b->tester);
  dg_trainer_free(b->trainer);
  dg_model_free(b->model);
  *b = (built){0};
}

/** Builds a model on a device: for training if there is a listener, else for testing. */
static bool build(bench_network *n, const char *model, dg_device *device, uint32_t steps,
                  uint32_t batch, told *listener, built *out, dg_error *err) {
  const dg_trainer_options how = {
      .size = sizeof(dg_trainer_options),
      .seed = n->options->seed,
      .test_only = listener == NULL,
      .listener = &(dg_listener){
          .size = sizeof(dg_listener), .user = listener, .step = on_step, .epoch = on_epoch}};
  out->model = bench_model(n->options, model, steps, batch, err);
  if (out->model) out->trainer = dg_trainer_new(out->model, device, n->data, &how, err);
  if (out->trainer && !listener) out->tester = dg_tester_new(out->trainer, err);
  return out->trainer && (listener || out->tester);
}

/** Operations and bytes of one sample, of all ops. */
static bool sum_costs(dg_trainer *trainer, double *operations, double *bytes, dg_error *err) {
  dg_cost costs[BENCH_LAYERS];
  size_t count;
  *operations = *bytes = 0;
  if (!dg_trainer_costs(trainer, costs, sizeof(dg_cost), BENCH_LAYERS, &count, err)) return false;
  for (size_t i = 0; i < count && i < BENCH_LAYERS; i++) {
    *operations += costs[i].forward_operations + costs[i].backward_operations;
    *bytes += (costs[i].forward_bytes + costs[i].backward_bytes) / dg_trainer_batch_size(trainer);
  }
  return true;
}

/** Operations of one sample forward by the direct method, including those that a test network
    folds. */
static bool sum_forward(dg_trainer *trainer, double *operations, dg_error *err) {
  dg_cost costs[BENCH_LAYERS];
  size_t count;
  *operations = 0;
  if (!dg_trainer_costs(trainer, costs, sizeof(dg_cost), BENCH_LAYERS, &count, err)) return false;
  for (size_t i = 0; i < count && i < BENCH_LAYERS; i++) *operations += costs[i].forward_operations;
  return true;
}

/**
 * Trains the first steps and stores their losses; fills in the counts; finds how many steps take
 * `seconds`. The first run compiles and warms up, so a short one is repeated for its time.
 */
static bool train_first(bench_network *n, const char *model, uint32_t *steps, dg_error *err) {
  const bench_options *o = n->options;
  bench_result *r = n->result;
  built first = {0};
  n->told.losses = r->losses;
  uint32_t compared = o->measures & MEASURE_LOSSES ? o->steps : 1;
  bool ok = build(n, model, n->side->opened, compared, 0, &n->told, &first, err);
  double begun = dg_seconds();
  ok = ok && dg_trainer_train(first.trainer, err);
  n->told.losses = NULL;
  bool again = (o->measures & MEASURE_TRAIN) && dg_seconds() - begun < 4 * o->seconds;
  if (ok && again) ok = dg_trainer_train(first.trainer, err);
  if (ok) {
    r->batch = dg_trainer_batch_size(first.trainer);
    r->exact = dg_trainer_exact(first.trainer);
    r->parameters = dg_trainer_parameter_count(first.trainer);
    r->memory = dg_trainer_memory(first.trainer);
    double wanted = o->seconds * n->told.samples_per_second / r->batch;
    *steps = wanted < 1 ? 1 : wanted < 1e6 ? (uint32_t)wanted : 1000000;
    ok = sum_costs(first.trainer, &r->train_operations, &r->train_bytes, err) &&
         sum_forward(first.trainer, &r->test_operations, err);
  }
  drop(&first);
  return ok;
}

/** Finds how many test samples take `seconds`. */
static bool test_first(bench_network *n, dg_error *err) {
  enum { WARM_UP = 2 };
  double direct, seconds = 0;
  uint32_t batch = n->result->batch, samples = batch;
  if (!dg_tester_run(n->testing.tester, WARM_UP * batch, err)) return false;
  while (seconds < n->options->seconds / 10 && samples < UINT32_MAX / 4) {
    samples *= 2;
    double begun = dg_seconds();
    if (!dg_tester_run(n->testing.tester, samples, err)) return false;
    seconds = dg_seconds() - begun;
  }
  double batches = n->options->seconds * samples / seconds / batch;
  batches = fmin(fmax(batches, 1), UINT32_MAX / 4 / batch);
  n->test_samples = (uint32_t)batches * batch;
  return sum_costs(n->testing.trainer, &direct, &n->result->test_bytes, err);
}

/** Runs one image a number of times; stores the seconds of each run. */
static bool answer(bench_network *n, double *seconds, uint32_t times, dg_error *err) {
  dg_part_view test = dg_dataset_part(n->data, DG_PART_TEST);
  const uint8_t *inputs = test.inputs;
  size_t bytes = test.type == DG_NUMBERS_FLOATS ? sizeof(float) : 1;
  for (uint32_t i = 0; i < test.rank; i++) bytes *= test.dim[i];
  for (uint32_t i = 0; i < times; i++) {
    double begun = dg_seconds();
    if (!dg_tester_answer(n->answering.tester, inputs + i % test.count * bytes, n->logits, err))
      return false;
    seconds[i] = dg_seconds() - begun;
  }
  return true;
}

static bool prepare(bench_network *n, const char *model, dg_error *err) {
  const unsigned measures = n->options->measures;
  uint32_t steps;
  if (!train_first(n, model, &steps, err)) return false;
  if ((measures & MEASURE_TRAIN) &&
      !build(n, model, n->side->opened, steps, 0, &n->told, &n->training, err))
    return false;
  if ((measures & MEASURE_TEST) &&
      !(build(n, model, n->side->opened, 1, 0, NULL, &n->testing, err) && test_first(n, err)))
    return false;
  if (!(measures & MEASURE_LATENCY)) return true;
  enum { WARM_UP = 10 };
  double warm_up[WARM_UP];
  if (!build(n, model, n->side->opened, 1, 1, NULL, &n->answering, err)) return false;
  uint32_t outputs = dg_trainer_outputs(n->answering.trainer);
  n->logits = malloc(outputs * sizeof *n->logits);
  if (!n->logits) return dg_fail_memory(err, outputs * sizeof *n->logits);
  return answer(n, warm_up, WARM_UP, err);
}

bench_network *bench_network_new(const bench_options *o, const bench_side *side,
                                 const dg_dataset *data, const char *model, bench_result *result,
                                 dg_error *err) {
  bench_network *n = calloc(1, sizeof *n);
  if (!n) return dg_fail_memory(err, sizeof *n), NULL;
  n->options = o;
  n->side = side;
  n->data = data;
  n->result = result;
  if (prepare(n, model, err)) return n;
  bench_network_free(n);
  dg_fail_prefix(err, "%s on %s", model, side->label);
  return NULL;
}

void bench_network_free(bench_network *n) {
  if (!n) return;
  drop(&n->training);
  drop(&n->testing);
  drop(&n->answering);
  free(n->logits);
  free(n);
}

/* ---- a round ------------------------------------------------------------ */

/** The median time of one image, over about `seconds`. */
static bool measure_latency(bench_network *n, double *median, dg_error *err) {
  enum { MOST = 4096 };
  double seconds[MOST], begun = dg_seconds();
  uint32_t count = 0;
  while (count < MOST && (count < 3 || dg_seconds() - begun < n->options->seconds)) {
    if (!answer(n, &seconds[count], 1, err)) return false;
    count++;
  }
  *median = bench_median(seconds, count);
  return true;
}

bool bench_network_round(bench_network *n, uint32_t round, dg_error *err) {
  double(*series)[BENCH_ROUNDS] = n->result->series;
  const double seconds = n->options->seconds;
  dg_rates rates;
  if (!dg_probe_run(n->side->probe, seconds / 2, &rates, err)) return false;
  series[SERIES_PRODUCT][round] = rates.operations;
  series[SERIES_MEMORY][round] = rates.bytes;
  series[SERIES_TRAIN][round] = series[SERIES_TEST][round] = series[SERIES_LATENCY][round] = NAN;
  if (n->training.trainer) {
    if (!dg_trainer_train(n->training.trainer, err)) return false;
    series[SERIES_TRAIN][round] = n->told.samples_per_second;
  }
  if (n->testing.tester) {
    double begun = dg_seconds();
    if (!dg_tester_run(n->testing.tester, n->test_samples, err)) return false;
    series[SERIES_TEST][round] = n->test_samples / (dg_seconds() - begun);
  }
  return !n->answering.tester || measure_latency(n, &series[SERIES_LATENCY][round], err);
}

/* ---- layer by layer ----------------------------------------------------- */

/** Converts the times of all runs since `before` to those of one step. */
static void times_of_step(const dg_cost *before, dg_cost *cost) {
  uint64_t forward = cost->forward_runs - before->forward_runs;
  uint64_t backward = cost->backward_runs - before->backward_runs;
  cost->forward_seconds -= before->forward_seconds;
  cost->backward_seconds -= before->backward_seconds;
  if (forward) cost->forward_seconds /= (double)forward;
  if (backward) cost->backward_seconds /= (double)backward;
  cost->forward_runs = forward > 0;
  cost->backward_runs = backward > 0;
}

bool bench_profile(const bench_options *o, const bench_side *side, const dg_dataset *data,
                   const char *model, bench_result *r, dg_error *err) {
  bench_network n = {.options = o, .side = side, .data = data, .result = r};
  built b = {0};
  dg_cost before[BENCH_LAYERS];
  bool ok =
      build(&n, model, side->profiled, o->steps, 0, &n.told, &b, err) &&
      dg_trainer_train(b.trainer, err) &&
      dg_trainer_costs(b.trainer, before, sizeof(dg_cost), BENCH_LAYERS, &r->layer_count, err);
  double begun = dg_seconds();
  while (ok && dg_seconds() - begun < o->seconds) ok = dg_trainer_train(b.trainer, err);
  ok = ok &&
       dg_trainer_costs(b.trainer, r->layers, sizeof(dg_cost), BENCH_LAYERS, &r->layer_count, err);
  if (r->layer_count > BENCH_LAYERS) r->layer_count = BENCH_LAYERS;
  for (size_t i = 0; ok && i < r->layer_count; i++) times_of_step(&before[i], &r->layers[i]);
  drop(&b);
  return ok;
}

/* ---- the first step ----------------------------------------------------- */

/** Peak memory of this process from Linux's /proc; 0: unknown. */
static unsigned long long most_memory(void) {
  char line[256];
  unsigned long long kibibytes = 0;
  FILE *file = fopen("/proc/self/status", "r");
  if (!file) return 0;
  while (fgets(line, sizeof line, file) && sscanf(line, "VmHWM: %llu", &kibibytes) != 1) continue;
  fclose(file);
  return kibibytes * 1024;
}

/** Times that are known when a step is done. */
typedef struct {
  double begun, loading, first; /**< seconds: start of the program, of loading, end of step 0 */
} start_times;

/** Prints the start time when the second step is done, which takes the time of a step alone. */
static void on_early_step(void *user, uint64_t step, double loss, double accuracy) {
  (void)accuracy;
  start_times *t = user;
  double now = dg_seconds();
  (void)loss;
  if (step == 0) t->first = now;
  if (step != 1) return;
  say("first step after %.6f s, %.6f s of them to load data; the second took %.6f s; "
      "%llu bytes of memory\n",
      t->first - t->begun, t->loading, now - t->first, most_memory());
  fflush(stdout);
}

bool bench_first_step(const bench_options *o, double begun, dg_error *err) {
  start_times times = {.begun = begun, .loading = dg_seconds()};
  dg_dataset *data = bench_data(o, err);
  times.loading = dg_seconds() - times.loading;
  const char *backend = o->backends[0], *which = o->device_count ? o->devices[0] : NULL;
  dg_model *model = data ? bench_model(o, o->models[0], 2, 0, err) : NULL;
  dg_device *device = model ? dg_open(backend, which, o->threads, err) : NULL;
  const dg_trainer_options how = {
      .size = sizeof(dg_trainer_options),
      .seed = o->seed,
      .listener =
          &(dg_listener){.size = sizeof(dg_listener), .user = &times, .step = on_early_step}};
  dg_trainer *trainer = device ? dg_trainer_new(model, device, data, &how, err) : NULL;
  bool ok = trainer && dg_trainer_train(trainer, err);
  dg_trainer_free(trainer);
  dg_close(device);
  dg_model_free(model);
  dg_dataset_close(data);
  return ok;
}
