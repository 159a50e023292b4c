/** digits-bench: how fast networks train, test and answer, on several devices side by side. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/file/file.h"
#include "core/base/text.h"
#include "digits/version.h"
#include "tools/bench/json.h"
#include "tools/bench/start.h"
#include "tools/bench/table.h"
#include "tools/bench/tune.h"
#include "tools/common/command.h"
#include "tools/common/say.h"
#include "tools/common/targets.h"

/** The state of the program. */
typedef struct {
  const bench_options *options;
  dg_model_info *found; /**< all models found, if none was named */
  size_t found_count;
  bench_side sides[BENCH_SIDES];
  uint32_t side_count;
  dg_dataset *data;
  bench_result *results; /**< of all sides, for one model */
  json_t *json;
} bench;

/* ---- sides -------------------------------------------------------------- */

static bool add_side(void *user, const char *backend, const char *device, dg_error *err) {
  bench *b = user;
  const bench_options *o = b->options;
  if (b->side_count == BENCH_SIDES)
    return dg_fail(err, DG_ERR_INPUT, "more than %d devices", BENCH_SIDES);
  bench_side *s = &b->sides[b->side_count++];
  bool cpu = strcmp(backend, "cpu") == 0;
  *s = (bench_side){.backend = backend, .device = device, .threads = cpu ? o->threads : 0};
  dg_append(s->label, sizeof s->label, "%s%s%s", backend, device ? ":" : "", device ? device : "");
  s->opened = dg_open(backend, device, s->threads, err);
  if (s->opened && o->profile)
    s->profiled = dg_device_open(&(dg_device_options){.size = sizeof(dg_device_options),
                                                      .backend = backend,
                                                      .device = device,
                                                      .threads = s->threads,
                                                      .profile = true},
                                 err);
  if (!s->opened || (o->profile && !s->profiled)) return false;
  s->probe = dg_probe_new(backend, device, s->threads, err);
  return s->probe != NULL;
}

/** Checks all models first, so that an invalid one stops the program before measuring. */
static bool check_models(const bench_options *o, dg_error *err) {
  for (uint32_t i = 0; i < o->model_count; i++) {
    dg_model *model = bench_model(o, o->models[i], 1, 0, err);
    if (!model) return false;
    dg_model_free(model);
  }
  return true;
}

/** Lists all models found, if none was named. */
static bool find_models(bench *b, dg_error *err) {
  if (b->options->model_count > 0) return true;
  b->found = calloc(BENCH_MODELS, sizeof *b->found);
  if (!b->found) return dg_fail_memory(err, BENCH_MODELS * sizeof *b->found);
  if (!dg_model_list(b->found, sizeof(dg_model_info), BENCH_MODELS, &b->found_count, err))
    return false;
  if (b->found_count > BENCH_MODELS) b->found_count = BENCH_MODELS;
  return true;
}

/** Checks that no input would be overwritten. */
static bool check_targets(const bench *b, dg_error *err) {
  const bench_options *o = b->options;
  targets t = {0};
  char path[DG_PATH_SIZE];
  if (!o->json) return true;
  bool ok = targets_write(&t, "--json", o->json, NULL, err) &&
            targets_read_set(&t, "the data are", o->data, err);
  for (size_t i = 0; ok && i < b->found_count; i++)
    ok = !dg_model_find(b->found[i].name, path, NULL) || targets_read(&t, "a model is", path, err);
  for (uint32_t i = 0; ok && i < o->model_count; i++)
    ok = targets_read_model(&t, o->models[i], err);
  targets_close(&t);
  return ok && dg_file_check(o->json, err);
}

static bool bench_open(bench *b, dg_error *err) {
  if (!find_models(b, err) || !check_targets(b, err) || !check_models(b->options, err))
    return false;
  b->data = bench_data(b->options, err);
  if (!b->data || !bench_for_devices(b->options, add_side, b, err)) return false;
  b->results = calloc(b->side_count, sizeof *b->results);
  if (!b->results) return dg_fail_memory(err, b->side_count * sizeof *b->results);
  b->json = bench_json_new(b->options, b->data);
  return b->json || dg_fail_memory(err, sizeof b->json);
}

static void bench_close(bench *b) {
  for (uint32_t i = 0; i < b->side_count; i++) {
    dg_probe_free(b->sides[i].probe);
    dg_close(b->sides[i].profiled);
    dg_close(b->sides[i].opened);
  }
  json_decref(b->json);
  free(b->found);
  free(b->results);
  dg_dataset_close(b->data);
}

/* ---- a model on all sides ----------------------------------------------- */

/** Shows on a terminal what is running. */
static void tell(const char *model, const char *side, const char *what) {
  if (!isatty(STDERR_FILENO)) return;
  fputs("\r\033[K", stderr);
  say_to(stderr, "%s on %s: %s", model, side, what);
  fputc('\r', stderr);
}

static void tell_nothing(void) {
  if (isatty(STDERR_FILENO)) fputs("\r\033[K", stderr);
}

/** Measures all sides in turn; the first one changes from round to round. */
static bool run_rounds(bench *b, bench_network **networks, const char *model, dg_error *err) {
  for (uint32_t round = 0; round < b->options->rounds; round++) {
    char what[32] = "";
    dg_append(what, sizeof what, "round %u of %u", round + 1, b->options->rounds);
    for (uint32_t i = 0; i < b->side_count; i++) {
      uint32_t side = (i + round) % b->side_count;
      tell(model, b->sides[side].label, what);
      if (!bench_network_round(networks[side], round, err)) return false;
    }
  }
  return true;
}

