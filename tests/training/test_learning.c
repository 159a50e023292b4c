/*
 * What a network learns: values in their own units, several labels, classes with weights, its
 * input; on both backends, over sets of arrays in memory.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/philox.h"
#include "core/model/model.h"
#include "digits/bench.h"
#include "tests/common/fixture.h"
#include "tests/common/suite.h"

enum { TRAIN = 1024, TEST = 200, COLUMNS = 3, TARGETS = 2 };

/** Rows whose columns differ much in their sizes, and what follows from them. */
static struct {
  float inputs[TRAIN + TEST][COLUMNS], values[TRAIN + TEST][TARGETS], yes[TRAIN + TEST][TARGETS];
  uint8_t labels[TRAIN + TEST];
} rows;

static void fill_rows(void) {
  dg_random random = dg_random_start(3, 0, 0, 0);
  for (int i = 0; i < TRAIN + TEST; i++) {
    const float a = 2 * dg_uniform(dg_random_word(&random)) - 1;
    const float b = 2 * dg_uniform(dg_random_word(&random)) - 1;
    const float c = 2 * dg_uniform(dg_random_word(&random)) - 1;
    memcpy(rows.inputs[i], (float[]){a, 1000 + 500 * b, 0.01f * c}, sizeof rows.inputs[i]);
    memcpy(rows.values[i], (float[]){300 + 20 * a - 10 * b, 0.5f * c - 7}, sizeof rows.values[i]);
    memcpy(rows.yes[i], (float[]){a > 0, b + c > 0}, sizeof rows.yes[i]);
    rows.labels[i] = a > 0.8f;
  }
}

typedef enum { VALUES, YES, LABELS } wanted;

static dg_sample_arrays arrays_of(wanted what, int first, uint32_t count) {
  dg_sample_arrays a = {.size = sizeof a,
                        .inputs = {2, {count, COLUMNS}, DG_NUMBERS_FLOATS, rows.inputs[first]}};
  if (what == LABELS)
    a.labels = rows.labels + first;
  else
    a.targets = (dg_ndarray){
        2, {count, TARGETS}, DG_NUMBERS_FLOATS, what == YES ? rows.yes[first] : rows.values[first]};
  return a;
}

/** A network of one layer with that much more in its model file. */
static dg_model *model_of(uint32_t units, const char *more) {
  char text[600];
  dg_error err = {0};
  snprintf(
      text, sizeof text,
      "name = \"m\"; input = [3]; layers = ({ type = \"linear\"; name = \"out\"; units = %u; });"
      " %s",
      units, more);
  dg_model *model = dg_model_parse(text, "m.cfg", NULL, 0, &err);
  ck_assert_msg(model != NULL, "%s", err.message);
  return model;
}

/** A trainer over the rows; NULL and an error if the model doesn't fit them. */
static fixture rig(int backend, wanted what, uint32_t units, const char *more, dg_error *err) {
  const dg_sample_arrays train = arrays_of(what, 0, TRAIN), test = arrays_of(what, TRAIN, TEST);
  const dg_trainer_options options = {.size = sizeof options, .seed = 1};
  fixture f = {.model = model_of(units, more),
               .data = dg_dataset_from_arrays(&train, &test, false, err),
               .device = dg_open(fixture_backend(backend), NULL, 0, err)};
  ck_assert_msg(f.data && f.device, "%s", err->message);
  f.trainer = dg_trainer_new(f.model, f.device, f.data, &options, err);
  return f;
}

#define MEASURED "data = { mean = \"measure\"; std = \"measure\"; targets = \"measure\"; };"
#define TRAINED                                                                                    \
  "train = { epochs = 30; batch = 32; optimizer = { type = \"adam\"; lr = 0.02; };"                \
  " schedule = { type = \"cosine\"; }; };"

static dg_metrics_of_all metrics_of(const fixture *f, float *outputs) {
  dg_metrics_of_all m;
  dg_error err = {0};
  ck_assert_msg(dg_trainer_predict(f->trainer, NULL, outputs, &err) &&
                    dg_trainer_test_metrics(f->trainer, NULL, outputs, &m, sizeof m, &err),
                "%s", err.message);
  return m;
}

