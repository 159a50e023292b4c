/*
 * Validation: which samples are set aside, the metric that tells the best epoch, the end without a
 * better one, and the checkpoints within an epoch; on both backends.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/philox.h"
#include "core/model/model.h"
#include "tests/common/fixture.h"
#include "tests/common/suite.h"

enum { SAMPLES = 400, COLUMNS = 4, CLASSES = 7, VALUES = 2, HELD = 90 };

static char folder[] = "/tmp/digits-validation-XXXXXX";

static struct {
  float inputs[SAMPLES][COLUMNS], values[SAMPLES][VALUES], yes[SAMPLES][VALUES];
  uint8_t labels[SAMPLES];
} rows;

/** Most are of class 0, two of class 6. */
static void fill_rows(void) {
  dg_random random = dg_random_start(8, 0, 0, 0);
  for (int i = 0; i < SAMPLES; i++) {
    for (int c = 0; c < COLUMNS; c++)
      rows.inputs[i][c] = 2 * dg_uniform(dg_random_word(&random)) - 1;
    const float sum = rows.inputs[i][0] + rows.inputs[i][1], other = rows.inputs[i][2];
    rows.labels[i] = i == 17 || i == 203 ? 6 : sum > 0 ? 0 : (uint8_t)(3 + 2.9f * other);
    memcpy(rows.values[i], (float[]){50 + 9 * sum, other - 3}, sizeof rows.values[i]);
    memcpy(rows.yes[i], (float[]){sum > 0.3f, other > 0.5f}, sizeof rows.yes[i]);
  }
}

typedef struct {
  int backend;
  dg_task task;
  const char *data, *train; /**< keys of the groups */
  const char *more;         /**< of the model */
  const dg_listener *listener;
  const char *state;
  bool resume;
  uint32_t save_every, seed;
  const uint32_t *tested; /**< indices of HELD samples to test; NULL: the first ones */
} plan;

static const char *loss_of(dg_task task) {
  return task == DG_TASK_CLASS ? "cross_entropy" : task == DG_TASK_LABELS ? "bce" : "mse";
}

static dg_model *model_of(const plan *p) {
  char text[1000];
  dg_error err = {0};
  snprintf(text, sizeof text,
           "name = \"m\"; input = [4];\n"
           "layers = ({ type = \"linear\"; units = 8; }, { type = \"tanh\"; },\n"
           "{ type = \"linear\"; name = \"out\"; units = %d; });\n"
           "loss = \"%s\"; %s data = { validation = %d; %s };\n"
           "train = { batch = 31; epochs = 6; %s };",
           p->task == DG_TASK_CLASS ? CLASSES : VALUES, loss_of(p->task), p->more ? p->more : "",
           HELD, p->data ? p->data : "", p->train ? p->train : "");
  dg_model *model = dg_model_parse(text, "m.cfg", NULL, 0, &err);
  ck_assert_msg(model != NULL, "%s", err.message);
  return model;
}

static dg_sample_arrays arrays_of(dg_task task, uint32_t count) {
  dg_sample_arrays a = {.size = sizeof a,
                        .inputs = {2, {count, COLUMNS}, DG_NUMBERS_FLOATS, rows.inputs}};
  if (task == DG_TASK_CLASS)
    a.labels = rows.labels;
  else
    a.targets = (dg_ndarray){
        2, {count, VALUES}, DG_NUMBERS_FLOATS, task == DG_TASK_LABELS ? rows.yes : rows.values};
  return a;
}

/** A set whose test samples are those that were asked for. */
static dg_dataset *set_of(const plan *p) {
  const dg_sample_arrays all = arrays_of(p->task, SAMPLES);
  dg_sample_arrays test = arrays_of(p->task, HELD);
  float inputs[HELD][COLUMNS], targets[HELD][VALUES];
  uint8_t labels[HELD];
  dg_error err = {0};
  for (uint32_t i = 0; p->tested && i < HELD; i++) {
    const uint32_t from = p->tested[i];
    memcpy(inputs[i], rows.inputs[from], sizeof inputs[i]);
    memcpy(targets[i], p->task == DG_TASK_LABELS ? rows.yes[from] : rows.values[from],
           sizeof targets[i]);
    labels[i] = rows.labels[from];
  }
  if (p->tested) {
    test.inputs.numbers = inputs;
    if (p->task == DG_TASK_CLASS)
      test.labels = labels;
    else
      test.targets.numbers = targets;
  }
  dg_dataset *data = dg_dataset_from_arrays(&all, &test, false, &err);
  ck_assert_msg(data != NULL, "%s", err.message);
  return data;
}

