/* The checkpoint of a run that stopped: numbers in it that none can have are refused, not believed.
 */
#include <check.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/common/fixture.h"
#include "tests/common/reference.h"
#include "tests/common/suite.h"

enum { MOST = 1 << 20, LENGTH = 8, EPOCHS = 3, TRAIN = 20, STEPS = 4 };

static char path[] = "/tmp/digits-state-XXXXXX";
static char whole[MOST]; /**< the file of a run that was stopped */
static size_t whole_size;

static const char recipe[] = "train = { epochs = 3; batch = 5; average = 0.9;"
                             " optimizer = { type = \"adam\"; lr = 0.01; }; };";

/** Stops in the second epoch, behind the end of its first look at the device. */
static bool stop(void *user, const dg_progress *progress) {
  (void)user;
  return progress->epoch < 2;
}

static fixture_plan plan_of(bool resume) {
  return (fixture_plan){.layers = REFERENCE_LAYERS,
                        .recipe = recipe,
                        .train = TRAIN,
                        .seed = 7,
                        .state = path,
                        .resume = resume};
}

static void save_checkpoint(void) {
  fixture_plan plan = plan_of(false);
  plan.listener.progress = stop;
  dg_error err = {0};
  fixture f = fixture_new(&plan);
  ck_assert(!dg_trainer_train(f.trainer, &err));
  ck_assert_int_eq(err.kind, DG_ERR_INTERRUPTED);
  fixture_free(&f);
  FILE *file = fopen(path, "rb");
  ck_assert_ptr_nonnull(file);
  whole_size = fread(whole, 1, sizeof whole, file);
  fclose(file);
  ck_assert(whole_size > LENGTH && whole_size < sizeof whole);
}

/** Writes the file with the value of a key of its cursor put for another; returns the old one. */
static long long write_with(const char *key, const char *value) {
  char quoted[60];
  uint64_t length;
  snprintf(quoted, sizeof quoted, "\\\"%s\\\":", key);
  memcpy(&length, whole, LENGTH);
  char *header = calloc(length + 1, 1);
  memcpy(header, whole + LENGTH, length);
  char *begin = strstr(header, quoted);
  ck_assert_msg(begin != NULL, "the checkpoint has no %s", key);
  begin += strlen(quoted);
  size_t old = strcspn(begin, ",}");
  uint64_t now = length - old + strlen(value);
  FILE *file = fopen(path, "wb");
  ck_assert_ptr_nonnull(file);
  fwrite(&now, LENGTH, 1, file);
  fwrite(header, 1, (size_t)(begin - header), file);
  fputs(value, file);
  fputs(begin + old, file);
  fwrite(whole + LENGTH + length, 1, whole_size - LENGTH - length, file);
  fclose(file);
  long long found = strtoll(begin, NULL, 10);
  free(header);
  return found;
}

static bool is_read(dg_checkpoint_info *info) {
  dg_error err = {0};
  bool ok = dg_checkpoint_read(path, info, sizeof(dg_checkpoint_info), &err);
  if (!ok)
    ck_assert_ptr_nonnull(strstr(err.message, "was written by another version, or is damaged"));
  return ok;
}

static const char *const counts[] = {"threads", "data_checksum", "seed",  "epoch",
                                     "step",    "right",         "total", "waited"};

START_TEST(numbers_that_none_can_have) {
  dg_checkpoint_info info;
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    write_with(counts[i], "-1");
    ck_assert_msg(!is_read(&info), "%s of -1 was read", counts[i]);
    write_with(counts[i], "4294967296");
    ck_assert_msg(!is_read(&info), "%s of 2^32 was read", counts[i]);
    write_with(counts[i], "1.5");
    ck_assert_msg(!is_read(&info), "%s of 1.5 was read", counts[i]);
    write_with(counts[i], "4294967295");
    ck_assert_msg(is_read(&info), "%s of 2^32 - 1 was not read", counts[i]);
    write_with(counts[i], "0");
    ck_assert_msg(is_read(&info), "%s of 0 was not read", counts[i]);
  }
  ck_assert_int_eq(write_with("version", "2"), 1);
  ck_assert(!is_read(&info));
  write_with("best_accuracy", "\\\"x\\\"");
  ck_assert(!is_read(&info));
}
END_TEST

START_TEST(what_it_says_is_told) {
  dg_checkpoint_info info;
  ck_assert_int_eq(write_with("epoch", "1"), 1);
  ck_assert(is_read(&info));
  ck_assert_str_eq(info.backend, "cpu");
  ck_assert_uint_eq(info.threads, 1);
  ck_assert_str_eq(info.data, "built-in digits");
  ck_assert_uint_eq(info.seed, 7);
  ck_assert_uint_eq(info.epoch, 1);
  ck_assert_uint_gt(info.step, 0);
  ck_assert_uint_le(info.step, STEPS);
  write_with("step", "3");
  ck_assert(is_read(&info));
  ck_assert_uint_eq(info.step, 3);
}
END_TEST

