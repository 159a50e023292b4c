/*
 * Sets that the device has no room for: what is learned from them, bit for bit what it is with room
 * for all, and orders by blocks, which make that possible.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/model/model.h"
#include "digits/bench.h"
#include "digits/data.h"
#include "digits/device.h"
#include "digits/model.h"
#include "digits/train.h"
#include "tests/common/fixture.h"
#include "tests/common/suite.h"

enum { TRAIN = 600, TEST = 90, COLUMNS = 32, TARGETS = 3, BLOCK = 6, MOST_LENGTH = 4 * TRAIN };

/** Floats with targets that follow from them, more or less. */
static dg_dataset *draw_columns(dg_error *err) {
  static float inputs[TRAIN + TEST][COLUMNS], targets[TRAIN + TEST][TARGETS];
  uint32_t state = 1;
  for (uint32_t i = 0; i < TRAIN + TEST; i++) {
    for (uint32_t c = 0; c < COLUMNS; c++)
      inputs[i][c] = (float)((state = state * 1664525u + 1013904223u) >> 16) / 65536;
    for (uint32_t t = 0; t < TARGETS; t++)
      targets[i][t] = 100 + 3 * inputs[i][t] - inputs[i][t + 1] * inputs[i][t + 2];
  }
  dg_sample_arrays parts[2];
  for (uint32_t p = 0; p < 2; p++)
    parts[p] = (dg_sample_arrays){.size = sizeof *parts,
                                  .inputs = {.rank = 2,
                                             .dim = {p ? TEST : TRAIN, COLUMNS},
                                             .type = DG_NUMBERS_FLOATS,
                                             .numbers = inputs[p * TRAIN]},
                                  .targets = {.rank = 2,
                                              .dim = {p ? TEST : TRAIN, TARGETS},
                                              .type = DG_NUMBERS_FLOATS,
                                              .numbers = targets[p * TRAIN]}};
  return dg_dataset_from_arrays(&parts[0], &parts[1], true, err);
}

#define DIGITS "name = \"net\"; input = [1, 28, 28]; "
#define TABLE "name = \"net\"; input = [32]; loss = \"mse\"; "
#define ADAM "optimizer = { type = \"adam\"; lr = 0.01; }; "
#define HEAD "{ type = \"flatten\"; }, { type = \"linear\"; name = \"out\"; units = 10; }"

/** Models and recipes; blocks of BLOCK samples. */
static const struct {
  const char *text;
  bool table;
} cases[] = {
    {DIGITS "data = { validation = 70; shuffle_block = 6; }; layers = (" HEAD "); "
            "train = { epochs = 3; batch = 25; keep = \"best\"; average = 0.9; " ADAM "};",
     false},
    {DIGITS "data = { shuffle_block = 5; augment = { shift = 0.1; }; }; layers = (" HEAD "); "
            "train = { epochs = 2; steps = 70; batch = 16; " ADAM "};",
     false},
    {DIGITS "data = { validation = 31; shuffle_block = 6; }; "
            "layers = ({ type = \"conv2d\"; name = \"c\"; filters = 4; kernel = 3; }, "
            "{ type = \"batch_norm\"; name = \"bn\"; }, { type = \"relu\"; }, " HEAD "); "
            "train = { epochs = 2; batch = 20; accumulate = 3; slices = 3; " ADAM "};",
     false},
    {TABLE
     "data = { validation = 50; shuffle_block = 6; mean = \"measure\"; std = \"measure\"; "
     "targets = \"measure\"; }; layers = ({ type = \"linear\"; name = \"out\"; units = 3; }); "
     "train = { epochs = 3; batch = 30; " ADAM "};",
     true},
    {TABLE "target = \"input\"; data = { shuffle_block = 4; }; "
           "layers = ({ type = \"linear\"; name = \"a\"; units = 8; }, "
           "{ type = \"linear\"; name = \"out\"; units = 32; }); "
           "train = { epochs = 2; batch = 7; " ADAM "};",
     true},
};
enum { CASES = sizeof cases / sizeof *cases };

/** What a run uses and makes. */
typedef struct {
  dg_device *device;
  dg_dataset *data;
  dg_model *model;
  dg_trainer *trainer;
} run;

static void must(bool ok, const dg_error *err) {
  if (!ok) ck_abort_msg("%s", err->message);
}

static run run_open(int which, int backend) {
  dg_error err = {0};
  run r = {.device = dg_open(fixture_backend(backend), NULL, backend ? 0 : 2, &err)};
  must(r.device, &err);
  r.data = cases[which].table ? draw_columns(&err) : dg_dataset_draw(TRAIN, TEST, 3, 1, &err);
  must(r.data, &err);
  r.model = dg_model_parse(cases[which].text, "text", NULL, 0, &err);
  must(r.model, &err);
  return r;
}