/** The metrics of each output have the mean that those of all have. */
static void check_each(const fixture *f, const float *outputs, const dg_metrics_of_all *all) {
  dg_metrics_of_output each[TARGETS];
  dg_error err = {0};
  double mae = 0, f1 = 0;
  ck_assert_msg(
      dg_trainer_test_outputs(f->trainer, NULL, outputs, each, sizeof *each, TARGETS, &err), "%s",
      err.message);
  for (int k = 0; k < TARGETS; k++) {
    mae += each[k].mae / TARGETS;
    f1 += each[k].f1 / TARGETS;
  }
  ck_assert_double_eq_tol(mae, all->mae, 1e-9 * (1 + mae));
  ck_assert_double_eq_tol(f1, all->f1_macro, 1e-9);
}

START_TEST(values_are_learned_in_their_units) {
  static const char *const losses[] = {"mse", "mae", "huber"};
  char more[400];
  float outputs[TEST][TARGETS];
  dg_error err = {0};
  if (!suite_has_backend(fixture_backend(_i / 3))) return;
  snprintf(more, sizeof more, "loss = \"%s\"; " MEASURED TRAINED, losses[_i % 3]);
  fixture f = rig(_i / 3, VALUES, TARGETS, more, &err);
  ck_assert_msg(f.trainer != NULL, "%s", err.message);
  ck_assert_int_eq(dg_trainer_task(f.trainer), DG_TASK_VALUES);
  fixture_train(&f);
  const dg_metrics_of_all m = metrics_of(&f, outputs[0]);
  ck_assert_double_gt(m.r2, 0.999);
  check_each(&f, outputs[0], &m);
  ck_assert_double_lt(m.rmse, 0.3); /* of numbers around 300, of a deviation of 13 */
  for (int i = 0; i < TEST; i++)
    for (int k = 0; k < TARGETS; k++)
      ck_assert_double_eq_tol((double)outputs[i][k], (double)rows.values[TRAIN + i][k],
                              k ? 0.05 : 1.5);
  fixture_free(&f);
}
END_TEST

START_TEST(measured_numbers_travel_with_the_weights) {
  char path[] = "/tmp/digits-learning-XXXXXX";
  float before[TEST][TARGETS], after[TEST][TARGETS];
  dg_error err = {0};
  close(mkstemp(path));
  fixture f = rig(0, VALUES, TARGETS, "loss = \"mse\"; " MEASURED TRAINED, &err);
  ck_assert(f.trainer && dg_trainer_save(f.trainer, path, &err));
  ck_assert(dg_trainer_predict(f.trainer, NULL, before[0], &err));
  dg_model *saved = dg_model_from_weights(path, NULL, 0, &err);
  ck_assert_msg(saved != NULL, "%s", err.message);
  ck_assert_uint_eq(saved->data.mean.count, COLUMNS);
  ck_assert_double_eq_tol(saved->data.mean.values[1], 1000, 30);
  ck_assert_double_eq_tol(saved->data.std.values[1], 500 / sqrt(3), 15);
  ck_assert_double_eq_tol(saved->data.target_mean.values[0], 300, 2);
  const dg_trainer_options options = {.size = sizeof options, .test_only = true};
  dg_trainer *tester = dg_trainer_new(saved, f.device, f.data, &options, &err);
  ck_assert_msg(tester && dg_trainer_load(tester, path, &err), "%s", err.message);
  ck_assert(dg_trainer_predict(tester, NULL, after[0], &err));
  ck_assert_mem_eq(before, after, sizeof before);
  dg_trainer_free(tester);
  dg_model_free(saved);
  fixture_free(&f);
  unlink(path);
}
END_TEST

START_TEST(several_labels_are_learned) {
  float outputs[TEST][TARGETS];
  dg_error err = {0};
  if (!suite_has_backend(fixture_backend(_i))) return;
  fixture f =
      rig(_i, YES, TARGETS,
          "loss = \"bce\"; data = { mean = \"measure\"; std = \"measure\"; };" TRAINED, &err);
  ck_assert_msg(f.trainer != NULL, "%s", err.message);
  ck_assert_int_eq(dg_trainer_task(f.trainer), DG_TASK_LABELS);
  fixture_train(&f);
  const dg_metrics_of_all m = metrics_of(&f, outputs[0]);
  ck_assert_double_gt(m.accuracy, 0.93);
  ck_assert_double_gt(m.f1_macro, 0.96);
  check_each(&f, outputs[0], &m);
  dg_score score;
  ck_assert(dg_trainer_test(f.trainer, NULL, &score, &err));
  ck_assert_double_eq_tol(score.accuracy, m.accuracy, 1e-12);
  fixture_free(&f);
}
END_TEST

