/*
 * The cache on disk: what is put comes back until it is damaged, and nothing that is wrong with its
 * folder fails anything. Then programs in it: a second start compiles nothing and learns the same
 * bits.
 */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/cache.h"
#include "core/base/file/file.h"
#include "digits/data.h"
#include "digits/device.h"
#include "digits/model.h"
#include "digits/train.h"
#include "tests/common/counting.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

enum { PATH_SIZE = 256, MAX_FILES = 16, STEPS = 3 };
enum { KEY_LENGTH_AT = 8, KEY_AT = 32 }; /**< offsets in a file, see core/base/cache.c */

/** Points the cache to a new folder of the test's own, which is not made yet. */
static const char *use_new_folder(void) {
  static int number;
  static char folder[PATH_SIZE];
  snprintf(folder, sizeof folder, "%s/%d/cache", shell_path(""), ++number);
  setenv("DIGITS_CACHE", folder, 1);
  return folder;
}

static void expect(const char *key, const char *text) {
  size_t size = 0;
  char *got = dg_cache_get(key, &size);
  ck_assert_msg(got != NULL, "nothing is kept under %s", key);
  ck_assert_uint_eq(size, strlen(text));
  ck_assert_mem_eq(got, text, size);
  free(got);
}

static void expect_nothing(const char *key) {
  size_t size;
  ck_assert_ptr_null(dg_cache_get(key, &size));
}

static bool put(const char *key, const char *text) {
  return dg_cache_put(key, text, strlen(text));
}

/* ---- files of a folder -------------------------------------------------- */

typedef struct {
  char paths[MAX_FILES][2 * PATH_SIZE];
  size_t count;
} file_list;

static file_list list_files(const char *folder) {
  file_list files = {.count = 0};
  DIR *open = opendir(folder);
  for (struct dirent *file; open && (file = readdir(open));) {
    if (file->d_name[0] == '.') continue;
    ck_assert_uint_lt(files.count, MAX_FILES);
    snprintf(files.paths[files.count++], sizeof *files.paths, "%.200s/%.200s", folder,
             file->d_name);
  }
  if (open) closedir(open);
  return files;
}

static void write_file(const char *path, const char *bytes, size_t size) {
  dg_new_file file;
  ck_assert(dg_file_begin(&file, path, NULL));
  dg_file_write(&file, bytes, size);
  ck_assert(dg_file_commit(&file, NULL));
}

/** A file of `size` bytes that takes no room on the disk, last used so many seconds ago. */
static void make_sparse(const char *folder, const char *name, off_t size, time_t ago) {
  char path[2 * PATH_SIZE];
  snprintf(path, sizeof path, "%.200s/%.200s", folder, name);
  int file = open(path, O_CREAT | O_WRONLY, 0600);
  ck_assert_int_ge(file, 0);
  ck_assert_int_eq(ftruncate(file, size), 0);
  const struct timespec then = {.tv_sec = time(NULL) - ago};
  ck_assert_int_eq(futimens(file, (const struct timespec[]){then, then}), 0);
  close(file);
}

/* ---- what is kept ------------------------------------------------------- */

START_TEST(what_is_put_comes_back) {
  const char *folder = use_new_folder();
  expect_nothing("a");
  ck_assert(put("a", "first") && put("b", "second") && put("empty", ""));
  expect("a", "first");
  expect("b", "second");
  expect("empty", "");
  expect_nothing("ab");
  ck_assert(put("a", "another"));
  expect("a", "another");
  struct stat status;
  ck_assert_int_eq(stat(folder, &status), 0);
  ck_assert_int_eq(status.st_mode & 0777, 0700);
}
END_TEST