/** Bytes of a sample with its label or targets. */
static uint64_t sample_bytes(int which) {
  return cases[which].table ? 4 * (COLUMNS + TARGETS) : 28 * 28 + 1;
}

/** A quarter of what the training samples take, and all indices. */
static uint64_t quarter(int which) {
  return TRAIN / 4 * sample_bytes(which) + 4 * (MOST_LENGTH + TEST);
}

static dg_trainer *make(run *r, uint64_t memory, dg_trainer_options how) {
  dg_error err = {0};
  how.size = sizeof how;
  how.seed = 7;
  how.data_memory = memory;
  dg_trainer_free(r->trainer);
  r->trainer = dg_trainer_new(r->model, r->device, r->data, &how, &err);
  must(r->trainer, &err);
  return r->trainer;
}

static void run_close(run *r) {
  dg_trainer_free(r->trainer);
  dg_model_free(r->model);
  dg_dataset_close(r->data);
  dg_close(r->device);
}

/** All parameters, then the outputs for the test samples; the caller frees them. */
static float *results(run *r, size_t *count) {
  enum { PARAMETERS = 16 };
  dg_parameter list[PARAMETERS];
  dg_error err = {0};
  const uint32_t parameters =
      dg_trainer_list_parameters(r->trainer, list, sizeof *list, PARAMETERS);
  *count = TEST * (size_t)dg_trainer_outputs(r->trainer);
  for (uint32_t i = 0; i < parameters; i++) *count += list[i].count;
  float *all = fixture_alloc(*count, sizeof *all), *at = all;
  for (uint32_t i = 0; i < parameters; at += list[i++].count)
    must(dg_trainer_get_parameter(r->trainer, list[i].name, at, &err), &err);
  must(dg_trainer_predict(r->trainer, NULL, at, &err), &err);
  return all;
}

static void check_alike(run *r, const float *expected, size_t count) {
  size_t found;
  float *now = results(r, &found);
  ck_assert_uint_eq(found, count);
  ck_assert_mem_eq(now, expected, count * sizeof *now);
  free(now);
}

START_TEST(what_is_learned_is_the_same) {
  const int which = _i % CASES, backend = _i / CASES;
  if (!suite_has_backend(fixture_backend(backend))) return;
  run r = run_open(which, backend);
  dg_error err = {0};
  dg_score whole, split;
  size_t count;
  dg_trainer *t = make(&r, 0, (dg_trainer_options){0});
  const uint64_t memory = dg_trainer_memory(t);
  must(dg_trainer_train(t, &err) && dg_trainer_test(t, NULL, &whole, &err), &err);
  float *expected = results(&r, &count);

  t = make(&r, quarter(which), (dg_trainer_options){0});
  ck_assert_uint_le(dg_trainer_memory(t), memory - TRAIN / 2 * sample_bytes(which));
  must(dg_trainer_train(t, &err) && dg_trainer_test(t, NULL, &split, &err), &err);
  ck_assert(whole.loss == split.loss);
  check_alike(&r, expected, count);
  free(expected);
  run_close(&r);
}
END_TEST

/* ---- stopped and resumed ------------------------------------------------- */

static bool count_down(void *user, const dg_progress *progress) {
  (void)progress;
  return --*(int *)user != 0;
}

/** Orders that are asked for and tests in between change nothing. */
static void look_around(void *user, const dg_epoch_report *report) {
  run *r = user;
  uint32_t order[MOST_LENGTH];
  size_t count;
  dg_score score;
  dg_error err = {0};
  must(dg_trainer_order(r->trainer, report->epoch + 5, order, MOST_LENGTH, &count, &err) &&
           dg_trainer_test(r->trainer, NULL, &score, &err),
       &err);
}

START_TEST(a_stopped_run_goes_on) {
  char state[] = "/tmp/digits-split-XXXXXX";
  if (!suite_has_backend(fixture_backend(_i))) return;
  run r = run_open(0, _i);
  dg_error err = {0};
  size_t count;
  const int file = mkstemp(state);
  ck_assert_int_ge(file, 0);
  close(file);
  must(dg_trainer_train(make(&r, 0, (dg_trainer_options){0}), &err), &err);
  float *expected = results(&r, &count);

  int left = 3;
  dg_listener stop = {.size = sizeof stop, .user = &left, .progress = count_down};
  dg_listener look = {.size = sizeof look, .user = &r, .epoch = look_around};
  dg_trainer_options how = {.checkpoint = state, .listener = &stop};
  ck_assert(!dg_trainer_train(make(&r, quarter(0), how), &err));
  ck_assert_int_eq(err.kind, DG_ERR_INTERRUPTED);
  how.resume = true;
  how.listener = &look;
  err = (dg_error){0};
  must(dg_trainer_train(make(&r, quarter(0), how), &err), &err);
  check_alike(&r, expected, count);
  free(expected);
  unlink(state);
  run_close(&r);
}
END_TEST

