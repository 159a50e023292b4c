/* The trainer and the network beneath it, on every backend that has a device. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/dataset.h"
#include "core/data/drawn/draw.h"
#include "core/exec/network.h"
#include "digits/train.h"
#include "tests/common/suite.h"

enum { TRAIN = 1203, TEST = 300, MAX_LOSSES = 400 };

static char path[] = "/tmp/digits-trainer-XXXXXX";
static dg_dataset *data;

/* ---- a run -------------------------------------------------------------- */

/** What a run came to, as its listener saw it. */
typedef struct {
  uint32_t losses;
  double loss[MAX_LOSSES];
  uint32_t epochs, best_epoch;
  dg_epoch_report last;
  dg_score test;
  uint32_t stop_after; /**< calls of progress; 0: never */
  uint32_t progress_calls;
} outcome;

static void on_step(void *user, uint64_t step, double loss, double accuracy) {
  outcome *o = user;
  ck_assert_uint_eq(step, o->losses);
  ck_assert_uint_lt(o->losses, MAX_LOSSES);
  ck_assert(accuracy >= 0 && accuracy <= 1);
  o->loss[o->losses++] = loss;
}

static void on_epoch(void *user, const dg_epoch_report *report) {
  outcome *o = user;
  o->epochs++;
  ck_assert_uint_eq(report->epoch, o->epochs);
  if (report->best) o->best_epoch = report->epoch;
  o->last = *report;
}

static bool on_progress(void *user, const dg_progress *progress) {
  outcome *o = user;
  ck_assert_uint_le(progress->step, progress->steps);
  o->progress_calls++;
  return o->stop_after == 0 || o->progress_calls < o->stop_after;
}

/** A model of the zoo with overrides `path=value`, ended by NULL. */
static dg_model *load(const char *name, const char *const *sets, dg_error *err) {
  char file[500], text[16][100];
  dg_override overrides[16];
  size_t count = 0;
  for (; sets && sets[count]; count++) {
    snprintf(text[count], sizeof text[count], "%s", sets[count]);
    char *equals = strchr(text[count], '=');
    *equals = '\0';
    overrides[count] = (dg_override){"--set", text[count], equals + 1};
  }
  snprintf(file, sizeof file, "%s/models/%s.cfg", DIGITS_SOURCE_DIR, name);
  return dg_model_load(name[0] == '/' ? name : file, overrides, count, err);
}

static const char *backend_name(int index) {
  static const char *const names[] = {"cpu", "opencl"};
  return names[index];
}

/** Trains and tests; false with the error where one of the steps fails. */
static bool run_on(const char *backend, unsigned threads, const char *name, const char *const *sets,
                   uint32_t seed, outcome *o, dg_error *err) {
  dg_listener listener = {sizeof listener, o, on_progress, on_step, on_epoch};
  dg_trainer_options options = {.size = sizeof options, .seed = seed, .listener = &listener};
  dg_trainer *trainer = NULL;
  dg_device *device = NULL;
  dg_model *model = load(name, sets, err);
  if (model) device = dg_open(backend, NULL, threads, err);
  if (device) trainer = dg_trainer_new(model, device, data, &options, err);
  bool ok =
      trainer && dg_trainer_train(trainer, err) && dg_trainer_test(trainer, NULL, &o->test, err);
  dg_trainer_free(trainer);
  dg_close(device);
  dg_model_free(model);
  return ok;
}

static bool run(const char *backend, const char *name, const char *const *sets, uint32_t seed,
                outcome *o, dg_error *err) {
  return run_on(backend, 0, name, sets, seed, o, err);
}

static void run_checked(const char *backend, const char *name, const char *const *sets,
                        uint32_t seed, outcome *o) {
  dg_error err = {0};
  *o = (outcome){0};
  ck_assert_msg(run(backend, name, sets, seed, o, &err), "%s: %s", backend, err.message);
}

#define SETS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- training ----------------------------------------------------------- */

/** The largest relative difference of the losses of two runs. */
static double apart(const outcome *a, const outcome *b) {
  double most = 0;
  ck_assert_uint_eq(a->losses, b->losses);
  for (uint32_t i = 0; i < a->losses; i++)
    most = fmax(most, fabs(a->loss[i] - b->loss[i]) / fabs(a->loss[i]));
  return most;
}

/**
 * Rounding may turn around which of two numbers is the larger one; from then on two runs part, but
 * not far. That is rare in so few steps; several seeds must see the same losses.
 */
