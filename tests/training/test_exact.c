/*
 * Every model of the zoo, trained for two steps: with train.exact the parameters are the same bits
 * with any number of threads; and whatever a trainer says is exact has these bits without it.
 */
#include <check.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/fixture.h"
#include "tests/common/suite.h"

enum { MAX_PARAMETERS = 128 };

/** All learned numbers after some steps. */
typedef struct {
  float *values;
  size_t count;
  bool exact; /**< as the trainer says */
} outcome;

static dg_trainer *trainer_of(const dg_model *model, dg_device *device, const dg_dataset *data) {
  dg_error err = {0};
  dg_trainer *trainer =
      dg_trainer_new(model, device, data,
                     &(dg_trainer_options){.size = sizeof(dg_trainer_options), .seed = 3}, &err);
  ck_assert_msg(trainer != NULL, "%s", err.message);
  return trainer;
}

static outcome read_all(dg_trainer *trainer) {
  dg_parameter list[MAX_PARAMETERS];
  dg_error err = {0};
  outcome o = {.exact = dg_trainer_exact(trainer)};
  uint32_t all = dg_trainer_list_parameters(trainer, list, sizeof(dg_parameter), MAX_PARAMETERS);
  ck_assert_uint_le(all, MAX_PARAMETERS);
  for (uint32_t i = 0; i < all; i++) o.count += list[i].count;
  float *to = o.values = fixture_alloc(o.count, sizeof *o.values);
  for (uint32_t i = 0; i < all; to += list[i++].count)
    ck_assert_msg(dg_trainer_get_parameter(trainer, list[i].name, to, &err), "%s", err.message);
  return o;
}

static outcome train(const char *path, const dg_dataset *data, unsigned threads, bool exact) {
  const dg_override overrides[] = {{"test", "train.epochs", "1"},
                                   {"test", "train.steps", "2"},
                                   {"test", "train.keep", "last"},
                                   {"test", "data.validation", "0"},
                                   {"test", "train.exact", exact ? "true" : "false"}};
  dg_error err = {0};
  dg_model *model = dg_model_load(path, overrides, sizeof overrides / sizeof *overrides, &err);
  ck_assert_msg(model != NULL, "%s", err.message);
  dg_device *device = dg_open("cpu", NULL, threads, &err);
  ck_assert_msg(device != NULL, "%s", err.message);
  dg_trainer *trainer = trainer_of(model, device, data);
  ck_assert_msg(dg_trainer_train(trainer, &err), "%s: %s", path, err.message);
  outcome o = read_all(trainer);
  dg_trainer_free(trainer);
  dg_close(device);
  dg_model_free(model);
  return o;
}

/** The digits, or what else the model's input is made for; NULL: it takes large pictures, and many
    parameters, for which two steps take long. */
static dg_dataset *data_for(const char *path, dg_error *err) {
  uint32_t dim[3];
  dg_model *model = dg_model_load(path, NULL, 0, err);
  const uint32_t rank = model ? dg_model_input(model, dim) : 0;
  const dg_dataset_options table = {.size = sizeof table, .label = "class"},
                           signals = {.size = sizeof signals};
  dg_model_free(model);
  return rank == 1      ? dg_dataset_open_with("builtin:table", &table, err)
         : rank == 2    ? dg_dataset_open_with("builtin:signals", &signals, err)
         : dim[1] == 28 ? dg_dataset_draw(1100, 1, 1, 0, err)
                        : NULL;
}

static void check_model(const char *path) {
  static const unsigned threads[] = {2, 3, 7};
  dg_error err = {0};
  dg_dataset *data = data_for(path, &err);
  if (!data && err.kind == DG_OK) return;
  ck_assert_msg(data != NULL, "%s", err.message);
  const outcome one = train(path, data, 1, true);
  ck_assert(one.exact);
  for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
    for (int exact = 0; exact < 2; exact++) {
      const outcome o = train(path, data, threads[i], exact);
      ck_assert(o.exact || !exact);
      ck_assert_uint_eq(o.count, one.count);
      ck_assert_msg(!o.exact || memcmp(o.values, one.values, o.count * sizeof *o.values) == 0,
                    "%s%s: %u threads come to other parameters than one", path,
                    exact ? "" : ", without train.exact", threads[i]);
      free(o.values);
    }
  free(one.values);
  dg_dataset_close(data);
}

START_TEST(any_number_of_threads) {
  glob_t models;
  ck_assert_int_eq(glob(DIGITS_SOURCE_DIR "/models/*.cfg", 0, NULL, &models), 0);
  for (size_t i = 0; i < models.gl_pathc; i++) check_model(models.gl_pathv[i]);
  globfree(&models);
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("exact");
  tcase_set_timeout(tcase, 600);
  tcase_add_test(tcase, any_number_of_threads);
  return suite_main("exact", tcase);
}
