/* What is planned is compared with the memory that is left before the first buffer is asked for:
   with limits of a control group, in files that the test writes, and of addresses. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/base/limits/memory.h"
#include "core/exec/network.h"
#include "core/model/model.h"
#include "digits/data.h"
#include "digits/device.h"
#include "digits/train.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

enum { BATCH = 64, TRAIN = 300, TEST = 100, PIXELS = 28 * 28 };

static const char text[] =
    "name = \"net\"; input = [1, 28, 28]; data = { validation = 20; };"
    "layers = ({ type = \"flatten\"; }, { type = \"linear\"; name = \"out\"; units = 10; });"
    "train = { epochs = 1; batch = 64; average = 0.9; optimizer = { type = \"adam\"; }; };";

/* ---- a device in a control group ------------------------------------------ */

static struct {
  const dg_device_calls *real;
  char root[200];
  unsigned buffers; /**< that were asked for */
} device;

static dg_buffer *buffer_new(dg_device *d, size_t bytes, dg_error *err) {
  device.buffers++;
  return device.real->buffer_new(d, bytes, err);
}

static dg_memory_left memory_left(const dg_device *d) {
  (void)d;
  return dg_memory_find_left(device.root);
}

static void make_group(void) {
  snprintf(device.root, sizeof device.root, "%s", shell_path("g"));
  shell_check("mkdir -p g/proc/self g/sys/fs/cgroup/a && echo 0::/a > g/proc/self/cgroup && "
              "echo 1000 > g/sys/fs/cgroup/a/memory.current",
              0, "");
}

/** Sets the limit of the group, of which 1000 bytes are in use. */
static void set_limit(uint64_t left) {
  char command[200];
  snprintf(command, sizeof command, "echo %llu > g/sys/fs/cgroup/a/memory.max",
           (unsigned long long)left + 1000);
  ck_assert_int_eq(shell(command), 0);
}

static dg_device *open_device(dg_device_calls *calls) {
  dg_error err = {0};
  dg_device *d = dg_open("cpu", NULL, 1, &err);
  ck_assert_msg(d != NULL, "%s", err.message);
  *calls = *(device.real = d->calls);
  calls->buffer_new = buffer_new;
  calls->memory_left = memory_left;
  d->calls = calls;
  return d;
}

static void close_device(dg_device *d) {
  d->calls = device.real;
  dg_close(d);
}

/* ---- the sum ------------------------------------------------------------- */

/** The sum by hand: what --describe shows, Adam's two arrays, the average and the best parameters.
    `arena` is the part that grows with the batch. */
static uint64_t expected(const dg_model *model, dg_device *d, bool train, uint64_t *arena) {
  dg_error err = {0};
  dg_network *network = dg_network_plan(model, d, BATCH, train, &err);
  ck_assert_msg(network != NULL, "%s", err.message);
  uint64_t bytes = dg_network_bytes(network);
  *arena = dg_network_arena(network);
  if (train) bytes += 4 * (3 * (uint64_t)dg_network_learned(network) + dg_network_floats(network));
  dg_network_free(network);
  return bytes;
}

static dg_trainer *make(const dg_model *model, dg_device *d, const dg_dataset *data, bool train,
                        dg_error *err) {
  const dg_trainer_options how = {.size = sizeof how, .test_only = !train};
  *err = (dg_error){0};
  device.buffers = 0;
  return dg_trainer_new(model, d, data, &how, err);
}