START_TEST(a_damaged_file_is_none) {
  const char *folder = use_new_folder();
  ck_assert(put("key", "value"));
  file_list files = list_files(folder);
  ck_assert_uint_eq(files.count, 1);
  size_t size;
  char *content = dg_file_read(files.paths[0], 1000, &size, NULL);
  ck_assert_ptr_nonnull(content);
  for (size_t i = 0; i < size; i++) {
    content[i] ^= 4;
    write_file(files.paths[0], content, size);
    expect_nothing("key");
    content[i] ^= 4;
    write_file(files.paths[0], content, i);
    expect_nothing("key");
  }
  write_file(files.paths[0], content, size + 1); /* a zero behind it */
  expect_nothing("key");
  ck_assert(put("key", "value"));
  expect("key", "value");
  free(content);
}
END_TEST

START_TEST(another_keys_file_is_none) {
  const char *folder = use_new_folder();
  ck_assert(put("key", "value"));
  file_list files = list_files(folder);
  char aside[2 * PATH_SIZE];
  snprintf(aside, sizeof aside, "%.400s.aside", files.paths[0]);
  ck_assert_int_eq(rename(files.paths[0], aside), 0);
  ck_assert(put("yek", "other"));
  files = list_files(folder);
  ck_assert_uint_eq(files.count, 2);
  const char *other = strcmp(files.paths[0], aside) == 0 ? files.paths[1] : files.paths[0];
  ck_assert_int_eq(rename(aside, other), 0);
  expect_nothing("yek");
}
END_TEST

START_TEST(the_oldest_are_evicted) {
  const char *folder = use_new_folder();
  ck_assert(put("used", "just now"));
  make_sparse(folder, "digits-0000000000000001", 100 << 20, 3000);
  make_sparse(folder, "digits-0000000000000002", 100 << 20, 1000);
  make_sparse(folder, "digits-0000000000000003.0123456789abcdef.tmp", 100 << 20, 2000);
  make_sparse(folder, "of-the-user", 300 << 20, 4000);
  make_sparse(folder, "digits-0123456789-of-the-user", 300 << 20, 4000);
  ck_assert(put("new", "one"));
  expect("used", "just now");
  expect("new", "one");
  file_list files = list_files(folder);
  ck_assert_uint_eq(files.count, 6); /* one of the three, that of 3000 seconds, had to go */
  for (size_t i = 0; i < files.count; i++)
    ck_assert_ptr_null(strstr(files.paths[i], "digits-0000000000000001"));
  ck_assert(!dg_cache_put("too large", "", (size_t)DG_CACHE_BYTES));
}
END_TEST

START_TEST(processes_share_it) {
  enum { PROCESSES = 4, TURNS = 50 };
  use_new_folder();
  for (int p = 0; p < PROCESSES; p++) {
    if (fork() != 0) continue;
    int wrong = 0;
    char value[2] = {(char)('a' + p), '\0'};
    for (int turn = 0; turn < TURNS; turn++) {
      size_t size = 0;
      wrong += !put("key", value);
      char *got = dg_cache_get("key", &size);
      wrong += !got || size != 1 || *got < 'a' || *got >= 'a' + PROCESSES;
      free(got);
    }
    _exit(wrong != 0);
  }
  for (int p = 0, status; p < PROCESSES; p++) {
    ck_assert_int_ge(wait(&status), 0);
    ck_assert_int_eq(status, 0);
  }
}
END_TEST

/* ---- the folder --------------------------------------------------------- */

START_TEST(it_can_be_turned_off) {
  setenv("DIGITS_CACHE", "off", 1);
  ck_assert(!put("key", "value"));
  expect_nothing("key");
}
END_TEST

/** Why results can't be saved. */
static void check_fault(const char *says) {
  dg_error err = {0};
  ck_assert(!dg_cache_check(&err));
  ck_assert_msg(strstr(err.message, says) && strstr(err.message, "set DIGITS_CACHE to a folder"),
                "expected \"%s\" in: %s", says, err.message);
}

