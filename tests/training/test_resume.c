/*
 * A run that stopped goes on to the same bits: stopped by its caller, or killed at any moment.
 * Every run is a process of its own, and this one never opens a device.
 */
#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/data/dataset.h"
#include "core/data/drawn/draw.h"
#include "digits/data.h"
#include "digits/device.h"
#include "digits/model.h"
#include "digits/train.h"
#include "tests/common/suite.h"

#define WEIGHTS "w.safetensors"
#define STATE WEIGHTS ".state"
#define SAID "said"

static char folder[] = "/tmp/digits-resume-XXXXXX";

/* ---- one run, in a process ---------------------------------------------- */

typedef struct {
  const char *backend, *model;
  const char *sets[8]; /**< "path=value", ended by NULL */
  uint32_t images;     /**< of the training set; 0: 900 */
  int stop_after;      /**< calls of progress; 0: never */
  const char *state;   /**< NULL: STATE */
  uint32_t seed;       /**< 0: 5 */
  uint32_t save_every; /**< steps; 0: only after epochs */
} plan;

static bool on_progress(void *user, const dg_progress *progress) {
  int *left = user;
  (void)progress;
  return --*left != 0;
}

static dg_model *load(const plan *p, dg_error *err) {
  char file[500], text[8][100];
  dg_override overrides[8];
  size_t count = 0;
  for (; p->sets[count]; count++) {
    snprintf(text[count], sizeof text[count], "%s", p->sets[count]);
    char *equals = strchr(text[count], '=');
    *equals = '\0';
    overrides[count] = (dg_override){"--set", text[count], equals + 1};
  }
  snprintf(file, sizeof file, "%s/models/%s.cfg", DIGITS_SOURCE_DIR, p->model);
  return dg_model_load(file, overrides, count, err);
}

/** Trains, going on from the state where there is one; saves and drops the state. */
static bool train(const plan *p, dg_error *err) {
  int left = p->stop_after;
  dg_trainer_options options = {
      .size = sizeof(dg_trainer_options),
      .seed = p->seed ? p->seed : 5,
      .checkpoint = p->state ? p->state : STATE,
      .resume = access(STATE, F_OK) == 0,
      .save_every = p->save_every,
      .listener =
          &(dg_listener){.size = sizeof(dg_listener), .user = &left, .progress = on_progress}};
  dg_dataset *data = dg_dataset_draw(p->images ? p->images : 900, 50, 1, 1, err);
  dg_model *model = load(p, err);
  dg_device *device = dg_open(p->backend, NULL, 0, err);
  dg_trainer *trainer =
      data && model && device ? dg_trainer_new(model, device, data, &options, err) : NULL;
  bool ok = trainer && dg_trainer_train(trainer, err) && dg_trainer_save(trainer, WEIGHTS, err);
  if (ok) unlink(STATE);
  dg_trainer_free(trainer);
  dg_close(device);
  dg_model_free(model);
  dg_dataset_close(data);
  return ok;
}

static pid_t start(const plan *p) {
  fflush(stdout);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child) return child;
  dg_error err = {0};
  bool ok = train(p, &err);
  FILE *said = fopen(SAID, "w");
  if (said) {
    fputs(err.message, said);
    fclose(said);
  }
  _exit(ok ? 0 : (int)err.kind);
}

/** Waits for a run; returns its exit status, or -1 if it was killed. */
static int finish(pid_t child) {
  int status;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/** suite_has_backend, in a process: a fork of one that has used OpenCL may hang. */
static bool has_backend(const char *name) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    bool has = suite_has_backend(name);
    fflush(stdout);
    _exit(has ? 0 : 1);
  }
  return finish(child) == 0;
}

/** Runs to the end and compares what it says. */
static void check_run(const plan *p, int status, const char *says) {
  char said[1100] = "";
  int got = finish(start(p));
  FILE *file = fopen(SAID, "r");
  ck_assert_ptr_nonnull(file);
  said[fread(said, 1, sizeof said - 1, file)] = '\0';
  fclose(file);
  ck_assert_msg(got == status, "exit %d, not %d: %s", got, status, said);
  ck_assert_msg(strstr(said, says) != NULL, "expected \"%s\" in: %s", says, said);
}

