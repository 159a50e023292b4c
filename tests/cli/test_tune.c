/*
 * Tuning as a user meets it: what is chosen is kept, told, and used by all programs from then on,
 * and changes no loss. A file that is damaged or says what can't be is none.
 */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/opencl/runtime/clblast.h"
#include "backends/opencl/runtime/tuning.h"
#include "core/device.h"
#include "digits/device.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

#define OPENCL "--backend opencl --device 0 "

enum { PATH_SIZE = 300, MAX_TRIALS = 64 };

/** Points the cache to a new folder of the test's own. */
static const char *use_new_folder(void) {
  static int number;
  static char folder[PATH_SIZE];
  snprintf(folder, sizeof folder, "%s/cache-%d", shell_path(""), ++number);
  setenv("DIGITS_CACHE", folder, 1);
  return folder;
}

static dg_cl_device *open_in(const char *form) {
  dg_error err = {0};
  const dg_open_options options = {.device = "0", .form = form};
  dg_device *device = dg_open_with("opencl", &options, &err);
  ck_assert_msg(device != NULL, "%s", err.message);
  return (dg_cl_device *)device;
}

/** Keeps for the first device, in a form, the second of its tiles of each kernel. */
static dg_cl_tuning keep_other_tiles(const char *form) {
  dg_cl_device *device = open_in(form);
  dg_cl_tuning tuning = dg_cl_tuning_default(device);
  for (int i = 0; i < DG_CL_TILED; i++) {
    size_t count;
    const dg_cl_tile *tiles = dg_cl_tile_choices(device, i, &count);
    if (count > 1) tuning.tiles[i] = tiles[1];
  }
  ck_assert(dg_cl_tuning_keep(device, &tuning));
  dg_close(&device->base);
  return tuning;
}

/** Opens the first device in a form and sees whether it has these tiles, and says so. */
static void expect_tiles(const char *form, const dg_cl_tuning *tuning) {
  dg_cl_device *device = open_in(form);
  const dg_cl_tuning usual = dg_cl_tuning_default(device);
  if (!tuning) tuning = &usual;
  ck_assert_mem_eq(device->tiles, tuning->tiles, sizeof device->tiles);
  const char *told = dg_device_tuned(&device->base);
  if (tuning == &usual) {
    ck_assert_str_eq(told, "");
  } else {
    char tile[DG_CL_TILE_TEXT];
    dg_cl_tile_text(tuning->tiles[DG_CL_INNER], tile);
    ck_assert_msg(strstr(told, tile) != NULL, "\"%s\" doesn't say %s", told, tile);
  }
  dg_close(&device->base);
}

/** The only file of a folder. */
static void only_file(const char *folder, char path[2 * PATH_SIZE]) {
  DIR *files = opendir(folder);
  int count = 0;
  for (struct dirent *file; files && (file = readdir(files));) {
    if (file->d_name[0] == '.') continue;
    snprintf(path, 2 * PATH_SIZE, "%.250s/%.250s", folder, file->d_name);
    count++;
  }
  if (files) closedir(files);
  ck_assert_int_eq(count, 1);
}

START_TEST(what_is_kept_is_used) {
  static const char *const forms[] = {NULL, "tile", "group"};
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    use_new_folder();
    expect_tiles(forms[i], NULL);
    const dg_cl_tuning tuning = keep_other_tiles(forms[i]);
    expect_tiles(forms[i], &tuning);
    if (forms[i]) expect_tiles(i == 1 ? "group" : "tile", NULL);
    setenv("DIGITS_CACHE", "off", 1);
    expect_tiles(forms[i], NULL);
  }
}
END_TEST

START_TEST(what_can_not_be_is_ignored) {
  char path[2 * PATH_SIZE];
  const char *folder = use_new_folder();
  const dg_cl_tuning tuning = keep_other_tiles("tile");
  expect_tiles("tile", &tuning);
  only_file(folder, path);
  FILE *file = fopen(path, "r+");
  ck_assert_ptr_nonnull(file);
  ck_assert_int_eq(fseek(file, -5, SEEK_END), 0);
  ck_assert_int_ne(fputc(77, file), EOF);
  ck_assert_int_eq(fclose(file), 0);
  expect_tiles("tile", NULL);

  dg_cl_device *device = open_in("tile");
  const dg_cl_tuning usual = dg_cl_tuning_default(device);
  for (int i = 0; i <= DG_CL_TILED; i++) {
    dg_cl_tuning wrong = usual;
    if (i < DG_CL_TILED)
      wrong.tiles[i].rows = 1000;
    else
      wrong.own_linear = 1; /* this form has no linear layers by CLBlast */
    ck_assert(dg_cl_tuning_keep(device, &wrong));
    expect_tiles("tile", NULL);
  }
  dg_close(&device->base);
}
END_TEST

