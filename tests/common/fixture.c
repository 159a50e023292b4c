#include "tests/common/fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static dg_model *load(const fixture_plan *plan) {
  char path[] = "/tmp/digits-model-XXXXXX";
  dg_error err = {0};
  int number = mkstemp(path);
  FILE *file = number < 0 ? NULL : fdopen(number, "w");
  ck_assert_msg(file != NULL, "%s can't be written", path);
  fprintf(file, "name = \"small\"; input = [1, 28, 28];\nlayers = (\n%s);\n%s\n", plan->layers,
          plan->recipe ? plan->recipe : "");
  fclose(file);
  dg_model *model = dg_model_load(path, NULL, 0, &err);
  unlink(path);
  ck_assert_msg(model != NULL, "%s", err.message);
  return model;
}

fixture fixture_new(const fixture_plan *plan) {
  const char *backend = plan->backend ? plan->backend : "cpu";
  const unsigned threads = strcmp(backend, "cpu") == 0 ? 1 : 0;
  dg_listener listener = plan->listener;
  listener.size = sizeof listener;
  const dg_trainer_options options = {.size = sizeof options,
                                      .seed = plan->seed,
                                      .test_only = plan->test_only,
                                      .checkpoint = plan->state,
                                      .resume = plan->resume,
                                      .listener = &listener};
  dg_error err = {0};
  fixture f = {.model = load(plan)};
  f.data = dg_dataset_draw(plan->train ? plan->train : 1, plan->test ? plan->test : 1, 1, 1, &err);
  ck_assert_msg(f.data != NULL, "%s", err.message);
  f.device = dg_open(backend, NULL, threads, &err);
  ck_assert_msg(f.device != NULL, "%s", err.message);
  f.trainer = dg_trainer_new(f.model, f.device, f.data, &options, &err);
  ck_assert_msg(f.trainer != NULL, "%s", err.message);
  return f;
}

void fixture_free(fixture *f) {
  dg_trainer_free(f->trainer);
  dg_dataset_close(f->data);
  dg_close(f->device);
  dg_model_free(f->model);
}

void fixture_train(fixture *f) {
  dg_error err = {0};
  ck_assert_msg(dg_trainer_train(f->trainer, &err), "%s", err.message);
}

double *fixture_read(fixture *f, const char *name, size_t *count) {
  enum { MOST = 64 };
  dg_parameter list[MOST];
  dg_error err = {0};
  uint32_t all = dg_trainer_list_parameters(f->trainer, list, sizeof(dg_parameter), MOST), i = 0;
  ck_assert_uint_le(all, MOST);
  while (i < all && strcmp(list[i].name, name) != 0) i++;
  ck_assert_msg(i < all, "no parameter %s", name);
  float *values = fixture_alloc(list[i].count, sizeof *values);
  ck_assert_msg(dg_trainer_get_parameter(f->trainer, name, values, &err), "%s", err.message);
  double *wide = fixture_alloc(list[i].count, sizeof *wide);
  for (size_t k = 0; k < list[i].count; k++) wide[k] = values[k];
  if (count) *count = list[i].count;
  free(values);
  return wide;
}

void *fixture_alloc(size_t count, size_t size) {
  void *memory = calloc(count ? count : 1, size);
  if (!memory) ck_abort_msg("%zu numbers of %zu bytes: out of memory", count, size);
  return memory;
}

const char *fixture_backend(int index) {
  return index ? "opencl" : "cpu";
}