static void forget(void) {
  unlink(WEIGHTS);
  unlink(STATE);
}

/** The weights that a run which never stopped comes to; the caller frees them. */
static char *undisturbed(const plan *p, size_t *size) {
  plan whole = *p;
  whole.stop_after = 0;
  forget();
  check_run(&whole, 0, "");
  FILE *file = fopen(WEIGHTS, "rb");
  ck_assert_ptr_nonnull(file);
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  char *bytes = malloc(*size);
  ck_assert_uint_eq(fread(bytes, 1, *size, file), *size);
  fclose(file);
  forget();
  return bytes;
}

static void check_same(const plan *p, const char *expected, size_t size) {
  FILE *file = fopen(WEIGHTS, "rb");
  ck_assert_ptr_nonnull(file);
  char *bytes = malloc(size + 1);
  ck_assert_msg(fread(bytes, 1, size + 1, file) == size && memcmp(bytes, expected, size) == 0,
                "%s on %s came to other weights", p->model, p->backend);
  fclose(file);
  free(bytes);
}

/* ---- stopped and killed ------------------------------------------------- */

static const plan plans[] = {
    {.model = "cnn",
     .sets = {"train.epochs=3", "data.validation=200", "train.batch=4"},
     .stop_after = 1}, /* within an epoch: the losses of 128 steps are read together */
    {.model = "cnn-leaky", .sets = {"train.epochs=2", "train.steps=5"}, .stop_after = 1},
    {.model = "vanilla",
     .sets = {"train.epochs=2", "train.optimizer.momentum=0.9", "train.batch=32"},
     .stop_after = 2},
    {.model = "vanilla", .sets = {"train.epochs=2", "train.average=0.99"}, .stop_after = 1},
    {.model = "vanilla", /* three arrays of the optimizer */
     .sets = {"train.epochs=2", "train.steps=5", "train.optimizer.type=rmsprop",
              "train.optimizer.lr=0.001", "train.optimizer.momentum=0.5",
              "train.optimizer.centered=true"},
     .stop_after = 1},
    {.model = "vanilla", /* the epochs without a better validation are counted on */
     .sets = {"train.epochs=9", "train.steps=3", "data.validation=50", "train.early_stop=1",
              "train.keep_by=f1_macro", "train.keep=last", "data.split=stratified"},
     .stop_after = 3},
    {.model = "residual", /* running statistics, an average without them, the best epoch */
     .sets = {"train.epochs=3", "train.steps=4", "train.average=0.9", "data.validation=100",
              "train.keep=best"},
     .stop_after = 2},
    {.model = "residual",
     .sets = {"train.epochs=2", "train.steps=4", "train.batch=10", "train.accumulate=2",
              "train.slices=3"},
     .stop_after = 1},
};
enum { PLANS = sizeof plans / sizeof *plans };

START_TEST(a_stopped_run_goes_on_to_the_same_bits) {
  plan p = plans[_i % PLANS];
  p.backend = _i < PLANS ? "cpu" : "opencl";
  if (!has_backend(p.backend)) return;
  size_t size;
  char *expected = undisturbed(&p, &size);
  check_run(&p, DG_ERR_INTERRUPTED, "interrupted in epoch ");
  dg_checkpoint_info info;
  ck_assert(dg_checkpoint_read(STATE, &info, sizeof(dg_checkpoint_info), NULL));
  ck_assert_str_eq(info.backend, p.backend);
  ck_assert_uint_eq(info.seed, 5);
  ck_assert_uint_gt(info.epoch + info.step, 0);
  p.stop_after = 0;
  check_run(&p, 0, "");
  check_same(&p, expected, size);
  free(expected);
}
END_TEST