/** A tuned device in this form has large linear layers without CLBlast, and says so. */
START_TEST(linear_layers_without_clblast) {
  use_new_folder();
  dg_cl_device *device = open_in("group");
  device->usual_blast = DG_CL_BLAST_LARGE; /* as on a GPU */
  dg_cl_tuning tuning = dg_cl_tuning_default(device);
  tuning.own_linear = 1;
  dg_cl_tuning_use(device, &tuning);
  ck_assert_int_eq(device->blast, DG_CL_BLAST_NEVER);
  ck_assert_str_eq(dg_device_tuned(&device->base), "linear without CLBlast");
  ck_assert(dg_cl_tuning_keep(device, &tuning));
  tuning.own_linear = 0;
  dg_cl_tuning_use(device, &tuning);
  ck_assert_int_eq(device->blast, DG_CL_BLAST_LARGE);
  dg_cl_tuning_load(device);
  ck_assert_int_eq(device->blast, DG_CL_BLAST_NEVER);
  dg_close(&device->base);
  expect_tiles("group", NULL);
}
END_TEST

/* ---- programs ----------------------------------------------------------- */

START_TEST(programs_tell_and_lose_alike) {
  static const char *const train =
      RUN OPENCL "--data . --epochs 1 --batch 20 --set train.steps=3 --set data.validation=0 "
                 "--set train.keep=last --log %s cnn && grep '\"step\"' %s > %s.steps";
  char command[2 * PATH_SIZE];
  use_new_folder();
  snprintf(command, sizeof command, train, "usual", "usual", "usual");
  shell_check(command, 0, "");
  shell_check("grep -c '\"tuned\"' usual", 1, "0\n");
  keep_other_tiles(NULL);
  shell_check(RUN "--list-devices", 0, "    tuned          outer ");
  snprintf(command, sizeof command, train, "tuned", "tuned", "tuned");
  shell_check(command, 0, "");
  shell_check("grep -o '\"tuned\":\"outer' tuned", 0, "\"tuned\":\"outer");
  shell_check("cmp usual.steps tuned.steps && wc -l < tuned.steps", 0, "3\n");
}
END_TEST

/** The trials of each kernel begin with the default, and one of them is chosen. */
static void check_trials(const dg_trial *trials, size_t count) {
  size_t chosen = 0, kernels = 0;
  for (size_t i = 0; i < count; i++) {
    const bool first = i == 0 || strcmp(trials[i].kernel, trials[i - 1].kernel) != 0;
    ck_assert_msg(!*trials[i].fault, "%s %s: %s", trials[i].kernel, trials[i].tile,
                  trials[i].fault);
    ck_assert_double_gt(trials[i].operations, 0);
    ck_assert_int_eq(trials[i].by_default, first);
    kernels += first;
    chosen += trials[i].chosen;
  }
  ck_assert_uint_eq(chosen, kernels);
}

START_TEST(a_device_is_tuned) {
  dg_trial trials[MAX_TRIALS];
  size_t count;
  bool kept;
  dg_error err = {0};
  use_new_folder();
  dg_device *device = dg_open("opencl", "0", 0, &err);
  ck_assert_msg(
      device && dg_device_tune(device, trials, sizeof(dg_trial), MAX_TRIALS, &count, &kept, &err),
      "%s", err.message);
  ck_assert(kept);
  ck_assert_uint_gt(count, 2);
  check_trials(trials, count);
  for (size_t i = 0; i < count; i++)
    if (trials[i].chosen && !trials[i].by_default)
      ck_assert_ptr_nonnull(strstr(dg_device_tuned(device), trials[i].tile));
  dg_device *again = dg_open("opencl", "0", 0, &err);
  ck_assert_msg(again != NULL, "%s", err.message);
  ck_assert_str_eq(dg_device_tuned(again), dg_device_tuned(device));
  dg_close(again);
  dg_close(device);
}
END_TEST

static const shell_line lines[] = {
    {BENCH "--tune --backend cpu", 0,
     "nothing to tune: its tiles are made for each instruction set"},
    {BENCH "--tune cnn", 2, "--tune takes no MODEL, but there is \"cnn\""},
    {BENCH "--tune --json x", 2, "--json doesn't go with --tune"},
    {BENCH "--tune --batch 3", 2, "--batch doesn't go with --tune"},
    {BENCH "--tune --first-step", 2, "--tune and --first-step"},
    {BENCH "--tune --backend opencl --device 99", 2, "no device 99"},
    {"DIGITS_CACHE=off " BENCH "--tune " OPENCL, 0, "nothing is kept: "},
};

START_TEST(command_lines) {
  shell_check(lines[_i].command, lines[_i].status, lines[_i].says);
}
END_TEST

int main(void) {
  if (!suite_has_backend("opencl")) return 77;
  if (!shell_open()) return 1;
  TCase *tests = tcase_create("tune");
  tcase_set_timeout(tests, 600);
  tcase_add_test(tests, what_is_kept_is_used);
  tcase_add_test(tests, what_can_not_be_is_ignored);
  if (dg_cl_blast_built_in()) tcase_add_test(tests, linear_layers_without_clblast);
  tcase_add_test(tests, programs_tell_and_lose_alike);
  tcase_add_test(tests, a_device_is_tuned);
  tcase_add_loop_test(tests, command_lines, 0, sizeof lines / sizeof *lines);
  int status = suite_main("tune", tests);
  shell_close();
  return status;
}