START_TEST(both_backends_see_the_same_losses) {
  static const char *const names[] = {"fcnn", "cnn", "cnn-leaky", "vanilla", "numpy-cnn"};
  enum { SEEDS = 6, STEPS = 6, MIN_SAME = 2 };
  if (!suite_has_backend("opencl")) return;
  const char *const *sets = SETS("train.epochs=1", "train.steps=6", "train.batch=16",
                                 "data.validation=100", "train.schedule.type=constant");
  int same = 0;
  for (uint32_t seed = 1; seed <= SEEDS; seed++) {
    outcome cpu, opencl;
    run_checked("cpu", names[_i], sets, seed, &cpu);
    run_checked("opencl", names[_i], sets, seed, &opencl);
    ck_assert_uint_eq(cpu.losses, STEPS);
    double most = apart(&cpu, &opencl);
    ck_assert_msg(most < 0.05, "%s, seed %u: losses differ by %g", names[_i], seed, most);
    same += most <= 1e-4;
  }
  ck_assert_msg(same >= MIN_SAME, "%s: of %d seeds %d see the same losses", names[_i], SEEDS, same);
}
END_TEST

static const char *const shared_by_threads[] = {"fcnn",      "cnn",     "cnn-leaky", "vanilla",
                                                "numpy-cnn", "gru",     "lstm",      "conv1d-gru",
                                                "m5",        "residual"};

/** Threads that go through several layers, each with its own samples, change but rounding. */
START_TEST(threads_see_the_same_losses) {
  if (!suite_has_backend("cpu")) return;
  enum { STEPS = 6, THREADS = 3 };
  const char *const *sets =
      SETS("train.epochs=1", "train.steps=6", "train.batch=50", "data.validation=130");
  outcome one = {0}, some = {0};
  dg_error err = {0};
  ck_assert_msg(run_on("cpu", 1, shared_by_threads[_i], sets, 7, &one, &err), "%s", err.message);
  ck_assert_msg(run_on("cpu", THREADS, shared_by_threads[_i], sets, 7, &some, &err), "%s",
                err.message);
  ck_assert_uint_eq(some.losses, STEPS);
  for (uint32_t i = 0; i < STEPS; i++)
    ck_assert_msg(fabs(one.loss[i] - some.loss[i]) <= 1e-3 * fabs(one.loss[i]),
                  "%s: step %u: 1 thread %.9g, %d threads %.9g", shared_by_threads[_i], i,
                  one.loss[i], THREADS, some.loss[i]);
  ck_assert_double_eq_tol(some.last.validation.loss, one.last.validation.loss,
                          1e-3 * one.last.validation.loss);
  ck_assert_double_eq_tol(some.test.loss, one.test.loss, 1e-3 * one.test.loss);
}
END_TEST

START_TEST(a_seed_gives_the_same_run) {
  if (!suite_has_backend(backend_name(_i))) return;
  const char *const *sets = SETS("train.epochs=2", "data.validation=100");
  outcome a, b, other;
  run_checked(backend_name(_i), "cnn", sets, 3, &a);
  run_checked(backend_name(_i), "cnn", sets, 3, &b);
  run_checked(backend_name(_i), "cnn", sets, 4, &other);
  ck_assert_uint_eq(a.losses, 2 * 18);
  ck_assert_mem_eq(a.loss, b.loss, sizeof a.loss);
  ck_assert_double_eq(a.test.loss, b.test.loss);
  ck_assert_uint_eq(a.test.correct, b.test.correct);
  ck_assert_double_ne(a.loss[0], other.loss[0]);
}
END_TEST

START_TEST(it_learns) {
  if (!suite_has_backend(backend_name(_i))) return;
  outcome o;
  run_checked(backend_name(_i), "cnn",
              SETS("train.epochs=6", "train.batch=32", "data.validation=100"), 1, &o);
  ck_assert_uint_eq(o.epochs, 6);
  ck_assert_uint_eq(o.test.total, TEST);
  ck_assert_double_gt(o.test.accuracy, 0.6);
  ck_assert_double_lt(o.last.train.loss, 0.5 * o.loss[0]);
}
END_TEST

/** 1203 samples in batches of 64: 18 full ones and one of 51; each sample counts once. */
START_TEST(the_last_batch_is_short) {
  outcome o;
  run_checked("cpu", "vanilla", SETS("train.epochs=1", "train.batch=64"), 1, &o);
  ck_assert_uint_eq(o.losses, 19);
  ck_assert_uint_eq(o.last.train.total, TRAIN);
  double sum = 0;
  for (uint32_t i = 0; i < o.losses; i++) sum += o.loss[i] * (i < 18 ? 64 : 51);
  ck_assert_double_eq_tol(o.last.train.loss, sum / TRAIN, 1e-6);
}
END_TEST