/** A set that fits is not split because of one to test that does not fit beside it. */
START_TEST(samples_to_test_need_no_blocks) {
  if (!suite_has_backend(fixture_backend(_i))) return;
  dg_error err = {0};
  run r = run_open(0, _i);
  dg_score whole, split;
  const dg_override all = {"test", "data.shuffle_block", "0"};
  dg_model_free(r.model);
  r.model = dg_model_parse(cases[0].text, "text", &all, 1, &err);
  must(r.model, &err);
  dg_trainer *t = make(&r, 0, (dg_trainer_options){0});
  must(dg_trainer_test(t, NULL, &whole, &err), &err);
  t = make(&r, TRAIN * (sample_bytes(0) + 4) + TEST * 4, (dg_trainer_options){0});
  for (int i = 0; i < 2; i++) {
    must(dg_trainer_test(t, NULL, &split, &err), &err);
    ck_assert(whole.loss == split.loss && whole.accuracy == split.accuracy);
  }
  must(dg_trainer_train(t, &err), &err);
  size_t count;
  float *expected = results(&r, &count);
  must(dg_trainer_train(make(&r, 0, (dg_trainer_options){0}), &err), &err);
  check_alike(&r, expected, count);
  free(expected);

  t = make(&r, 30 * sample_bytes(0) + 4 * TEST, (dg_trainer_options){.test_only = true});
  must(dg_trainer_test(t, NULL, &split, &err), &err);
  run_close(&r);
}
END_TEST

/** Sequences, all of them whole, or with lengths. */
static dg_dataset *draw_sequences(bool whole, dg_error *err) {
  enum { STEPS = 8, FEATURES = 2 };
  static float inputs[TRAIN][STEPS][FEATURES];
  static uint8_t labels[TRAIN];
  static uint32_t lengths[TRAIN];
  for (uint32_t i = 0; i < TRAIN; i++) {
    labels[i] = i % 2;
    lengths[i] = 1 + i % STEPS;
    for (uint32_t s = 0; s < STEPS; s++)
      for (uint32_t f = 0; f < FEATURES; f++)
        inputs[i][s][f] = (float)((i * 7 + s * 3 + f) % 11) / 11 - (float)labels[i];
  }
  const dg_sample_arrays all = {.size = sizeof all,
                                .inputs = {.rank = 3,
                                           .dim = {TRAIN, STEPS, FEATURES},
                                           .type = DG_NUMBERS_FLOATS,
                                           .numbers = inputs},
                                .labels = labels,
                                .lengths = whole ? NULL : lengths};
  return dg_dataset_from_arrays(&all, NULL, true, err);
}

static void test_others(void *user, const dg_epoch_report *report) {
  run *r = user;
  dg_score score;
  dg_error err = {0};
  (void)report;
  dg_dataset *others = draw_sequences(false, &err);
  must(others && dg_dataset_merge(others, DG_PART_TEST, &err) &&
           dg_trainer_test(r->trainer, others, &score, &err),
       &err);
  dg_dataset_close(others);
}

/** Whole sequences stay whole when others, which have lengths, were in their memory. */
START_TEST(lengths_do_not_stay_behind) {
  static const char text[] =
      "name = \"net\"; input = [8, 2]; lengths = true; data = { shuffle_block = 4; }; "
      "layers = ({ type = \"gru\"; units = 4; }, "
      "{ type = \"linear\"; name = \"out\"; units = 2; }); "
      "train = { epochs = 3; batch = 10; " ADAM "};";
  if (!suite_has_backend(fixture_backend(_i))) return;
  dg_error err = {0};
  run r = {.device = dg_open(fixture_backend(_i), NULL, _i ? 0 : 2, &err),
           .data = draw_sequences(true, &err),
           .model = dg_model_parse(text, "text", NULL, 0, &err)};
  must(r.device && r.data && r.model, &err);
  const dg_listener others = {.size = sizeof others, .user = &r, .epoch = test_others};
  const uint64_t memory = 100 * (8 * 2 * sizeof(float) + 1 + 4) + 4 * TRAIN;
  float outputs[2][TRAIN / 10 * 2];
  for (int i = 0; i < 2; i++) {
    make(&r, memory, (dg_trainer_options){.listener = i ? &others : NULL});
    must(dg_trainer_train(r.trainer, &err) && dg_trainer_predict(r.trainer, NULL, outputs[i], &err),
         &err);
  }
  ck_assert_mem_eq(outputs[0], outputs[1], sizeof outputs[0]);
  run_close(&r);
}
END_TEST

