/*
 * Batches in slices and batches that are accumulated, on every backend that has a device: what they
 * come to is that of the whole batch but for rounding, and the same bits wherever it is computed.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/fixture.h"
#include "tests/common/suite.h"

enum { MAX_STEPS = 64, MAX_PARAMETERS = 64, MAX_SETS = 12 };

static char folder[] = "/tmp/digits-slicing-XXXXXX";
static dg_dataset *data;

/* ---- networks ----------------------------------------------------------- */

/** Batch norms of planes and of single numbers, in a row and side by side, dropout, two readers of
    a tensor. With Adam, whose first steps are as long for small gradients as for large ones, losses
    would part at once. */
static const char normed[] =
    "name = \"normed\"; input = [1, 28, 28];\n"
    "data = { augment = { rotate = 10.0; shift = 0.1; }; };\n"
    "layers = ({ type = \"conv2d\"; name = \"a\"; filters = 6; kernel = 3; },\n"
    "  { type = \"batch_norm\"; name = \"n\"; }, { type = \"relu\"; },\n"
    "  { type = \"maxpool2d\"; kernel = 4; name = \"p\"; },\n"
    "  { type = \"conv2d\"; name = \"b\"; filters = 6; kernel = 3; padding = 1; },\n"
    "  { type = \"batch_norm\"; name = \"m\"; },\n"
    "  { type = \"add\"; inputs = [\"m\", \"p\"]; }, { type = \"dropout\"; name = \"d\"; rate = "
    "0.2; },\n"
    "  { type = \"flatten\"; }, { type = \"linear\"; name = \"c\"; units = 10; },\n"
    "  { type = \"batch_norm\"; name = \"o\"; });\n"
    "loss = \"cross_entropy\"; train = { batch = 24; optimizer = { type = \"sgd\"; lr = 0.001; }; "
    "};\n";

/** The path of a model: one of the zoo, or the one above. */
static const char *path_of(const char *name, char *path, size_t size) {
  bool own = strcmp(name, "normed") == 0;
  snprintf(path, size, "%s/%s%s.cfg", own ? folder : DIGITS_SOURCE_DIR, own ? "" : "models/", name);
  return path;
}

/* ---- a run -------------------------------------------------------------- */

typedef struct {
  const char *backend, *model;
  unsigned threads;
  const char *sets[MAX_SETS]; /**< path=value */
} plan;

typedef struct {
  uint32_t steps;
  double loss[MAX_STEPS];
  float *values; /**< all parameters and running statistics */
  size_t count;
} outcome;

static void on_step(void *user, uint64_t step, double loss, double accuracy) {
  outcome *o = user;
  ck_assert_uint_eq(step, o->steps);
  ck_assert_uint_lt(step, MAX_STEPS);
  ck_assert(accuracy >= 0 && accuracy <= 1);
  o->loss[o->steps++] = loss;
}

static dg_model *load(const plan *p) {
  char path[300], text[MAX_SETS][80];
  dg_override overrides[MAX_SETS];
  size_t count = 0;
  dg_error err = {0};
  for (; count < MAX_SETS && p->sets[count]; count++) {
    snprintf(text[count], sizeof text[count], "%s", p->sets[count]);
    char *value = strchr(text[count], '=');
    *value = '\0';
    overrides[count] = (dg_override){"test", text[count], value + 1};
  }
  dg_model *model = dg_model_load(path_of(p->model, path, sizeof path), overrides, count, &err);
  ck_assert_msg(model != NULL, "%s", err.message);
  return model;
}

static void read_all(dg_trainer *trainer, outcome *o) {
  dg_parameter list[MAX_PARAMETERS];
  dg_error err = {0};
  uint32_t all = dg_trainer_list_parameters(trainer, list, sizeof(dg_parameter), MAX_PARAMETERS);
  ck_assert_uint_le(all, MAX_PARAMETERS);
  for (uint32_t i = 0; i < all; i++) o->count += list[i].count;
  float *to = o->values = fixture_alloc(o->count, sizeof *o->values);
  for (uint32_t i = 0; i < all; to += list[i++].count)
    ck_assert_msg(dg_trainer_get_parameter(trainer, list[i].name, to, &err), "%s", err.message);
}