static fixture rig(const plan *p, dg_error *err) {
  const dg_trainer_options options = {.size = sizeof options,
                                      .seed = p->seed ? p->seed : 5,
                                      .listener = p->listener,
                                      .checkpoint = p->state,
                                      .resume = p->resume,
                                      .save_every = p->save_every};
  fixture f = {.model = model_of(p),
               .data = set_of(p),
               .device = dg_open(fixture_backend(p->backend), NULL, p->backend == 0, err)};
  ck_assert_msg(f.device != NULL, "%s", err->message);
  f.trainer = dg_trainer_new(f.model, f.device, f.data, &options, err);
  return f;
}

static fixture must_rig(const plan *p) {
  dg_error err = {0};
  fixture f = rig(p, &err);
  ck_assert_msg(f.trainer != NULL, "%s", err.message);
  return f;
}

/** Which samples are to validate: those that no epoch takes. */
static void find_held(const plan *p, bool held[SAMPLES]) {
  uint32_t order[SAMPLES];
  size_t count;
  fixture f = must_rig(p);
  ck_assert(dg_trainer_order(f.trainer, 0, order, SAMPLES, &count, NULL));
  ck_assert_uint_eq(count, SAMPLES - HELD);
  for (int i = 0; i < SAMPLES; i++) held[i] = true;
  for (size_t i = 0; i < count; i++) held[order[i]] = false;
  fixture_free(&f);
}

/* ---- the split ---------------------------------------------------------- */

static void count_classes(const bool *which, uint32_t count[CLASSES]) {
  memset(count, 0, CLASSES * sizeof *count);
  for (int i = 0; i < SAMPLES; i++) count[rows.labels[i]] += !which || which[i];
}

START_TEST(classes_keep_their_shares) {
  bool held[SAMPLES], again[SAMPLES], other[SAMPLES];
  uint32_t all[CLASSES], got[CLASSES], sum = 0;
  const plan p = {.data = "split = \"stratified\";"};
  plan another = p;
  another.seed = 6;
  find_held(&p, held), find_held(&p, again), find_held(&another, other);
  ck_assert_mem_eq(held, again, sizeof held);
  ck_assert_mem_ne(held, other, sizeof held);
  count_classes(NULL, all), count_classes(held, got);
  double least_up = 1, most_down = 0;
  for (int c = 0; c < CLASSES; c++) {
    const double exact = (double)all[c] * HELD / SAMPLES, rest = exact - floor(exact);
    const double rounded = got[c] - floor(exact);
    ck_assert_msg(rounded == 0 || rounded == 1, "class %d: %u of %u", c, got[c], all[c]);
    if (rounded == 1)
      least_up = fmin(least_up, rest);
    else
      most_down = fmax(most_down, rest);
    sum += got[c];
  }
  ck_assert_double_ge(least_up, most_down);
  ck_assert_uint_eq(sum, HELD);
  count_classes(other, got);
  ck_assert_uint_eq(got[0], (uint32_t)lround((double)all[0] * HELD / SAMPLES));
}
END_TEST

/** What the key says by default. */
START_TEST(samples_are_chosen_at_random) {
  bool held[SAMPLES], named[SAMPLES], stratified[SAMPLES];
  find_held(&(plan){0}, held);
  find_held(&(plan){.data = "split = \"random\";"}, named);
  find_held(&(plan){.data = "split = \"stratified\";"}, stratified);
  ck_assert_mem_eq(held, named, sizeof held);
  ck_assert_mem_ne(held, stratified, sizeof held);
}
END_TEST

/* ---- the best ----------------------------------------------------------- */

/** What the listener heard. */
typedef struct {
  fixture *f;
  dg_epoch_report last;
  uint32_t epochs;
  double best;
  const char *metric;
  const char *copy;   /**< the state is copied to it.. */
  uint32_t copied_at; /**< ..before this step */
  uint32_t stop_at;   /**< training is stopped at this epoch; 0: it isn't */
} heard;