/** The mean loss over the first samples before anything is learned. */
static double first_loss(int backend, const char *weights, uint32_t count) {
  char more[200];
  double loss;
  dg_error err = {0};
  snprintf(more, sizeof more, "data = { std = [1.0, 1000.0, 1.0]; }; train = { batch = 64; %s };",
           weights);
  fixture f = rig(backend, LABELS, 2, more, &err);
  ck_assert_msg(f.trainer != NULL, "%s", err.message);
  const dg_batch batch = {
      .size = sizeof batch, .count = count, .inputs = rows.inputs, .labels = rows.labels};
  ck_assert_msg(dg_trainer_step(f.trainer, &batch, &loss, &err), "%s", err.message);
  fixture_free(&f);
  return loss;
}

START_TEST(classes_have_weights) {
  if (!suite_has_backend(fixture_backend(_i))) return;
  uint32_t ones = 0, among = 0;
  for (int i = 0; i < TRAIN; i++) ones += rows.labels[i];
  for (int i = 0; i < 64; i++) among += rows.labels[i];
  ck_assert(among > 0 && among < 64);
  const double zero = first_loss(_i, "class_weights = [1.0, 0.0];", 64);
  const double one = first_loss(_i, "class_weights = [0.0, 1.0];", 64);
  const double plain = first_loss(_i, "", 64);
  ck_assert_double_eq_tol(zero + one, plain, 1e-6);
  ck_assert_double_eq_tol(first_loss(_i, "class_weights = \"balanced\";", 64),
                          zero * TRAIN / (2.0 * (TRAIN - ones)) + one * TRAIN / (2.0 * ones), 1e-5);
}
END_TEST

START_TEST(the_input_is_learned) {
  float outputs[TEST][COLUMNS];
  dg_error err = {0};
  if (!suite_has_backend(fixture_backend(_i))) return;
  fixture f = rig(_i, LABELS, COLUMNS,
                  "target = \"input\"; loss = \"mse\";"
                  " data = { mean = \"measure\"; std = \"measure\"; };" TRAINED,
                  &err);
  ck_assert_msg(f.trainer != NULL, "%s", err.message);
  fixture_train(&f);
  ck_assert(isnan(metrics_of(&f, outputs[0]).r2));
  for (int i = 0; i < TEST; i++) {
    ck_assert_double_eq_tol((double)outputs[i][0], (double)rows.inputs[TRAIN + i][0], 0.02);
    ck_assert_double_eq_tol((double)outputs[i][1], (double)rows.inputs[TRAIN + i][1], 10);
  }
  fixture_free(&f);
}
END_TEST

/* ---- the same samples by other ways -------------------------------------- */

enum { DRAWN = 300, PIXELS = 28 * 28 };

/** Writes images and labels as a table of pixels. */
static void write_table(const char *path, const dg_part_view *part) {
  FILE *file = fopen(path, "w");
  ck_assert_ptr_nonnull(file);
  fputs("label", file);
  for (int p = 0; p < PIXELS; p++) fprintf(file, ",pixel%d", p);
  for (uint32_t i = 0; i < part->count; i++) {
    fprintf(file, "\n%u", part->labels[i]);
    for (int p = 0; p < PIXELS; p++) fprintf(file, ",%u", part->images[i * PIXELS + p]);
  }
  ck_assert_int_eq(fclose(file), 0);
}

static dg_sample_arrays arrays_of_part(const dg_part_view *part) {
  return (dg_sample_arrays){.size = sizeof(dg_sample_arrays),
                            .inputs = {4, {part->count, 1, 28, 28}, DG_NUMBERS_BYTES, part->images},
                            .labels = part->labels};
}

/** Trains over the training part of a set, and reads the weights. */
static void train_on(const dg_dataset *data, float *weights) {
  const dg_override overrides[] = {{"", "train.epochs", "1"}, {"", "data.validation", "50"}};
  const dg_trainer_options options = {.size = sizeof options, .seed = 4};
  dg_error err = {0};
  dg_model *model = dg_model_load(DIGITS_SOURCE_DIR "/models/vanilla.cfg", overrides, 2, &err);
  dg_device *device = dg_open("cpu", NULL, 1, &err);
  dg_trainer *trainer = dg_trainer_new(model, device, data, &options, &err);
  ck_assert_msg(trainer && dg_trainer_train(trainer, &err) &&
                    dg_trainer_get_parameter(trainer, "fc1.weight", weights, &err),
                "%s", err.message);
  dg_trainer_free(trainer);
  dg_close(device);
  dg_model_free(model);
}