static outcome train(const plan *p) {
  outcome o = {0};
  dg_error err = {0};
  dg_model *model = load(p);
  dg_device *device = dg_open(p->backend, NULL, p->threads, &err);
  ck_assert_msg(device != NULL, "%s", err.message);
  const dg_trainer_options options = {
      .size = sizeof(dg_trainer_options),
      .seed = 3,
      .listener = &(dg_listener){.size = sizeof(dg_listener), .user = &o, .step = on_step}};
  dg_trainer *trainer = dg_trainer_new(model, device, data, &options, &err);
  ck_assert_msg(trainer != NULL, "%s", err.message);
  ck_assert_msg(dg_trainer_train(trainer, &err), "%s on %s: %s", p->model, p->backend, err.message);
  read_all(trainer, &o);
  dg_trainer_free(trainer);
  dg_close(device);
  dg_model_free(model);
  return o;
}

static void check_same(const plan *a, const plan *b, const char *what) {
  outcome one = train(a), other = train(b);
  ck_assert_uint_eq(one.count, other.count);
  ck_assert_msg(memcmp(one.values, other.values, one.count * sizeof *one.values) == 0,
                "%s: %s on %s comes to other parameters", what, a->model, a->backend);
  free(one.values), free(other.values);
}

static const char *const backends[] = {"cpu", "opencl"};
static const char *const models[] = {"vanilla", "cnn", "gru", "conv1d-gru", "normed"};
enum { BACKENDS = 2, MODELS = sizeof models / sizeof *models };

#define FEW "train.epochs=1", "data.validation=0", "train.keep=last"

/* ---- losses ------------------------------------------------------------- */

static void check_losses(const char *backend, const char *model, const char *batch,
                         const char *steps, const char *slices) {
  const plan whole = {backend, model, 0, {FEW, batch, steps}},
             sliced = {backend, model, 0, {FEW, batch, steps, slices}};
  outcome a = train(&whole), b = train(&sliced);
  ck_assert_uint_eq(a.steps, b.steps);
  ck_assert_uint_gt(a.steps, 0);
  for (uint32_t i = 0; i < a.steps; i++)
    ck_assert_msg(fabs(a.loss[i] - b.loss[i]) <= 1e-5 * (1 + fabs(a.loss[i])),
                  "%s on %s, %s, %s: step %u: %.9g, whole %.9g", model, backend, batch, slices, i,
                  b.loss[i], a.loss[i]);
  free(a.values), free(b.values);
}

/** Whatever the number of slices, and however few samples the last batch has. */
START_TEST(losses_are_those_of_the_whole_batch) {
  static const char *const slices[] = {"train.slices=1", "train.slices=2", "train.slices=3",
                                       "train.slices=8"};
  for (int b = 0; b < BACKENDS && suite_has_backend(backends[b]); b++) {
    for (size_t i = 0; i < sizeof slices / sizeof *slices; i++)
      check_losses(backends[b], models[_i], "train.batch=24", "train.steps=20", slices[i]);
    check_losses(backends[b], models[_i], "train.batch=41", "train.steps=0", "train.slices=3");
    check_losses(backends[b], models[_i], "train.batch=60", "train.steps=3", "train.slices=64");
  }
}
END_TEST

/* ---- bits --------------------------------------------------------------- */

START_TEST(bits_do_not_hang_on_threads) {
  static const unsigned threads[] = {2, 5};
  if (!suite_has_backend("cpu")) return;
  for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
    plan one = {"cpu", models[_i], 1, {FEW, "train.steps=3", "train.slices=3", "train.exact=true"}};
    plan more = one;
    more.threads = threads[i];
    check_same(&one, &more, "with more threads");
  }
}
END_TEST