START_TEST(the_sum_is_compared_first) {
  const bool train = _i;
  dg_error err = {0};
  make_group();
  dg_device_calls calls;
  dg_device *d = open_device(&calls);
  dg_model *model = dg_model_parse(text, "text", NULL, 0, &err);
  dg_dataset *data = dg_dataset_draw(TRAIN, TEST, 1, 1, &err);
  ck_assert_msg(model && data, "%s", err.message);
  uint64_t arena;
  const uint64_t bytes = expected(model, d, train, &arena),
                 one_sample = bytes - arena + arena / BATCH;

  /* with all images, with those to train on or a batch of those to test, or with nothing */
  const uint64_t image = PIXELS + 1 + 4, indices = 4 * (TRAIN - 20 + TEST);
  set_limit(bytes + (train ? indices + TRAIN * (PIXELS + 1) : TEST * image));
  dg_trainer *t = make(model, d, data, train, &err);
  ck_assert_msg(t != NULL, "%s", err.message);
  dg_trainer_free(t);

  set_limit(bytes + TEST * image - 1);
  t = make(model, d, data, train, &err);
  ck_assert_int_eq(t != NULL, !train);
  ck_assert_int_eq(err.kind, train ? DG_ERR_INPUT : DG_OK);
  ck_assert_int_eq(err.remedy, train ? DG_REMEDY_MODEL_KEY : DG_REMEDY_NONE);
  dg_trainer_free(t);

  set_limit(bytes);
  ck_assert_ptr_null(make(model, d, data, train, &err));
  ck_assert_int_eq(err.remedy, DG_REMEDY_BATCH);
  ck_assert_ptr_nonnull(strstr(err.message, "the memory for samples on the device holds 0 of"));

  set_limit(bytes - 1);
  ck_assert_ptr_null(make(model, d, data, train, &err));
  ck_assert_int_eq(err.kind, DG_ERR_MEMORY);
  ck_assert_int_eq(err.remedy, DG_REMEDY_BATCH);
  ck_assert_uint_eq(device.buffers, 0);
  ck_assert_ptr_nonnull(strstr(err.message, "for 64 samples at a time"));
  ck_assert_ptr_nonnull(strstr(err.message, "the memory limit of the control group leaves 0 MB"));

  set_limit(one_sample);
  ck_assert_ptr_null(make(model, d, data, train, &err));
  ck_assert_int_eq(err.remedy, DG_REMEDY_BATCH);

  set_limit(one_sample - 1); /* no batch helps */
  ck_assert_ptr_null(make(model, d, data, train, &err));
  ck_assert_int_eq(err.remedy, DG_REMEDY_NONE);

  set_limit(1000);
  ck_assert_ptr_null(make(model, d, data, train, &err));
  ck_assert_int_eq(err.remedy, DG_REMEDY_NONE);
  ck_assert_ptr_nonnull(strstr(err.message, "take a smaller network"));
  dg_dataset_close(data);
  dg_model_free(model);
  close_device(d);
}
END_TEST

/* ---- limits of addresses ---------------------------------------------------- */

#ifndef DIGITS_TEST_SANITIZED /* sanitizers take more addresses than there are */
/** 47 MB of images, where 30 MB are left. */
START_TEST(data_are_compared_too) {
  dg_error err = {0};
  struct rlimit before, now;
  ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
  now = (struct rlimit){(rlim_t)1 << 40, before.rlim_max};
  ck_assert_int_eq(setrlimit(RLIMIT_AS, &now), 0);
  const uint64_t used = now.rlim_cur - dg_memory_find_left("").bytes;
  now.rlim_cur = used + ((rlim_t)30 << 20);
  ck_assert_int_eq(setrlimit(RLIMIT_AS, &now), 0);
  dg_dataset *data = dg_dataset_draw(60000, 100, 1, 1, &err);
  ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
  ck_assert_ptr_null(data);
  ck_assert_int_eq(err.kind, DG_ERR_MEMORY);
  ck_assert_ptr_nonnull(strstr(err.message, "a set of 60000 images of 28x28 needs 45 MB; the "
                                            "memory limit of RLIMIT_AS"));
}
END_TEST

#define LIMITED "ulimit -v 3000000 && "
#define TRAIN_M3 RUN "--backend cpu --threads 1 --data . --batch 20000 --epochs 1 m3"

START_TEST(programs_say_what_to_lower) {
  shell_check(LIMITED TRAIN_M3, 1, "MB for 20000 samples at a time");
  shell_check(LIMITED TRAIN_M3, 1, "RLIMIT_AS (ulimit -v) leaves");
  shell_check(LIMITED TRAIN_M3, 1, "try a smaller --batch");
}
END_TEST
#endif

int main(void) {
  TCase *tests = tcase_create("memory_limit");
  if (!shell_open()) return 1;
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, the_sum_is_compared_first, 0, 2);
#ifndef DIGITS_TEST_SANITIZED
  tcase_add_test(tests, data_are_compared_too);
  tcase_add_test(tests, programs_say_what_to_lower);
#endif
  int status = suite_main("memory_limit", tests);
  shell_close();
  return status;
}