/** A fixed number of steps, fewer or more than the samples fill. */
START_TEST(steps_can_be_fixed) {
  outcome o;
  run_checked("cpu", "vanilla", SETS("train.epochs=2", "train.steps=5"), 1, &o);
  ck_assert_uint_eq(o.losses, 10);
  ck_assert_uint_eq(o.last.train.total, 5 * 128);
  run_checked("cpu", "vanilla", SETS("train.epochs=1", "train.steps=25"), 1, &o);
  ck_assert_uint_eq(o.losses, 25);
  ck_assert_uint_eq(o.last.train.total, 25 * 128);
}
END_TEST

/** Keeping the best of 6 epochs gives the network of a run that ends with that epoch. */
START_TEST(the_best_epoch_is_kept) {
  if (!suite_has_backend(backend_name(_i))) return;
  char epochs[40];
  outcome best, last;
  run_checked(backend_name(_i), "vanilla",
              SETS("train.epochs=6", "data.validation=200", "train.keep=best",
                   "train.optimizer.lr=1.0", "train.schedule.type=constant"),
              5, &best);
  ck_assert_uint_ge(best.best_epoch, 1);
  snprintf(epochs, sizeof epochs, "train.epochs=%u", best.best_epoch);
  run_checked(backend_name(_i), "vanilla",
              SETS(epochs, "data.validation=200", "train.keep=last", "train.optimizer.lr=1.0",
                   "train.schedule.type=constant"),
              5, &last);
  ck_assert_double_eq(best.test.loss, last.test.loss);
}
END_TEST

START_TEST(gradients_are_clipped) {
  outcome free_run, clipped;
  run_checked("cpu", "vanilla", SETS("train.epochs=1", "train.schedule.type=constant"), 1,
              &free_run);
  run_checked("cpu", "vanilla",
              SETS("train.epochs=1", "train.schedule.type=constant", "train.clip_norm=0.001"), 1,
              &clipped);
  ck_assert_double_eq(free_run.loss[0], clipped.loss[0]);
  /* ten steps of norm .001 and rate 1 move next to nothing */
  ck_assert_double_eq_tol(clipped.loss[9], clipped.loss[0], 0.2);
  ck_assert_double_lt(free_run.loss[9], clipped.loss[9]);
}
END_TEST

/* ---- what stops it ------------------------------------------------------ */

static void fails(const char *backend, const char *name, const char *const *sets,
                  dg_error_kind kind, const char *says) {
  dg_error err = {0};
  outcome o = {0};
  ck_assert_msg(!run(backend, name, sets, 1, &o, &err), "it ran, but should say: %s", says);
  ck_assert_msg(strstr(err.message, says) != NULL, "expected \"%s\" in: %s", says, err.message);
  ck_assert_int_eq(err.kind, kind);
}

START_TEST(divergence_is_seen_in_validation) {
  if (!suite_has_backend(backend_name(_i))) return;
  fails(backend_name(_i), "vanilla",
        SETS("train.optimizer.lr=3e38", "train.steps=1", "data.validation=100"), DG_ERR_RUNTIME,
        "the validation loss is not finite after epoch 1");
}
END_TEST

START_TEST(divergence_names_step_and_parameter) {
  if (!suite_has_backend(backend_name(_i))) return;
  fails(backend_name(_i), "cnn-leaky", SETS("train.optimizer.lr=1e30"), DG_ERR_RUNTIME,
        "the gradient of \"conv1.weight\" is not finite at step 1 (of epoch 1)");
}
END_TEST

START_TEST(a_listener_can_stop_it) {
  dg_error err = {0};
  outcome o = {.stop_after = 1};
  ck_assert(!run("cpu", "vanilla", SETS("train.epochs=50"), 1, &o, &err));
  ck_assert_int_eq(err.kind, DG_ERR_INTERRUPTED);
  ck_assert_uint_eq(o.progress_calls, 1);
}
END_TEST

START_TEST(models_that_do_not_fit_the_data) {
  fails("cpu", "vanilla", SETS("input=[1, 32, 32]"), DG_ERR_INPUT,
        "the input is [1, 32, 32], but the images are of 28x28");
  fails("cpu", "vanilla", SETS("out.units=9"), DG_ERR_INPUT,
        "the last layer has 9 outputs, but the labels go to 9");
  fails("cpu", "vanilla", SETS("data.validation=1203"), DG_ERR_INPUT,
        "validation = 1203 leaves nothing of 1203 samples");
}
END_TEST