START_TEST(bits_come_again) {
  for (int b = 0; b < BACKENDS && suite_has_backend(backends[b]); b++) {
    const plan p = {backends[b], models[_i], 0, {FEW, "train.steps=3", "train.slices=4"}};
    check_same(&p, &p, "once more");
  }
}
END_TEST

/* ---- accumulating ------------------------------------------------------- */

/** Where no layer couples samples, batches that are accumulated are slices of a larger one. */
START_TEST(accumulated_batches_are_slices) {
  if (strcmp(models[_i], "normed") == 0) return;
  for (int b = 0; b < BACKENDS && suite_has_backend(backends[b]); b++) {
    const plan slices = {backends[b],
                         models[_i],
                         0,
                         {FEW, "train.steps=3", "train.batch=40", "train.slices=4"}},
               batches = {backends[b],
                          models[_i],
                          0,
                          {FEW, "train.steps=3", "train.batch=10", "train.accumulate=4"}},
               both = {backends[b],
                       models[_i],
                       0,
                       {FEW, "train.steps=3", "train.batch=20", "train.accumulate=2",
                        "train.slices=2"}};
    check_same(&slices, &batches, "accumulated");
    check_same(&slices, &both, "accumulated in slices");
  }
}
END_TEST

/** A run of `normed` whose steps change next to nothing, on images that nothing changes. */
static outcome train_still(const char *backend, const char *steps, const char *accumulate,
                           const char *slices) {
  const plan p = {backend,
                  "normed",
                  0,
                  {FEW, steps, accumulate, slices, "train.optimizer.lr=1e-30", "d.rate=0.0",
                   "data.augment.rotate=0.0", "data.augment.shift=0.0"}};
  return train(&p);
}

/** Batch norms see each batch by itself: two that are accumulated move the running statistics as
    two steps do. */
START_TEST(norms_see_each_batch_alone) {
  for (int b = 0; b < BACKENDS && suite_has_backend(backends[b]); b++) {
    outcome two = train_still(backends[b], "train.steps=2", "train.accumulate=1", "train.slices=0"),
            one = train_still(backends[b], "train.steps=1", "train.accumulate=2", "train.slices=0"),
            cut = train_still(backends[b], "train.steps=1", "train.accumulate=2", "train.slices=3");
    for (size_t i = 0; i < two.count; i++) {
      double to = (double)two.values[i];
      double apart = fmax(fabs(to - (double)one.values[i]), fabs(to - (double)cut.values[i]));
      ck_assert_msg(apart <= 1e-5 * (1 + fabs(to)),
                    "%s: number %zu is %.9g after two steps, %.9g after one of two batches, %.9g "
                    "after one of two in slices",
                    backends[b], i, to, (double)one.values[i], (double)cut.values[i]);
    }
    free(two.values), free(one.values), free(cut.values);
  }
}
END_TEST

/* ---- the suite ---------------------------------------------------------- */

static void start(void) {
  char path[300];
  dg_error err = {0};
  ck_assert(mkdtemp(folder) != NULL);
  FILE *file = fopen(path_of("normed", path, sizeof path), "w");
  ck_assert(file && fputs(normed, file) >= 0 && fclose(file) == 0);
  data = dg_dataset_draw(125, 10, 1, 0, &err); /* three batches of 41, and two samples */
  ck_assert_msg(data != NULL, "%s", err.message);
}

static void end(void) {
  char path[300];
  remove(path_of("normed", path, sizeof path));
  remove(folder);
  dg_dataset_close(data);
}

int main(void) {
  TCase *tcase = tcase_create("slicing");
  tcase_set_timeout(tcase, 600);
  tcase_add_unchecked_fixture(tcase, start, end);
  tcase_add_loop_test(tcase, losses_are_those_of_the_whole_batch, 0, MODELS);
  tcase_add_loop_test(tcase, bits_do_not_hang_on_threads, 0, MODELS);
  tcase_add_loop_test(tcase, bits_come_again, 0, MODELS);
  tcase_add_loop_test(tcase, accumulated_batches_are_slices, 0, MODELS);
  tcase_add_test(tcase, norms_see_each_batch_alone);
  return suite_main("slicing", tcase);
}