/** No damaged file is ever seen, and none that nobody asked for. */
static void check_folder(void) {
  dg_error err = {0};
  dg_checkpoint_info info;
  if (access(STATE, F_OK) == 0)
    ck_assert_msg(dg_checkpoint_read(STATE, &info, sizeof(dg_checkpoint_info), &err), "%s",
                  err.message);
  DIR *entries = opendir(".");
  ck_assert_ptr_nonnull(entries);
  for (struct dirent *e; (e = readdir(entries));) {
    const char *name = e->d_name;
    ck_assert_msg(name[0] == '.' || !strcmp(name, WEIGHTS) || !strcmp(name, STATE) ||
                      !strcmp(name, SAID),
                  "%s was left behind", name);
  }
  closedir(entries);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void wait_seconds(double seconds) {
  struct timespec t = {(time_t)seconds, (long)(1e9 * (seconds - (double)(time_t)seconds))};
  nanosleep(&t, NULL);
}

/** Starts a run and kills it after a while, or before the next line of this program. */
static void kill_after(const plan *p, double seconds) {
  pid_t child = start(p);
  wait_seconds(seconds);
  kill(child, SIGKILL);
  finish(child);
}

/** DIGITS_TEST_KILLS=N: how many of them; 4 without it. */
static int kills_wanted(void) {
  const char *wanted = getenv("DIGITS_TEST_KILLS");
  return wanted ? atoi(wanted) : 4;
}

START_TEST(a_killed_run_goes_on_to_the_same_bits) {
  plan p = {.backend = _i ? "opencl" : "cpu",
            .model = "cnn",
            .sets = {"train.epochs=3", "data.validation=500"},
            .images = 4000,
            .save_every = 7};
  if (!has_backend(p.backend)) return;
  size_t size;
  double begun = now();
  char *expected = undisturbed(&p, &size);
  double whole = now() - begun;
  uint32_t random = 2463534242u;
  for (int kills = 0; kills < kills_wanted(); kills++) {
    random = random * 1664525u + 1013904223u;
    kill_after(&p, whole * (random >> 8) * 0x1p-24);
    check_folder();
    if (access(WEIGHTS, F_OK) == 0) { /* it had been faster */
      check_same(&p, expected, size);
      forget();
    }
  }
  check_run(&p, 0, "");
  check_same(&p, expected, size);
  free(expected);
  forget();
}
END_TEST

/* ---- states that don't fit ---------------------------------------------- */

START_TEST(wrong_states) {
  plan p = plans[0];
  p.backend = "cpu";
  forget();
  check_run(&p, DG_ERR_INTERRUPTED, "interrupted in epoch ");

  plan other = p;
  other.images = 901;
  check_run(&other, DG_ERR_INPUT, "the run learned from other images, from \"built-in digits\"");
  other = p;
  other.sets[3] = "conv2.filters=31";
  check_run(&other, DG_ERR_INPUT, "the run has another model or recipe");
  other = p;
  other.seed = 6;
  check_run(&other, DG_ERR_INPUT, "the run has the seed 5, not 6");

  plan whole = p;
  whole.stop_after = 0;
  check_run(&whole, 0, "");
  ck_assert_int_eq(rename(WEIGHTS, STATE), 0);
  check_run(&p, DG_ERR_INPUT, "these are weights, not the checkpoint of a run that stopped");
  forget();
}
END_TEST

START_TEST(a_state_that_cannot_be_kept) {
  plan p = plans[0];
  p.backend = "cpu";
  forget();
  p.state = "missing/folder";
  check_run(&p, DG_ERR_RUNTIME, "missing/folder can't be written: No such file or directory");
  p.state = "/dev/full";
  check_run(&p, DG_ERR_RUNTIME, "/dev/full could not be written: No space left on device");
}
END_TEST

int main(void) {
  suite_new_folder(folder);
  if (chdir(folder) != 0) return perror(folder), EXIT_FAILURE;
  TCase *tests = tcase_create("resume");
  tcase_set_timeout(tests, 3600);
  tcase_add_loop_test(tests, a_stopped_run_goes_on_to_the_same_bits, 0, 2 * PLANS);
  tcase_add_loop_test(tests, a_killed_run_goes_on_to_the_same_bits, 0, 2);
  tcase_add_test(tests, wrong_states);
  tcase_add_test(tests, a_state_that_cannot_be_kept);
  return suite_main("resume", tests);
}
