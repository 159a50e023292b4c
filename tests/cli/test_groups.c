/* Devices with small work-groups: networks learn the same bits as in large ones, since the size of
   a work-group changes no sum. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/shell.h"
#include "tests/common/suite.h"

#define LIMITED "LD_PRELOAD=\"" DIGITS_TEST_SMALL_GROUPS "\" "

typedef struct {
  const char *limits;
  unsigned largest; /**< work-items that a work-group may have */
} device;

static const device devices[] = {
    {"DIGITS_TEST_GROUP=1", 1},
    {"DIGITS_TEST_KERNEL=12 DIGITS_TEST_GPU=1", 8},
    {"DIGITS_TEST_SIDES='256 1 1'", 256},
    {"DIGITS_TEST_GROUP=32 DIGITS_TEST_GPU=1", 32},
    {"DIGITS_TEST_GROUP=8", 8},
    {"DIGITS_TEST_GROUP=16 DIGITS_TEST_SIDES='1 16 1'", 16},
    {"DIGITS_TEST_SIDES='1 1 64' DIGITS_TEST_GPU=1", 64},
    {"DIGITS_TEST_KERNEL=100", 64},
};
static const char *const models[] = {"cnn", "gru", "m3"};
/* how many of them by default; $DIGITS_TEST_ALL_GROUPS: all */
enum {
  DEVICES = sizeof devices / sizeof *devices,
  SOME_DEVICES = 2,
  ALL_MODELS = 3,
  SOME_MODELS = 2
};

/** Two steps and a test; the log's losses are left in a file. */
static void train(const char *limits, const char *model, const char *losses) {
  char command[1000];
  snprintf(command, sizeof command,
           "rm -f log; env %s " RUN "--backend opencl --data . --epochs 1 --batch 30 "
           "--set train.steps=2 --set data.validation=30 --quiet --log log %s && "
           "grep -e '\"step\"' -e '\"test\"' log | grep -o '\"loss\":[^,}]*' > %s",
           limits, model, losses);
  shell_check(command, 0, "");
}

START_TEST(the_same_is_learned) {
  const bool all = getenv("DIGITS_TEST_ALL_GROUPS");
  for (int m = 0; m < (all ? ALL_MODELS : SOME_MODELS); m++) {
    train("", models[m], "right");
    shell_check("wc -l < right", 0, "3\n");
    for (int d = 0; d < (all ? DEVICES : SOME_DEVICES); d++) {
      char limits[300];
      unsigned long launches = 0, largest = 0;
      snprintf(limits, sizeof limits, LIMITED "%s", devices[d].limits);
      train(limits, models[m], "got");
      const char *told = strstr(shell_printed(), " launches, ");
      while (told && told > shell_printed() && told[-1] != '\n') told--;
      ck_assert_msg(told &&
                        sscanf(told, "%lu launches, the largest of %lu", &launches, &largest) == 2,
                    "%s", shell_printed());
      ck_assert_uint_gt(launches, 20);
      ck_assert_uint_le(largest, devices[d].largest);
      shell_check("diff right got", 0, "");
    }
  }
}
END_TEST

#define FORCED(form, limit)                                                                        \
  "env " LIMITED "DIGITS_TEST_" limit " DIGITS_TEST_FORM=" form " DIGITS_TEST_BACKEND=opencl "     \
  "\"$DIGITS_TEST_TOOLS\"/../tests/test_sizes"

/** A kernel form that needs more is refused when the device is opened. */
static const shell_line forced[] = {
    {FORCED("group", "GROUP=255"), 77,
     "kernels for GPUs need work-groups of 16 x 16 x 1 work-items; the device "},
    {FORCED("group", "KERNEL=255"), 77,
     "calls of the kernel gemm_outer need work-groups of 16 x 16 x 1 work-items; the device "},
    {FORCED("group", "SIDES='64 64 64'"), 77, "need work-groups of 128 x 1 x 1 work-items"},
    {FORCED("clblast", "SIDES='256 1 1'"), 77,
     "kernels of CLBlast need work-groups of 16 x 16 x 1 work-items; the device "},
};

START_TEST(large_groups_are_refused) {
  for (size_t i = 0; i < sizeof forced / sizeof *forced; i++)
    shell_check(forced[i].command, forced[i].status, forced[i].says);
}
END_TEST

int main(void) {
  if (!suite_has_backend("opencl")) return 77;
  if (!shell_open()) return EXIT_FAILURE;
  TCase *tests = tcase_create("groups");
  tcase_set_timeout(tests, 0);
  tcase_add_test(tests, the_same_is_learned);
  tcase_add_test(tests, large_groups_are_refused);
  int status = suite_main("groups", tests);
  shell_close();
  return status;
}