/* ---- layers that do not fit --------------------------------------------- */

static void write_layers(const char *layers) {
  FILE *file = fopen(path, "w");
  fprintf(file, "name = \"t\"; input = [1, 28, 28];\nlayers = (\n%s);\n", layers);
  fclose(file);
}

static const struct {
  const char *layers, *says;
} misfits[] = {
    {"{ type = \"conv2d\"; name = \"c\"; filters = 2; kernel = 3; },\n"
     "{ type = \"linear\"; name = \"out\"; units = 10; }",
     ":4: layer \"out\" (linear): needs [features], but \"c\" gives [2, 26, 26]; put a flatten"},
    {"{ type = \"flatten\"; name = \"f\"; },\n{ type = \"maxpool2d\"; kernel = 2; }",
     ":4: layer \"maxpool2d1\" (maxpool2d): needs [channels, height, width], but \"f\" gives "
     "[784]"},
    {"{ type = \"conv2d\"; filters = 2; kernel = 29; }",
     ":3: layer \"conv2d1\" (conv2d): a kernel of 29x29 with padding [0, 0] does not fit into "
     "\"input\", which gives [1, 28, 28]"},
    {"{ type = \"maxpool2d\"; kernel = 2; padding = 2; }", "more than half the kernel"},
    {"{ type = \"conv2d\"; name = \"c\"; filters = 2; kernel = 3; },\n"
     "{ type = \"add\"; inputs = [\"c\", \"input\"]; }",
     ":4: layer \"add1\" (add): needs inputs of one shape, but \"c\" gives [2, 26, 26] and "
     "\"input\" "
     "gives [1, 28, 28]"},
    {"{ type = \"conv1d\"; filters = 2; kernel = 3; }",
     ":3: layer \"conv1d1\" (conv1d): needs [steps, features], but \"input\" gives [1, 28, 28]"},
    {"{ type = \"rows\"; name = \"r\"; },\n{ type = \"conv1d\"; filters = 2; kernel = 29; }",
     ":4: layer \"conv1d1\" (conv1d): a kernel of 29 steps with padding 0 does not fit into \"r\", "
     "which gives [28, 28]"},
    {"{ type = \"rows\"; },\n{ type = \"maxpool1d\"; kernel = 3; padding = 2; }",
     ":4: layer \"maxpool1d1\" (maxpool1d): padding 2 is more than half the kernel of 3"},
    {"{ type = \"flatten\"; name = \"f\"; },\n{ type = \"global_avgpool\"; }",
     ":4: layer \"global_avgpool1\" (global_avgpool): needs [channels, height, width] or [steps, "
     "features], but \"f\" gives [784]"},
    {"{ type = \"conv2d\"; name = \"c\"; filters = 2; kernel = 3; },\n"
     "{ type = \"concat\"; inputs = [\"c\", \"input\"]; }",
     ":4: layer \"concat1\" (concat): can't join \"c\", which gives [2, 26, 26], with \"input\", "
     "which gives [1, 28, 28]; what fits is another [channels, height, width] with the same "
     "height"},
    {"{ type = \"flatten\"; name = \"f\"; },\n"
     "{ type = \"concat\"; inputs = [\"f\", \"input\"]; }",
     "what fits is another [features]"},
    {"{ type = \"gru\"; units = 2; }", ":3: layer \"gru1\" (gru): needs [steps, features], but "
                                       "\"input\" gives [1, 28, 28]; put a rows"},
    {"{ type = \"flatten\"; name = \"f\"; },\n{ type = \"lstm\"; units = 2; }",
     ":4: layer \"lstm1\" (lstm): needs [steps, features], but \"f\" gives [784]; steps come from"},
    {"{ type = \"columns\"; },\n{ type = \"rnn\"; name = \"r\"; units = 2; output = \"sequence\"; "
     "},\n"
     "{ type = \"linear\"; name = \"out\"; units = 10; }",
     ":5: layer \"out\" (linear): needs [features], but \"r\" gives [28, 2]; put a flatten"},
    {"{ type = \"rows\"; name = \"r\"; },\n{ type = \"conv2d\"; filters = 2; kernel = 3; }",
     ":4: layer \"conv2d1\" (conv2d): needs [channels, height, width], but \"r\" gives [28, 28]; "
     "put it before rows"},
    {"{ type = \"conv2d\"; filters = 2; kernel = 3; }",
     ":3: the last layer gives [2, 26, 26], but the loss needs [classes]"},
    {"{ type = \"flatten\"; },\n{ type = \"linear\"; name = \"a\"; units = 10; },\n"
     "{ type = \"linear\"; name = \"b\"; input = \"flatten1\"; units = 10; }",
     ":4: nothing reads layer \"a\" (linear)"},
    {"{ type = \"flatten\"; }", "nothing to learn"},
    {"{ type = \"flatten\"; },\n{ type = \"linear\"; units = 16777216; }",
     ":4: layer \"linear1\" (linear): \"weight\" would have more than 2147483647 numbers"},
    {"{ type = \"flatten\"; },\n{ type = \"linear\"; units = 2000000; },\n"
     "{ type = \"linear\"; units = 1000; },\n{ type = \"linear\"; units = 10; }",
     ":5: layer \"linear2\" (linear): the network would have more than 2147483647 parameters"},
    /* 8 x 536 870 928 numbers are 128 in 32 bits */
    {"{ type = \"conv2d\"; filters = 11; kernel = 1; padding = [2998, 4037]; },\n"
     "{ type = \"flatten\"; name = \"f\"; },\n{ type = \"concat\"; name = \"k\";\n"
     "inputs = [\"f\", \"f\", \"f\", \"f\", \"f\", \"f\", \"f\", \"f\"]; },\n"
     "{ type = \"linear\"; units = 10; }",
     ":5: layer \"k\" (concat): its 8 inputs together have 4294967424 numbers a sample"},
    {"{ type = \"conv2d\"; filters = 1048576; kernel = 4096; padding = 2048; },\n"
     "{ type = \"flatten\"; },\n{ type = \"linear\"; units = 10; }",
     ":3: layer \"conv2d1\" (conv2d): \"weight\" would have more than"},
    {"{ type = \"rows\"; },\n{ type = \"conv1d\"; filters = 1048576; kernel = 4096; padding = "
     "4096; "
     "},\n{ type = \"flatten\"; },\n{ type = \"linear\"; units = 10; }",
     ":4: layer \"conv1d1\" (conv1d): a sample of [4125, 1048576] would have more than"},
    {"{ type = \"flatten\"; },\n{ type = \"upsample2d\"; name = \"u\"; scale = 2; }",
     ":4: layer \"u\" (upsample2d): needs [channels, height, width], but \"flatten1\" gives [784]"},
    {"{ type = \"upsample2d\"; name = \"u\"; scale = 4096; }",
     ":3: layer \"u\" (upsample2d): [1, 28, 28] of \"input\", scaled by 4096, would have more than "
     "2147483647 numbers; make the scale smaller"},
    {"{ type = \"upsample2d\"; scale = 0; }", ":3: scale must be"},
    {"{ type = \"conv2d\"; name = \"c\"; filters = 4; kernel = 3; groups = 2; }",
     ":3: layer \"c\" (conv2d): 2 groups don't divide both the 1 channels of \"input\" and the 4 "
     "filters"},
    {"{ type = \"conv2d\"; filters = 4; kernel = 3; padding = \"full\"; }", ":3: padding must be"},
    {"{ type = \"conv2d\"; filters = 4; kernel = 3; padding = [1, 2, 3]; }", ":3: padding must be"},
    {"{ type = \"conv2d\"; name = \"c\"; filters = 4; kernel = 3; dilation = 14; }",
     ":3: layer \"c\" (conv2d): a kernel of 3x3 with padding [0, 0] does not fit"},
    {"{ type = \"upsample2d\"; scale = 2; mode = \"cubic\"; }", ":3: "},
    {"{ type = \"conv_transpose2d\"; name = \"c\"; filters = 4; kernel = 3; groups = 2; }",
     ":3: layer \"c\" (conv_transpose2d): 2 groups don't divide both the 1 channels of \"input\""},
    {"{ type = \"conv_transpose2d\"; filters = 4; kernel = 3; stride = 2; output_padding = 2; }",
     "output_padding = 2 is not below the stride of 2"},
    {"{ type = \"conv_transpose2d\"; filters = 4; kernel = 3; padding = \"same\"; stride = 2;\n"
     "output_padding = 1; }",
     "leave output_padding out"},
    {"{ type = \"conv_transpose2d\"; filters = 4; kernel = 3; padding = 15; }",
     "padding [15, 15] leaves nothing of what \"input\" of [1, 28, 28] becomes"},
    {"{ type = \"conv_transpose2d\"; filters = 1000; kernel = 1; stride = 4096; }",
     "would have more than 2147483647 numbers"},
    {"{ type = \"pad2d\"; padding = 28; mode = \"reflect\"; }",
     "mode = \"reflect\" mirrors less than the whole input, but \"input\" gives [1, 28, 28]; make"},
    {"{ type = \"pad2d\"; padding = \"same\"; }", ":3: padding must be"},
    {"{ type = \"pad2d\"; }", "padding"},
    {"{ type = \"rows\"; },\n{ type = \"pad1d\"; padding = [1, 2, 3, 4]; }", ":4: padding must be"},
    {"{ type = \"rows\"; },\n{ type = \"pad1d\"; padding = [0, 28]; mode = \"reflect\"; }",
     "mirrors less than the whole"},
    {"{ type = \"rows\"; },\n{ type = \"conv1d\"; name = \"c\"; filters = 4; kernel = 3; groups = "
     "3; }",
     ":4: layer \"c\" (conv1d): 3 groups don't divide both the 28 channels of \"rows1\" and the 4"},
    {"{ type = \"rows\"; },\n{ type = \"conv1d\"; name = \"c\"; filters = 4; kernel = 3; dilation "
     "= 14; }",
     ":4: layer \"c\" (conv1d): a kernel of 3 steps with padding 0 does not fit"},
    {"{ type = \"rows\"; },\n{ type = \"conv1d\"; filters = 4; kernel = 3; padding = \"causal\"; }",
     ":4: padding must be"},
    {"{ type = \"rows\"; },\n{ type = \"conv_transpose1d\"; filters = 4; kernel = 3; "
     "output_padding = 1; }",
     "output_padding = 1 is not below the stride of 1"},
    {"{ type = \"rows\"; },\n{ type = \"conv_transpose1d\"; filters = 4; kernel = 3; padding = "
     "[30, 0]; }",
     "padding [30, 0] leaves nothing of what"},
    {"{ type = \"conv_transpose1d\"; filters = 4; kernel = 3; }", "needs [steps, features]"},
    {"{ type = \"clip\"; min = 2; max = 1; }",
     ":3: layer \"clip1\" (clip): min = 2 is above max = 1; swap"},
    {"{ type = \"elu\"; alpha = 0; }", ":3: alpha must be"},
    {"{ type = \"upsample2d\"; }", "needs the key \"scale\""},
    {"{ type = \"rows\"; },\n{ type = \"gru\"; units = 1048576; },\n"
     "{ type = \"linear\"; units = 10; }",
     ":4: layer \"gru1\" (gru): \"weight_hh_l0\" would have more than"},
};