/** A path is told as long as one can be. */
START_TEST(a_long_path_is_told_whole) {
  dg_checkpoint_info info;
  enum { MAX_PATH = sizeof info.data - 1, QUOTES = 4 };
  char value[MAX_PATH + QUOTES + 1];
  memset(value, 'x', sizeof value);
  memcpy(value, "\\\"", 2);
  memcpy(value + MAX_PATH + 2, "\\\"", 3);
  write_with("data", value);
  ck_assert(is_read(&info));
  ck_assert_uint_eq(strlen(info.data), MAX_PATH);
}
END_TEST

static bool at_once(void *user, const dg_progress *progress) {
  (void)user, (void)progress;
  return false;
}

/** A set that was opened by a path from this folder is told by its path from the root. */
START_TEST(a_set_is_told_by_its_real_path) {
  char table[] = "/tmp/digits-state-table-XXXXXX", there[PATH_MAX], here[PATH_MAX];
  dg_error err = {0};
  char real[PATH_MAX + sizeof table];
  ck_assert(getcwd(here, sizeof here) && chdir("/tmp") == 0 && getcwd(there, sizeof there));
  suite_new_file(table);
  const char *name = strrchr(table, '/') + 1;
  FILE *file = fopen(table, "w");
  ck_assert_ptr_nonnull(file);
  fputs("label,a\n1,2\n0,3\n1,4\n", file);
  fclose(file);
  snprintf(real, sizeof real, "%s/%s", there, name);
  fixture_plan plan = plan_of(false);
  plan.state = NULL;
  fixture f = fixture_new(&plan);
  const dg_override small = {"", "input", "[1, 1, 1]"};
  ck_assert_msg(dg_trainer_save(f.trainer, path, &err), "%s", err.message);
  dg_model *model = dg_model_from_weights(path, &small, 1, &err);
  dg_dataset *data = dg_dataset_open(name, 1, &err);
  const dg_trainer_options options = {
      .size = sizeof(dg_trainer_options),
      .seed = 7,
      .checkpoint = path,
      .listener = &(dg_listener){.size = sizeof(dg_listener), .progress = at_once}};
  dg_trainer *t = model && data ? dg_trainer_new(model, f.device, data, &options, &err) : NULL;
  ck_assert_msg(t && !dg_trainer_train(t, &err) && err.kind == DG_ERR_INTERRUPTED, "%s",
                err.message);
  dg_checkpoint_info info;
  ck_assert(is_read(&info));
  ck_assert_str_eq(info.data, real);
  dg_trainer_free(t);
  dg_dataset_close(data);
  dg_model_free(model);
  fixture_free(&f);
  ck_assert_int_eq(chdir(here), 0);
}
END_TEST

/** Cursors behind the end of the recipe; the end itself is none. */
START_TEST(cursors_behind_the_end) {
  static const struct {
    const char *key, *value, *says;
  } cursors[] = {{"epoch", "4", "epoch 5, step "},
                 {"epoch", "3", NULL},
                 {"step", "5", "epoch 2, step 5 is past the end of the recipe"},
                 {"step", "4", NULL},
                 {"seed", "8", "has the seed 8, not 7"},
                 {"data_checksum", "12", "learned from other images"}};
  for (size_t i = 0; i < sizeof cursors / sizeof *cursors; i++) {
    dg_error err = {0};
    fixture_plan plan = plan_of(false);
    plan.state = NULL;
    fixture f = fixture_new(&plan);
    write_with(cursors[i].key, cursors[i].value);
    const dg_trainer_options options = {
        .size = sizeof(dg_trainer_options), .seed = 7, .checkpoint = path, .resume = true};
    dg_trainer *t = dg_trainer_new(f.model, f.device, f.data, &options, &err);
    ck_assert_msg((t != NULL) == (cursors[i].says == NULL), "%s %s: %s", cursors[i].key,
                  cursors[i].value, t ? "was taken" : err.message);
    if (!t)
      ck_assert_msg(strstr(err.message, cursors[i].says) != NULL, "expected \"%s\" in: %s",
                    cursors[i].says, err.message);
    dg_trainer_free(t);
    fixture_free(&f);
  }
}
END_TEST

START_TEST(a_checkpoint_needs_a_file) {
  dg_error err = {0};
  fixture_plan plan = plan_of(false);
  fixture f = fixture_new(&plan);
  const dg_trainer_options options = {
      .size = sizeof(dg_trainer_options), .seed = 7, .resume = true};
  ck_assert_ptr_null(dg_trainer_new(f.model, f.device, f.data, &options, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "can't go on without its checkpoint"));
  fixture_free(&f);
}
END_TEST

int main(void) {
  suite_new_file(path);
  TCase *tests = tcase_create("state");
  tcase_add_unchecked_fixture(tests, save_checkpoint, NULL);
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, numbers_that_none_can_have);
  tcase_add_test(tests, what_it_says_is_told);
  tcase_add_test(tests, a_long_path_is_told_whole);
  tcase_add_test(tests, cursors_behind_the_end);
  tcase_add_test(tests, a_set_is_told_by_its_real_path);
  tcase_add_test(tests, a_checkpoint_needs_a_file);
  return suite_main("state", tests);
}