START_TEST(a_folder_that_cannot_be_used) {
  char folder[PATH_SIZE];
  snprintf(folder, sizeof folder, "%s/in", shell_path("a-file"));
  write_file(shell_path("a-file"), "", 0);
  setenv("DIGITS_CACHE", folder, 1);
  ck_assert(!put("key", "value"));
  expect_nothing("key");
  check_fault("Not a directory");
  setenv("DIGITS_CACHE", "/proc/digits", 1); /* where nobody can write */
  ck_assert(!put("key", "value"));
  check_fault("/proc/digits: No such file or directory");
  setenv("DIGITS_CACHE", "off", 1);
  ck_assert(dg_cache_check(NULL));
  const char *open_to_all = use_new_folder();
  ck_assert(put("key", "value"));
  ck_assert_int_eq(chmod(open_to_all, 0777), 0);
  expect_nothing("key");
  ck_assert(!put("key", "value"));
  check_fault("no folder that only its owner may write to");
  ck_assert_int_eq(chmod(open_to_all, 0700), 0);
  ck_assert(dg_cache_check(NULL));
}
END_TEST

START_TEST(where_it_is) {
  char folder[PATH_SIZE];
  unsetenv("DIGITS_CACHE");
  unsetenv("XDG_CACHE_HOME");
  unsetenv("HOME");
  check_fault("HOME names no folder");
  setenv("XDG_CACHE_HOME", "/x", 1);
  setenv("HOME", "/h", 1);
  ck_assert(dg_cache_folder(folder, sizeof folder));
  ck_assert_str_eq(folder, "/x/digits");
  setenv("XDG_CACHE_HOME", "relative", 1);
  ck_assert(dg_cache_folder(folder, sizeof folder));
  ck_assert_str_eq(folder, "/h/.cache/digits");
  ck_assert(!dg_cache_folder(folder, 5));
  unsetenv("HOME");
  ck_assert(!dg_cache_folder(folder, sizeof folder));
  ck_assert(!put("key", "value"));
}
END_TEST

/* ---- programs ----------------------------------------------------------- */

/** A run of a few steps on an OpenCL device, opened for it. */
typedef struct {
  double losses[STEPS];
  unsigned long compiled; /**< programs */
} short_run;

static void on_step(void *user, uint64_t step, double loss, double accuracy) {
  (void)accuracy;
  ((short_run *)user)->losses[step] = loss;
}

static unsigned notes;

static void note(void *user, const char *message) {
  ck_assert_ptr_null(user);
  ck_assert_ptr_nonnull(
      strstr(message, "compiled kernels can't be kept for the next start: /proc"));
  notes++;
}

static short_run train(const char *device_number) {
  static const dg_override overrides[] = {{"test", "train.batch", "2"},
                                          {"test", "train.steps", "3"},
                                          {"test", "train.epochs", "1"},
                                          {"test", "train.keep", "last"},
                                          {"test", "data.validation", "0"}};
  short_run run = {.compiled = counts_now().of[COUNT_SOURCES]};
  dg_error err = {0};
  dg_dataset *data = dg_dataset_open(shell_path(""), 1, &err);
  dg_model *model = dg_model_load(DIGITS_SOURCE_DIR "/models/vanilla.cfg", overrides,
                                  sizeof overrides / sizeof *overrides, &err);
  dg_device *device = dg_device_open(&(dg_device_options){.size = sizeof(dg_device_options),
                                                          .backend = "opencl",
                                                          .device = device_number,
                                                          .note = note},
                                     &err);
  dg_trainer_options options = {
      .size = sizeof(dg_trainer_options),
      .seed = 1,
      .listener = &(dg_listener){.size = sizeof(dg_listener), .user = &run, .step = on_step}};
  dg_trainer *trainer =
      data && model && device ? dg_trainer_new(model, device, data, &options, &err) : NULL;
  ck_assert_msg(trainer && dg_trainer_train(trainer, &err), "%s", err.message);
  dg_trainer_free(trainer);
  dg_close(device);
  dg_model_free(model);
  dg_dataset_close(data);
  run.compiled = counts_now().of[COUNT_SOURCES] - run.compiled;
  return run;
}