START_TEST(misfits_name_layer_and_shapes) {
  write_layers(misfits[_i].layers);
  fails("cpu", path, NULL, DG_ERR_INPUT, misfits[_i].says);
}
END_TEST

/** Nothing goes back through them, so nothing is kept of them. */
static const char *const first_layers[] = {
    "{ type = \"dropout\"; rate = 0.2; },\n{ type = \"flatten\"; },\n",
    "{ type = \"maxpool2d\"; kernel = 2; },\n{ type = \"flatten\"; },\n",
    ("{ type = \"maxpool2d\"; kernel = 3; stride = 2; padding = 1; },\n{ type = \"tanh\"; },\n"
     "{ type = \"flatten\"; },\n{ type = \"dropout\"; },\n"),
    "{ type = \"upsample2d\"; scale = 2; },\n{ type = \"flatten\"; },\n",
    "{ type = \"conv2d\"; filters = 2; kernel = 3; padding = \"same\"; stride = 2; },\n"
    "{ type = \"conv2d\"; filters = 4; kernel = 3; groups = 2; },\n{ type = \"flatten\"; },\n",
    "{ type = \"upsample2d\"; scale = 2; mode = \"bilinear\"; },\n"
    "{ type = \"pad2d\"; padding = [1, 0, 2, 3]; mode = \"reflect\"; },\n{ type = \"flatten\"; "
    "},\n",
    "{ type = \"conv_transpose2d\"; filters = 2; kernel = 3; stride = 2; padding = \"same\"; },\n"
    "{ type = \"relu\"; },\n{ type = \"flatten\"; },\n",
    "{ type = \"rows\"; },\n{ type = \"pad1d\"; padding = [2, 0]; mode = \"replicate\"; },\n"
    "{ type = \"conv1d\"; filters = 28; kernel = 3; groups = 28; dilation = 2; padding = \"same\"; "
    "},\n"
    "{ type = \"conv_transpose1d\"; filters = 3; kernel = 2; stride = 2; },\n{ type = \"flatten\"; "
    "},\n",
    "{ type = \"flatten\"; },\n{ type = \"gelu\"; },\n{ type = \"affine\"; shift = 1; },\n",
};