static double metric_of(fixture *f, const char *name) {
  float outputs[HELD][CLASSES];
  dg_metrics_of_all m;
  dg_score score;
  dg_error err = {0};
  ck_assert_msg(dg_trainer_test_logits(f->trainer, NULL, &score, outputs[0], &err) &&
                    dg_trainer_test_metrics(f->trainer, NULL, outputs[0], &m, sizeof m, &err),
                "%s", err.message);
  const struct {
    const char *name;
    double value;
  } all[] = {{"loss", score.loss},
             {"accuracy", score.accuracy},
             {"top5_accuracy", m.top5_accuracy},
             {"precision_macro", m.precision_macro},
             {"recall_macro", m.recall_macro},
             {"f1_macro", m.f1_macro},
             {"mae", m.mae},
             {"rmse", m.rmse},
             {"r2", m.r2}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (strcmp(all[i].name, name) == 0) return all[i].value;
  ck_abort_msg("%s", name);
}

static bool smaller_is_better(const char *metric) {
  return strcmp(metric, "loss") == 0 || strcmp(metric, "mae") == 0 || strcmp(metric, "rmse") == 0;
}

static void on_epoch(void *user, const dg_epoch_report *report) {
  heard *h = user;
  h->last = *report;
  h->epochs++;
  if (!h->metric) return;
  ck_assert_str_eq(report->metric, h->metric);
  ck_assert_double_eq_tol(report->value, metric_of(h->f, h->metric), 1e-5);
  const bool better = h->epochs == 1 || (smaller_is_better(h->metric) ? report->value < h->best
                                                                      : report->value > h->best);
  ck_assert_int_eq(report->best, better);
  ck_assert_uint_eq(report->waited == 0, better);
  if (better) h->best = report->value;
}

static const struct {
  dg_task task;
  const char *key, *metric, *data, *more;
} metrics[] = {
    {DG_TASK_CLASS, "", "accuracy", "", ""},
    {DG_TASK_CLASS, "keep_by = \"auto\";", "accuracy", "", ""},
    {DG_TASK_CLASS, "keep_by = \"loss\";", "loss", "", ""},
    {DG_TASK_CLASS, "keep_by = \"f1_macro\";", "f1_macro", "split = \"stratified\";", ""},
    {DG_TASK_CLASS, "keep_by = \"precision_macro\";", "precision_macro", "", ""},
    {DG_TASK_CLASS, "keep_by = \"recall_macro\";", "recall_macro", "", ""},
    {DG_TASK_CLASS, "keep_by = \"top5_accuracy\";", "top5_accuracy", "", ""},
    {DG_TASK_LABELS, "", "accuracy", "", ""},
    {DG_TASK_LABELS, "keep_by = \"f1_macro\";", "f1_macro", "", ""},
    {DG_TASK_VALUES, "", "loss", "targets = \"measure\";", ""},
    {DG_TASK_VALUES, "keep_by = \"rmse\";", "rmse", "targets = \"measure\";", ""},
    {DG_TASK_VALUES, "keep_by = \"mae\";", "mae", "targets = \"measure\";", ""},
    {DG_TASK_VALUES, "keep_by = \"r2\";", "r2", "", ""},
};
enum { METRICS = sizeof metrics / sizeof *metrics };

/** Rates that are too large now and then make epochs worse. */
#define RESTLESS                                                                                   \
  " keep = \"best\"; optimizer = { type = \"sgd\"; lr = 0.7; momentum = 0.5; }; clip_norm = 1.0;"

/** The test samples are those to validate, which another way measures. */
START_TEST(the_best_is_told_by_the_metric) {
  const int number = _i % METRICS;
  char train[300];
  bool held[SAMPLES];
  uint32_t tested[HELD], count = 0;
  heard h = {.metric = metrics[number].metric};
  const dg_listener listener = {.size = sizeof listener, .user = &h, .epoch = on_epoch};
  plan p = {.backend = _i / METRICS,
            .task = metrics[number].task,
            .data = metrics[number].data,
            .train = train};
  if (!suite_has_backend(fixture_backend(p.backend))) return;
  snprintf(train, sizeof train, "%s" RESTLESS, metrics[number].key);
  find_held(&p, held);
  for (uint32_t i = 0; i < SAMPLES; i++)
    if (held[i]) tested[count++] = i;
  p.tested = tested, p.listener = &listener;
  fixture f = must_rig(&p);
  h.f = &f;
  fixture_train(&f);
  ck_assert_uint_eq(h.epochs, 6);
  ck_assert_double_eq_tol(metric_of(&f, h.metric), h.best, 1e-5);
  fixture_free(&f);
}
END_TEST

static const struct {
  dg_task task;
  const char *data, *train, *more, *message;
} faults[] = {
    {DG_TASK_CLASS, "", "keep_by = \"rmse\";", "",
     "train.keep_by = \"rmse\" doesn't fit: the network learns classes, for which there are loss, "
     "accuracy, top5_accuracy,"},
    {DG_TASK_LABELS, "", "keep_by = \"top5_accuracy\";", "", "learns several labels"},
    {DG_TASK_VALUES, "", "keep_by = \"accuracy\";", "",
     "learns values, for which there are loss, mae, rmse and r2"},
    {DG_TASK_VALUES, "split = \"stratified\";", "", "",
     "data.split = \"stratified\" needs classes, but targets are to be learned"},
    {DG_TASK_LABELS, "split = \"stratified\";", "", "", "needs classes"},
};
enum { FAULTS = sizeof faults / sizeof *faults };

START_TEST(what_does_not_fit_is_told) {
  dg_error err = {0};
  const plan p = {.task = faults[_i].task,
                  .data = faults[_i].data,
                  .train = faults[_i].train,
                  .more = faults[_i].more};
  fixture f = rig(&p, &err);
  ck_assert(f.trainer == NULL);
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  ck_assert_msg(strstr(err.message, faults[_i].message) != NULL, "%s", err.message);
  fixture_free(&f);
}
END_TEST

/* ---- the end without a better epoch ------------------------------------- */

/** So slow that no parameter changes: only the first epoch is better than none. */
#define STILL " optimizer = { type = \"sgd\"; lr = 1e-30; }; "

static bool on_progress(void *user, const dg_progress *progress) {
  heard *h = user;
  ck_assert(progress->may_stop_early);
  return progress->epoch != h->stop_at;
}

static const struct {
  const char *train;
  uint32_t ends;
  bool early;
} ends[] = {
    {STILL "early_stop = 3;", 4, true},
    {STILL "early_stop = 1; keep = \"best\"; keep_by = \"loss\";", 2, true},
    {STILL "early_stop = 4; average = 0.9;", 5, true},
    {STILL "early_stop = 5;", 6, false},
    {STILL "early_stop = 9;", 6, false},
};
enum { ENDS = sizeof ends / sizeof *ends };

START_TEST(training_ends_without_a_better_epoch) {
  heard h = {0};
  const dg_listener listener = {
      .size = sizeof listener, .user = &h, .epoch = on_epoch, .progress = on_progress};
  const plan p = {.backend = _i / ENDS, .train = ends[_i % ENDS].train, .listener = &listener};
  if (!suite_has_backend(fixture_backend(p.backend))) return;
  fixture f = must_rig(&p);
  fixture_train(&f);
  ck_assert_uint_eq(h.epochs, ends[_i % ENDS].ends);
  ck_assert_int_eq(h.last.stopped_early, ends[_i % ENDS].early);
  ck_assert_uint_eq(h.last.waited, h.epochs - 1);
  fixture_free(&f);
}
END_TEST

/** A run that is stopped at any epoch goes on counting. */
START_TEST(a_resumed_run_ends_where_it_would_have) {
  char state[100];
  heard h = {.stop_at = (uint32_t)_i + 1};
  dg_error err = {0};
  const dg_listener listener = {
      .size = sizeof listener, .user = &h, .epoch = on_epoch, .progress = on_progress};
  snprintf(state, sizeof state, "%s/early%d", folder, _i);
  plan p = {.train = STILL "early_stop = 3;", .listener = &listener, .state = state};
  fixture f = must_rig(&p);
  const bool whole = dg_trainer_train(f.trainer, &err);
  ck_assert_int_eq(whole, h.stop_at > 4);
  fixture_free(&f);
  p.resume = true;
  h.stop_at = 0;
  f = must_rig(&p);
  fixture_train(&f); /* also one that had ended */
  ck_assert_uint_eq(h.epochs, 4);
  ck_assert_uint_eq(h.last.epoch, 4);
  ck_assert(h.last.stopped_early);
  fixture_free(&f);
}
END_TEST

/* ---- checkpoints within an epoch ---------------------------------------- */

enum { STEPS = 10, EVERY = 3 }; /* of an epoch: 310 samples in batches of 31 */

static void copy_file(const char *from, const char *to) {
  char command[300];
  snprintf(command, sizeof command, "cp %s %s", from, to);
  ck_assert_int_eq(system(command), 0);
}

/** The state is that of the last epoch's end, or of the last step that divides. */
static bool check_state(void *user, const dg_progress *progress) {
  heard *h = user;
  dg_checkpoint_info info;
  char state[100];
  snprintf(state, sizeof state, "%s/every", folder);
  ck_assert(dg_checkpoint_read(state, &info, sizeof info, NULL));
  const uint32_t before = (progress->epoch - 1) * STEPS + progress->step - 1;
  const uint32_t every = before / EVERY * EVERY, epoch = before / STEPS * STEPS;
  ck_assert_uint_eq(info.epoch * STEPS + info.step, every > epoch ? every : epoch);
  if (before + 1 == h->copied_at) copy_file(state, h->copy);
  return true;
}

static float *weights_of(fixture *f) {
  float *weights = fixture_alloc(8 * COLUMNS, sizeof *weights);
  dg_error err = {0};
  ck_assert_msg(dg_trainer_get_parameter(f->trainer, "linear1.weight", weights, &err), "%s",
                err.message);
  return weights;
}

START_TEST(checkpoints_are_saved_every_few_steps) {
  static const char *const optimizers[] = {
      "adam\"; lr = 0.01;", "rmsprop\"; lr = 0.01; momentum = 0.5; centered = true;"};
  char state[100], copy[100], train[200];
  heard h = {.copy = copy, .copied_at = 30};
  const dg_listener listener = {
      .size = sizeof listener, .user = &h, .epoch = on_epoch, .progress = check_state};
  if (!suite_has_backend(fixture_backend(_i / 2))) return;
  snprintf(state, sizeof state, "%s/every", folder);
  snprintf(copy, sizeof copy, "%s/copy", folder);
  snprintf(train, sizeof train, "keep = \"best\"; optimizer = { type = \"%s };",
           optimizers[_i % 2]);
  plan p = {.backend = _i / 2,
            .train = train,
            .listener = &listener,
            .state = state,
            .save_every = EVERY};
  fixture f = must_rig(&p);
  fixture_train(&f);
  float *whole = weights_of(&f);
  fixture_free(&f);
  p.state = copy, p.resume = true, p.listener = NULL;
  f = must_rig(&p);
  fixture_train(&f);
  float *resumed = weights_of(&f);
  ck_assert_mem_eq(whole, resumed, 8 * COLUMNS * sizeof *whole);
  fixture_free(&f);
  free(whole), free(resumed);
}
END_TEST

START_TEST(there_must_be_a_checkpoint) {
  dg_error err = {0};
  fixture f = rig(&(plan){.save_every = 2}, &err);
  ck_assert(f.trainer == NULL);
  ck_assert_str_eq(err.message, "there is no checkpoint that could be saved every 2 steps");
  fixture_free(&f);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("validation");
  tcase_set_timeout(tests, 300);
  suite_new_folder(folder);
  fill_rows();
  tcase_add_test(tests, classes_keep_their_shares);
  tcase_add_test(tests, samples_are_chosen_at_random);
  tcase_add_loop_test(tests, the_best_is_told_by_the_metric, 0, 2 * METRICS);
  tcase_add_loop_test(tests, what_does_not_fit_is_told, 0, FAULTS);
  tcase_add_loop_test(tests, training_ends_without_a_better_epoch, 0, 2 * ENDS);
  tcase_add_loop_test(tests, a_resumed_run_ends_where_it_would_have, 0, 6);
  tcase_add_loop_test(tests, checkpoints_are_saved_every_few_steps, 0, 4);
  tcase_add_test(tests, there_must_be_a_checkpoint);
  return suite_main("validation", tests);
}