START_TEST(the_way_of_samples_moves_no_bit) {
  enum { WEIGHTS = 100 * PIXELS };
  char folder[] = "/tmp/digits-learning-XXXXXX", path[100];
  dg_error err = {0};
  suite_new_folder(folder);
  dg_dataset *drawn = dg_dataset_draw(DRAWN, 40, 9, 1, &err);
  const dg_part_view train = dg_dataset_part(drawn, DG_PART_TRAIN),
                     test = dg_dataset_part(drawn, DG_PART_TEST);
  const dg_sample_arrays arrays[] = {arrays_of_part(&train), arrays_of_part(&test)};
  const dg_dataset_options whole = {.size = sizeof whole, .keep_all = true};
  snprintf(path, sizeof path, "%s/train.csv", folder);
  write_table(path, &train);
  ck_assert(dg_dataset_write(drawn, folder, true, &err));
  dg_dataset *ways[] = {drawn, dg_dataset_open(folder, 1, &err),
                        dg_dataset_open_with(path, &whole, &err),
                        dg_dataset_from_arrays(&arrays[0], &arrays[1], true, &err)};
  float *weights = fixture_alloc(2 * WEIGHTS, sizeof *weights), *others = weights + WEIGHTS;
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    ck_assert_msg(ways[i] != NULL, "way %zu: %s", i, err.message);
    train_on(ways[i], i ? others : weights);
    if (i) ck_assert_msg(memcmp(weights, others, WEIGHTS * sizeof *weights) == 0, "way %zu", i);
  }
  for (size_t i = sizeof ways / sizeof *ways; i-- > 0;) dg_dataset_close(ways[i]);
  free(weights);
}
END_TEST

static const struct {
  wanted what;
  uint32_t units;
  const char *more, *message;
} faults[] = {
    {VALUES, 2, "", "the loss is cross_entropy, which needs a label"},
    {VALUES, 3, "loss = \"mse\";", "each sample has 2 targets: out.units=2 would fit"},
    {LABELS, 1, "", "the labels go to 1: out.units=2 would fit"},
    {LABELS, 2, "target = \"input\"; loss = \"mse\";", "out.units=3 would fit"},
    {LABELS, 2, "loss = \"mse\"; data = { targets = \"measure\"; };", "have labels"},
    {VALUES, 2, "loss = \"mse\"; train = { class_weights = \"balanced\"; };", "needs labels"},
    {LABELS, 2, "train = { class_weights = [1.0, 1.0, 2.0]; };", "has 3 numbers"},
    {YES, 2, "loss = \"bce\"; data = { targets = \"measure\"; };", "needs targets from 0 to 1"},
    {LABELS, 2, "loss = \"mse\"; data = { target_mean = 1.0; };", "the samples have labels"},
    {VALUES, 2, "loss = \"bce\";",
     "needs targets from 0 to 1, but number 0 of the targets of sample 0 to train is "},
};
enum { FAULTS = sizeof faults / sizeof *faults };

START_TEST(what_does_not_fit_is_told) {
  dg_error err = {0};
  fixture f = rig(0, faults[_i].what, faults[_i].units, faults[_i].more, &err);
  ck_assert(f.trainer == NULL);
  ck_assert_msg(strstr(err.message, faults[_i].message) != NULL, "%s", err.message);
  fixture_free(&f);
}
END_TEST

/** Targets of the last sample to train, to test, and of a step that aren't yes or no. */
START_TEST(labels_are_shares_of_yes) {
  static const float bad[] = {-0.25f, 1.5f};
  static const int samples[] = {TRAIN - 1, TRAIN + TEST - 1};
  char expected[100];
  for (int part = 0; part < 2; part++) {
    dg_error err = {0};
    float *target = &rows.yes[samples[part]][1];
    const float kept = *target;
    *target = bad[part];
    fixture f = rig(0, YES, TARGETS, "loss = \"bce\";", &err);
    *target = kept;
    ck_assert_int_eq(f.trainer == NULL, part == 0);
    ck_assert(!f.trainer || !dg_trainer_can_test(f.trainer, NULL, &err));
    snprintf(expected, sizeof expected, "number 1 of the targets of sample %d to %s is %g",
             part ? TEST - 1 : TRAIN - 1, part ? "test" : "train", (double)bad[part]);
    ck_assert_msg(strstr(err.message, expected) != NULL, "%s", err.message);
    fixture_free(&f);
  }
  dg_error err = {0};
  fixture f = rig(0, YES, TARGETS, "loss = \"bce\";", &err);
  const float targets[2][TARGETS] = {{0, 0.5f}, {2, 0}};
  dg_batch batch = {.size = sizeof batch, .count = 1, .inputs = rows.inputs, .targets = targets};
  ck_assert_msg(dg_trainer_step(f.trainer, &batch, NULL, &err), "%s", err.message);
  batch.count = 2;
  ck_assert(!dg_trainer_step(f.trainer, &batch, NULL, &err));
  ck_assert_msg(strstr(err.message, "number 0 of the targets of sample 1 of the step is 2") != NULL,
                "%s", err.message);
  fixture_free(&f);
}
END_TEST