START_TEST(layers_before_all_parameters_train) {
  char layers[400];
  snprintf(layers, sizeof layers, "%s{ type = \"linear\"; units = 10; }",
           first_layers[_i % (sizeof first_layers / sizeof *first_layers)]);
  write_layers(layers);
  const char *backend = backend_name(_i / (int)(sizeof first_layers / sizeof *first_layers));
  if (!suite_has_backend(backend)) return;
  for (unsigned few = 0; few < 2; few++) {
    outcome o;
    run_checked(backend, path,
                SETS("train.epochs=1", "train.steps=3", few ? "train.batch=2" : "train.batch=64"),
                1, &o);
    ck_assert_uint_eq(o.losses, 3);
  }
}
END_TEST

/* ---- a graph with several readers --------------------------------------- */

static const char branches[] =
    "{ type = \"conv2d\"; name = \"c1\"; filters = 2; kernel = 3; padding = 1; stride = 4; },\n"
    "{ type = \"tanh\"; name = \"t\"; },\n"
    "{ type = \"conv2d\"; name = \"c2\"; filters = 2; kernel = 3; padding = 1; },\n"
    "{ type = \"sigmoid\"; name = \"s\"; },\n"
    "{ type = \"add\"; name = \"a\"; inputs = [\"s\", \"t\", \"c2\"]; },\n"
    "{ type = \"avgpool2d\"; kernel = 3; stride = 2; },\n"
    "{ type = \"flatten\"; order = \"hwc\"; },\n"
    "{ type = \"linear\"; units = 3; },\n"
    "{ type = \"tanh\"; }";