/** Trains as before, to the same bits. */
static unsigned long compiled_again(const char *device, const short_run *first) {
  short_run run = train(device);
  ck_assert_mem_eq(run.losses, first->losses, sizeof run.losses);
  return run.compiled;
}

/** Puts bytes that are no program in place of each one that is kept. */
static void put_no_programs(const char *folder) {
  file_list files = list_files(folder);
  for (size_t i = 0; i < files.count; i++) {
    size_t size;
    char *content = dg_file_read(files.paths[i], DG_CACHE_BYTES, &size, NULL);
    ck_assert_ptr_nonnull(content);
    uint64_t length;
    memcpy(&length, content + KEY_LENGTH_AT, sizeof length);
    content[KEY_AT + length] = '\0';
    ck_assert(put(content + KEY_AT, "no program"));
    free(content);
  }
}

static void cut_files(const char *folder) {
  file_list files = list_files(folder);
  for (size_t i = 0; i < files.count; i++) ck_assert_int_eq(truncate(files.paths[i], 1000), 0);
}

static void check_device(const dg_device_info *listed) {
  char device[16];
  snprintf(device, sizeof device, "%u", listed->number);
  const char *folder = use_new_folder();
  short_run first = train(device);
  ck_assert_uint_gt(first.compiled, 0);
  if (strcmp(listed->platform, "Portable Computing Language") == 0) {
    ck_assert_uint_eq(list_files(folder).count, 0);
    printf("%s keeps its programs itself\n", listed->name);
    return;
  }
  ck_assert_uint_eq(list_files(folder).count, first.compiled);
  ck_assert_uint_eq(compiled_again(device, &first), 0);
  cut_files(folder);
  ck_assert_uint_eq(compiled_again(device, &first), first.compiled);
  ck_assert_uint_eq(compiled_again(device, &first), 0);
  put_no_programs(folder);
  ck_assert_uint_eq(compiled_again(device, &first), first.compiled);
  ck_assert_uint_eq(compiled_again(device, &first), 0);
  setenv("DIGITS_CACHE", "off", 1);
  ck_assert_uint_eq(compiled_again(device, &first), first.compiled);
  ck_assert_uint_eq(notes, 0);
  setenv("DIGITS_CACHE", "/proc/digits", 1);
  ck_assert_uint_eq(compiled_again(device, &first), first.compiled);
  ck_assert_uint_eq(notes, 1);
  printf("%s: a second start compiles nothing\n", listed->name);
}

START_TEST(a_second_start_compiles_nothing) {
  enum { MAX_DEVICES = 16 };
  dg_device_info devices[MAX_DEVICES];
  size_t count;
  ck_assert(dg_device_list(devices, sizeof(dg_device_info), MAX_DEVICES, &count, NULL));
  for (size_t i = 0; i < count && i < MAX_DEVICES; i++)
    if (strcmp(devices[i].backend, "opencl") == 0 && !*devices[i].fault) check_device(&devices[i]);
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  TCase *tests = tcase_create("cache");
  tcase_set_timeout(tests, 300);
  if (suite_has_backend("opencl")) tcase_add_test(tests, a_second_start_compiles_nothing);
  tcase_add_test(tests, what_is_put_comes_back);
  tcase_add_test(tests, a_damaged_file_is_none);
  tcase_add_test(tests, another_keys_file_is_none);
  tcase_add_test(tests, the_oldest_are_evicted);
  tcase_add_test(tests, processes_share_it);
  tcase_add_test(tests, it_can_be_turned_off);
  tcase_add_test(tests, a_folder_that_cannot_be_used);
  tcase_add_test(tests, where_it_is);
  int status = suite_main("cache", tests);
  shell_close();
  return status;
}
