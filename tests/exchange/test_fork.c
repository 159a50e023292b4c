/* What a child process may do after the library was used: compute on a device of its own, run a
   program. And the library's own child, which reads HDF5. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "digits/exchange.h"
#include "tests/common/fixture.h"
#include "tests/common/suite.h"

#define DATA_FOLDER DIGITS_SOURCE_DIR "/tests/exchange/data/"

enum { SECONDS = 60, IMAGES = 64 };

static const fixture_plan plan = {
    .layers = "{ type = \"conv2d\"; name = \"a\"; filters = 4; kernel = 5; }, { type = \"relu\"; },"
              "{ type = \"flatten\"; }, { type = \"linear\"; name = \"out\"; units = 10; }",
    .recipe = "train = { epochs = 1; batch = 16; keep = \"last\"; };",
    .train = IMAGES,
    .seed = 3};

/** The bias that training gives, on a backend. */
static void learn(const char *backend, double bias[10]) {
  fixture_plan its = plan;
  its.backend = backend;
  fixture f = fixture_new(&its);
  fixture_train(&f);
  double *values = fixture_read(&f, "out.bias", NULL);
  memcpy(bias, values, 10 * sizeof *bias);
  free(values);
  fixture_free(&f);
}

/** Waits for a child, which an alarm ends if it hangs. */
static void expect_success(pid_t child) {
  int status;
  ck_assert_int_gt(child, 0);
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}

/** The child trains on threads of its own, and learns the same; the parent goes on. */
START_TEST(a_child_may_open_a_cpu_device) {
  double expected[10], again[10];
  if (!suite_has_backend(fixture_backend(_i))) return;
  learn(NULL, expected);
  fixture_plan its = plan;
  its.backend = fixture_backend(_i);
  fixture used = fixture_new(&its);
  fixture_train(&used);
  pid_t child = fork();
  if (child == 0) {
    dg_error err = {0};
    double got[10];
    alarm(SECONDS);
    learn(NULL, got);
    dg_device *device = dg_open("cpu", NULL, 3, &err);
    dg_dataset *data = dg_dataset_draw(200, 10, 1, 3, &err);
    _exit(device && data && memcmp(got, expected, sizeof got) == 0 ? 0 : 1);
  }
  expect_success(child);
  dg_score score;
  ck_assert(dg_trainer_test(used.trainer, NULL, &score, NULL));
  fixture_free(&used);
  learn(NULL, again);
  ck_assert_mem_eq(again, expected, sizeof again);
}
END_TEST

START_TEST(a_child_may_run_a_program) {
  if (!suite_has_backend(fixture_backend(_i))) return;
  double bias[10];
  fixture_plan its = plan;
  its.backend = fixture_backend(_i);
  fixture used = fixture_new(&its);
  fixture_train(&used);
  pid_t child = fork();
  if (child == 0) {
    alarm(SECONDS);
    execl(DIGITS_BINARY_DIR "/tools/digits-run", "digits-run", "--version", (char *)NULL);
    _exit(1);
  }
  expect_success(child);
  fixture_free(&used);
  learn(fixture_backend(_i), bias);
}
END_TEST

/** The process that reads HDF5 is forked off while devices are open. */
START_TEST(hdf5_is_read_while_a_device_is_open) {
  char path[] = "/tmp/digits-fork-XXXXXX";
  dg_error err = {0};
  if (!suite_has_backend(fixture_backend(_i))) return;
  fixture_plan its = plan;
  its.backend = fixture_backend(_i);
  fixture used = fixture_new(&its);
  fixture_train(&used);
  suite_new_file(path);
  dg_model *model = dg_model_load(DATA_FOLDER "image.cfg", NULL, 0, &err);
  ck_assert_msg(model != NULL, "%s", err.message);
  const dg_convert_options options = {.size = sizeof options, .to = "safetensors"};
  alarm(SECONDS);
  ck_assert_msg(dg_weights_convert(DATA_FOLDER "hdf5/image.keras3.h5", path, model, &options, &err),
                "%s", err.message);
  alarm(0);
  dg_model_free(model);
  dg_score score;
  ck_assert(dg_trainer_test(used.trainer, NULL, &score, NULL));
  fixture_free(&used);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("fork");
  tcase_set_timeout(tests, 0);
  tcase_add_loop_test(tests, a_child_may_open_a_cpu_device, 0, 2);
  tcase_add_loop_test(tests, a_child_may_run_a_program, 0, 2);
  tcase_add_loop_test(tests, hdf5_is_read_while_a_device_is_open, 0, 2);
  return suite_main("fork", tests);
}