enum { N = 5 };

/** A network of `branches` with what a loss sum(weight * output) needs. */
typedef struct {
  dg_device *device;
  dg_network *network;
  float x[N * 784], weight[N * 3];
  uint32_t floats;
  float *params;
} graph;

static double graph_loss(graph *g) {
  float out[N * 3];
  dg_step step = {.n = N, .train = true};
  dg_error err = {0};
  const dg_device_calls *calls = g->device->calls;
  bool ok = calls->write(dg_network_parameters(g->network), 0, g->params, g->floats * sizeof(float),
                         &err) &&
            calls->write(dg_network_input(g->network), 0, g->x, sizeof g->x, &err) &&
            dg_network_forward(g->network, &step, &err) &&
            calls->read(dg_network_output(g->network), 0, out, sizeof out, &err);
  ck_assert_msg(ok, "%s", err.message);
  double loss = 0;
  for (int i = 0; i < N * 3; i++) loss += (double)g->weight[i] * out[i];
  return loss;
}

static void graph_gradients(graph *g, float *gradients) {
  dg_step step = {.n = N, .train = true};
  dg_error err = {0};
  const dg_device_calls *calls = g->device->calls;
  graph_loss(g);
  bool ok =
      calls->write(dg_network_d_output(g->network), 0, g->weight, sizeof g->weight, &err) &&
      dg_network_backward(g->network, &step, &err) &&
      calls->read(dg_network_gradients(g->network), 0, gradients, g->floats * sizeof(float), &err);
  ck_assert_msg(ok, "%s", err.message);
}

/** Finite differences of the loss by every 7th parameter against backward. */
START_TEST(gradients_of_several_readers_add_up) {
  if (!suite_has_backend(backend_name(_i))) return;
  write_layers(branches);
  static graph g;
  dg_error err = {0};
  dg_model *model = load(path, NULL, &err);
  ck_assert_msg(model != NULL, "%s", err.message);
  g.device = dg_open(backend_name(_i), NULL, 0, &err);
  ck_assert_msg(g.device != NULL, "%s", err.message);
  g.network = dg_network_build(model, g.device, N, true, &err);
  ck_assert_msg(g.network != NULL, "%s", err.message);
  g.floats = dg_network_floats(g.network);
  g.params = calloc(g.floats, sizeof(float));
  float *gradients = calloc(g.floats, sizeof(float));
  for (int i = 0; i < N * 784; i++) g.x[i] = (float)((i * 37) % 101) / 101;
  for (int i = 0; i < N * 3; i++) g.weight[i] = (float)((i * 7) % 5) - 1.5f;
  ck_assert(dg_network_initialize(g.network, 1, &err));
  g.device->calls->read(dg_network_parameters(g.network), 0, g.params, g.floats * sizeof(float),
                        &err);
  graph_gradients(&g, gradients);
  const dg_param *list;
  uint32_t count = dg_network_param_list(g.network, &list);
  ck_assert_uint_eq(count, 6);
  for (uint32_t p = 0; p < count; p++)
    for (uint32_t i = list[p].offset; i < list[p].offset + list[p].count; i += 7) {
      const float h = 0.01f, kept = g.params[i];
      g.params[i] = kept + h;
      double above = graph_loss(&g);
      g.params[i] = kept - h;
      double below = graph_loss(&g), expected = (above - below) / (2 * (double)h);
      g.params[i] = kept;
      ck_assert_msg(fabs(gradients[i] - expected) < 2e-3 + 5e-3 * fabs(expected),
                    "%s[%u]: backward %g, difference %g", list[p].name, i - list[p].offset,
                    gradients[i], expected);
    }
  free(gradients);
  free(g.params);
  dg_network_free(g.network);
  dg_close(g.device);
  dg_model_free(model);
}
END_TEST