/* ---- the order ------------------------------------------------------------ */

/** Each epoch takes every sample once, eight whole blocks after the other. */
START_TEST(blocks_are_shuffled_and_then_samples) {
  enum { COUNT = TRAIN - 70, BLOCKS = (COUNT + BLOCK - 1) / BLOCK, GROUP = 8 };
  run r = run_open(0, 0);
  dg_error err = {0};
  uint32_t order[2][MOST_LENGTH], sorted[COUNT], seen[TRAIN] = {0}, samples = 0, next = 0;
  size_t count;
  dg_trainer *t = make(&r, _i ? quarter(0) : 0, (dg_trainer_options){0});
  for (uint32_t e = 0; e < 2; e++) {
    must(dg_trainer_order(t, e, order[e], MOST_LENGTH, &count, &err), &err);
    ck_assert_uint_eq(count, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) ck_assert_uint_eq(seen[order[e][i]]++, e);
  }
  ck_assert_mem_ne(order[0], order[1], sizeof order[0]);
  for (uint32_t i = 0; i < TRAIN; i++)
    if (seen[i]) sorted[samples++] = i;
  uint32_t block_of[TRAIN], done[BLOCKS] = {0}, moved = 0;
  for (uint32_t i = 0; i < COUNT; i++) block_of[sorted[i]] = i / BLOCK;
  for (uint32_t group = 0, begin = 0; begin < COUNT; group++) {
    uint32_t blocks = 0, end = begin;
    for (; end < COUNT; end++) { /* a group ends before the ninth block */
      const uint32_t b = block_of[order[0][end]];
      if (!done[b] && blocks++ == GROUP) break;
      done[b] = group + 1;
      ck_assert_uint_eq(done[b], group + 1);
    }
    for (uint32_t b = 0, i; b < BLOCKS; b++) {
      if (done[b] != group + 1) continue;
      uint32_t size = 0;
      for (i = begin; i < end; i++) size += block_of[order[0][i]] == b;
      ck_assert_uint_eq(size, b == BLOCKS - 1 && COUNT % BLOCK ? COUNT % BLOCK : BLOCK);
    }
    moved += block_of[order[0][begin]] != next;
    next = block_of[order[0][end - 1]] + 1;
    begin = end;
  }
  ck_assert_uint_gt(moved, BLOCKS / GROUP / 2);
  run_close(&r);
}
END_TEST

/* ---- errors --------------------------------------------------------------- */

/** Keys, the memory in samples (beside indices), and what is said. */
static const struct {
  const char *block;
  uint32_t samples;
  dg_remedy remedy;
  const char *part;
} refused[] = {
    {"0", 185, DG_REMEDY_MODEL_KEY, "data.shuffle_block=10 would fit"},
    {"11", 185, DG_REMEDY_MODEL_KEY,
     "data.shuffle_block = 11 is too large: 16 such blocks and a batch of 25"},
    {"1", 40, DG_REMEDY_DATA_MEMORY, "holds 40 of built-in digits: too few for 16 blocks"},
};

START_TEST(what_does_not_fit_is_told) {
  dg_error err = {0};
  run r = run_open(0, 0);
  const dg_override key = {"test", "data.shuffle_block", refused[_i].block};
  dg_model_free(r.model);
  r.model = dg_model_parse(cases[0].text, "text", &key, 1, &err);
  must(r.model, &err);
  const uint64_t indices = 4 * (TRAIN - 70 + TEST);
  const dg_trainer_options how = {.size = sizeof how,
                                  .data_memory = refused[_i].samples * sample_bytes(0) + indices};
  ck_assert_ptr_null(dg_trainer_new(r.model, r.device, r.data, &how, &err));
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  ck_assert_int_eq(err.remedy, refused[_i].remedy);
  ck_assert_msg(strstr(err.message, refused[_i].part) != NULL, "%s", err.message);
  run_close(&r);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("split");
  enum { BACKENDS = 2 };
  tcase_set_timeout(tests, 60);
  tcase_add_loop_test(tests, what_is_learned_is_the_same, 0, BACKENDS * CASES);
  tcase_add_loop_test(tests, a_stopped_run_goes_on, 0, BACKENDS);
  tcase_add_loop_test(tests, samples_to_test_need_no_blocks, 0, BACKENDS);
  tcase_add_loop_test(tests, lengths_do_not_stay_behind, 0, BACKENDS);
  tcase_add_loop_test(tests, blocks_are_shuffled_and_then_samples, 0, 2);
  tcase_add_loop_test(tests, what_does_not_fit_is_told, 0, sizeof refused / sizeof *refused);
  return suite_main("split", tests);
}