/** The largest relative difference between two runs' losses; NAN if one is not a number. */
static double distance(const float *a, const float *b, uint32_t count) {
  double largest = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (a[i] == b[i]) continue;
    double apart = fabs((double)a[i] - (double)b[i]) / fabs((double)a[i]);
    if (isnan(apart)) return NAN;
    if (apart > largest) largest = apart;
  }
  return largest;
}

static void conclude(const bench_options *o, bench_result *first, bench_result *r) {
  double sorted[BENCH_ROUNDS];
  for (int s = 0; s < SERIES_COUNT; s++) {
    memcpy(sorted, r->series[s], sizeof sorted);
    r->median[s] = bench_median(sorted, o->rounds);
  }
  r->apart = o->measures & MEASURE_LOSSES ? distance(first->losses, r->losses, o->steps) : NAN;
}

static void count_peaks(bench_side *side, const bench_result *r) {
  side->reached.operations += r->median[SERIES_PRODUCT];
  side->reached.bytes += r->median[SERIES_MEMORY];
  side->models++;
}

/** Rounds on all sides, with all networks in memory at once. */
static bool measure_speed(bench *b, const char *model, dg_error *err) {
  bench_network *networks[BENCH_SIDES] = {NULL};
  bool ok = true;
  for (uint32_t i = 0; ok && i < b->side_count; i++) {
    tell(model, b->sides[i].label, "first steps");
    networks[i] = bench_network_new(b->options, &b->sides[i], b->data, model, &b->results[i], err);
    ok = networks[i] != NULL;
  }
  ok = ok && run_rounds(b, networks, model, err);
  for (uint32_t i = 0; i < b->side_count; i++) bench_network_free(networks[i]);
  return ok;
}

static bool measure_model(bench *b, const char *model, dg_error *err) {
  const bench_options *o = b->options;
  for (uint32_t i = 0; i < b->side_count; i++)
    b->results[i] = (bench_result){.cold = NAN, .warm = NAN};
  if (!measure_speed(b, model, err)) return false;
  for (uint32_t i = 0; i < b->side_count; i++) {
    bench_side *side = &b->sides[i];
    tell(model, side->label, "layers, and starts");
    if ((side->profiled && !bench_profile(o, side, b->data, model, &b->results[i], err)) ||
        ((o->measures & MEASURE_START) && !bench_start(o, side, model, &b->results[i], err)))
      return false;
    conclude(o, &b->results[0], &b->results[i]);
    count_peaks(side, &b->results[i]);
    if (!bench_json_add(b->json, o, model, side, &b->results[i], err)) return false;
  }
  tell_nothing();
  bench_table_model(model, b->sides, b->side_count, b->results);
  return true;
}

/* ---- the program -------------------------------------------------------- */

/** Does a model take what --data gives, or else the digits? */
static bool takes_data(const bench *b, const char *name) {
  const dg_part_view part = dg_dataset_part(b->data, DG_PART_TRAIN);
  uint32_t dim[3];
  uint64_t inputs = 1, numbers = 1;
  dg_model *model = dg_model_load(name, NULL, 0, NULL);
  const uint32_t rank = model ? dg_model_input(model, dim) : 0;
  dg_model_free(model);
  for (uint32_t i = 0; i < rank; i++) inputs *= dim[i];
  for (uint32_t i = 0; i < part.rank; i++) numbers *= part.dim[i];
  return inputs == numbers;
}

/** Measures all models found; invalid files, and models for other data, are reported and
    skipped. */
static bool measure_found(bench *b, dg_error *err) {
  for (size_t i = 0; i < b->found_count; i++)
    if (b->found[i].parameters == 0)
      say_to(stderr, "digits-bench: %s is left out: %s\n", b->found[i].name,
             b->found[i].description);
    else if (!takes_data(b, b->found[i].name))
      say_to(stderr, "digits-bench: %s is left out: its input is of another shape than the data\n",
             b->found[i].name);
    else if (!measure_model(b, b->found[i].name, err))
      return false;
  return true;
}

static bool run(const bench_options *o, dg_error *err) {
  bench b = {.options = o};
  bool ok = bench_open(&b, err);
  if (ok) {
    bench_table_begin(o, b.sides, b.side_count, b.data);
    fflush(stdout);
    ok = measure_found(&b, err);
    for (uint32_t i = 0; ok && i < o->model_count; i++) ok = measure_model(&b, o->models[i], err);
    tell_nothing();
    bench_table_end(b.sides, b.side_count);
  }
  ok = ok && (!o->json || bench_json_write(b.json, o->json, err));
  bench_close(&b);
  return ok;
}

int main(int argc, char **argv) {
  double begun = dg_seconds();
  bench_options o;
  dg_error err = {0};
  command_begin();
  bool ok = bench_options_read(&o, argc, argv, &err);
  for (uint32_t i = 0; ok && i < o.model_count; i++) ok = piped(&o.models[i], o.pipes[i], &err);
  if (ok && o.task == BENCH_HELP)
    ok = command_help(bench_options_help);
  else if (ok && o.task == BENCH_VERSION)
    ok = say("digits-bench %s\n", dg_version());
  else if (ok && o.task == BENCH_TUNE)
    ok = bench_tune(&o, &err);
  else if (ok)
    ok = o.task == BENCH_FIRST_STEP ? bench_first_step(&o, begun, &err) : run(&o, &err);
  return command_end("digits-bench",
                     "batch backend device threads set data skip-bad " READING_REMEDIES, ok, &err);
}