/** A network that only tests needs less memory, and gives the same answers, up to rounding. */
START_TEST(testing_plans_no_gradients) {
  if (!suite_has_backend(backend_name(_i))) return;
  dg_error err = {0};
  dg_model *model = load("cnn", NULL, &err);
  dg_device *device = dg_open(backend_name(_i), NULL, 0, &err);
  dg_network *trains = dg_network_build(model, device, 32, true, &err);
  dg_network *tests = dg_network_build(model, device, 32, false, &err);
  ck_assert_msg(trains && tests, "%s", err.message);
  ck_assert_uint_lt(dg_network_arena(tests), dg_network_arena(trains) * 2 / 3);
  ck_assert_ptr_null(dg_network_gradients(tests));
  ck_assert_uint_eq(dg_network_parameter_count(tests), 214538);
  float *x = calloc(32 * 784, sizeof *x), a[320], b[320];
  for (int i = 0; i < 32 * 784; i++) x[i] = (float)((i * 37) % 101) / 101;
  dg_step step = {.n = 32};
  for (int k = 0; k < 2; k++) {
    dg_network *network = k ? tests : trains;
    ck_assert(dg_network_initialize(network, 9, &err));
    ck_assert(device->calls->write(dg_network_input(network), 0, x, 32 * 784 * sizeof *x, &err));
    ck_assert(dg_network_forward(network, &step, &err));
    ck_assert(device->calls->read(dg_network_output(network), 0, k ? b : a, sizeof a, &err));
  }
  for (int i = 0; i < 320; i++) ck_assert_float_eq_tol(a[i], b[i], 1e-5);
  free(x);
  dg_network_free(trains);
  dg_network_free(tests);
  dg_close(device);
  dg_model_free(model);
}
END_TEST

int main(void) {
  suite_new_file(path);
  data = dg_dataset_draw(TRAIN, TEST, 1, 1, NULL); /* threads would not survive the forks */
  if (!data) return fputs("out of memory\n", stderr), 1;
  TCase *tests = tcase_create("trainer");
  tcase_set_timeout(tests, 300);
  tcase_add_loop_test(tests, both_backends_see_the_same_losses, 0, 5);
  tcase_add_loop_test(tests, threads_see_the_same_losses, 0,
                      sizeof shared_by_threads / sizeof *shared_by_threads);
  tcase_add_loop_test(tests, a_seed_gives_the_same_run, 0, 2);
  tcase_add_loop_test(tests, it_learns, 0, 2);
  tcase_add_test(tests, the_last_batch_is_short);
  tcase_add_test(tests, steps_can_be_fixed);
  tcase_add_loop_test(tests, the_best_epoch_is_kept, 0, 2);
  tcase_add_test(tests, gradients_are_clipped);
  tcase_add_loop_test(tests, divergence_is_seen_in_validation, 0, 2);
  tcase_add_loop_test(tests, divergence_names_step_and_parameter, 0, 2);
  tcase_add_test(tests, a_listener_can_stop_it);
  tcase_add_test(tests, models_that_do_not_fit_the_data);
  tcase_add_loop_test(tests, layers_before_all_parameters_train, 0,
                      2 * sizeof first_layers / sizeof *first_layers);
  tcase_add_loop_test(tests, misfits_name_layer_and_shapes, 0, sizeof misfits / sizeof *misfits);
  tcase_add_loop_test(tests, gradients_of_several_readers_add_up, 0, 2);
  tcase_add_loop_test(tests, testing_plans_no_gradients, 0, 2);
  int status = suite_main("trainer", tests);
  dg_dataset_close(data);
  return status;
}