/** Another set is tested only if its numbers are of the kinds that were learned. */
START_TEST(other_sets_are_of_the_same_kind) {
  static const uint8_t bytes[TEST][COLUMNS] = {{0}};
  const struct {
    wanted learned, what;
    bool bytes;
    const char *message;
  } sets[] = {{LABELS, VALUES, false, "have other labels or targets"},
              {VALUES, LABELS, false, "have other labels or targets"},
              {LABELS, LABELS, true, "the samples are bytes, but those of arrays in memory are"},
              {LABELS, LABELS, false, NULL}};
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
    dg_error err = {0};
    fixture f = rig(0, sets[i].learned, 2, "loss = \"mse\";", &err);
    dg_sample_arrays arrays = arrays_of(sets[i].what, 0, TEST);
    if (sets[i].bytes) arrays.inputs = (dg_ndarray){2, {TEST, COLUMNS}, DG_NUMBERS_BYTES, bytes};
    dg_dataset *others = dg_dataset_from_arrays(&arrays, &arrays, false, &err);
    ck_assert_msg(f.trainer && others, "%s", err.message);
    ck_assert_int_eq(dg_trainer_can_test(f.trainer, others, &err), !sets[i].message);
    if (sets[i].message)
      ck_assert_msg(strstr(err.message, sets[i].message) != NULL, "%s", err.message);
    dg_dataset_close(others);
    fixture_free(&f);
  }
}
END_TEST

/** Bytes on the device of a network that learns something of the same inputs. */
static double memory_of(wanted what, uint32_t units, const char *more) {
  dg_error err = {0};
  fixture f = rig(0, what, units, more, &err);
  ck_assert_msg(f.trainer != NULL, "%s", err.message);
  const double bytes = (double)dg_trainer_memory(f.trainer);
  fixture_free(&f);
  return bytes;
}

#define IN_BATCHES "train = { batch = 16; optimizer = { type = \"sgd\"; }; "

START_TEST(memory_of_targets_is_counted) {
  enum { FLOAT = sizeof(float), BATCH = 16 };
  const double labels = memory_of(LABELS, 2, IN_BATCHES "};");
  const double values = memory_of(VALUES, 2, "loss = \"mse\"; " IN_BATCHES "};");
  const double decoded = memory_of(LABELS, 3, "loss = \"mse\"; " IN_BATCHES "};");
  const double input = memory_of(LABELS, 3, "target = \"input\"; loss = \"mse\"; " IN_BATCHES "};");
  ck_assert_double_eq(memory_of(LABELS, 2, IN_BATCHES "class_weights = [1.0, 2.0]; };") - labels,
                      2 * FLOAT);
  ck_assert_double_eq(values - labels,
                      TRAIN * (TARGETS * FLOAT - 1) + BATCH * FLOAT * (TARGETS - 1));
  ck_assert_double_eq(decoded - input, TRAIN + BATCH * FLOAT); /* a byte for each label */
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("learning");
  tcase_set_timeout(tests, 300);
  fill_rows();
  tcase_add_loop_test(tests, values_are_learned_in_their_units, 0, 6);
  tcase_add_test(tests, measured_numbers_travel_with_the_weights);
  tcase_add_loop_test(tests, several_labels_are_learned, 0, 2);
  tcase_add_loop_test(tests, classes_have_weights, 0, 2);
  tcase_add_loop_test(tests, the_input_is_learned, 0, 2);
  tcase_add_test(tests, the_way_of_samples_moves_no_bit);
  tcase_add_loop_test(tests, what_does_not_fit_is_told, 0, FAULTS);
  tcase_add_test(tests, labels_are_shares_of_yes);
  tcase_add_test(tests, other_sets_are_of_the_same_kind);
  tcase_add_test(tests, memory_of_targets_is_counted);
  return suite_main("learning", tests);
}
