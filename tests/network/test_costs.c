/*
 * What the layers of a network cost, counted by hand: two operations for each product of a sum,
 * for every step of a sequence, one for each number of another op.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits/bench.h"
#include "digits/device.h"
#include "digits/train.h"
#include "tests/common/fixture.h"
#include "tests/common/suite.h"

enum { MOST = 16, ROWS = 28 };

/** Operations of a layer for one sample. */
typedef struct {
  const char *layer;
  double forward, backward;
} expected_cost;

/** 2 * gates * units rows of in + units numbers, for each of the 28 steps. */
#define CELL(gates, in, units) (2.0 * (gates) * (units) * ((in) + (units)) * ROWS)
/** Of these, what a state's gradient takes where that of the input isn't wanted. */
#define WITHIN(gates, units) (2.0 * (gates) * (units) * (units)*ROWS)
#define LINEAR(in, out) (2.0 * (in) * (out))
#define LAST(in)                                                                                   \
  { "out", LINEAR(in, 10), 2 * LINEAR(in, 10) }
#define OUT "{ type = \"linear\"; name = \"out\"; units = 10; }"

static const struct {
  const char *layers;
  expected_cost costs[MOST];
} models[] = {
    {"{ type = \"flatten\"; }, { type = \"linear\"; name = \"a\"; units = 7; }," OUT,
     {{"a", LINEAR(784, 7), LINEAR(784, 7)}, LAST(7)}},
    {"{ type = \"rows\"; }, { type = \"rnn\"; name = \"a\"; units = 5; }," OUT,
     {{"a", CELL(1, 28, 5), CELL(1, 28, 5) + WITHIN(1, 5)}, LAST(5)}},
    {"{ type = \"rows\"; }, { type = \"gru\"; name = \"a\"; units = 5; }," OUT,
     {{"a", CELL(3, 28, 5), CELL(3, 28, 5) + WITHIN(3, 5)}, LAST(5)}},
    {"{ type = \"rows\"; }, { type = \"lstm\"; name = \"a\"; units = 5; }," OUT,
     {{"a", CELL(4, 28, 5), CELL(4, 28, 5) + WITHIN(4, 5)}, LAST(5)}},
    {"{ type = \"rows\"; },"
     "{ type = \"gru\"; name = \"a\"; units = 3; output = \"sequence\"; bidirectional = true; },"
     "{ type = \"lstm\"; name = \"b\"; units = 4; }," OUT,
     {{"a", 2 * CELL(3, 28, 3), 2 * (CELL(3, 28, 3) + WITHIN(3, 3))},
      {"b", CELL(4, 6, 4), 2 * CELL(4, 6, 4)},
      LAST(4)}},
    /* 14 x 14 places of a kernel of 5 x 3; an average of 2 x 2 of them */
    {"{ type = \"conv2d\"; name = \"a\"; filters = 4; kernel = [5, 3]; stride = 2;"
     " padding = [2, 1]; },"
     "{ type = \"avgpool2d\"; name = \"b\"; kernel = [2, 7]; stride = 7; },"
     "{ type = \"conv2d\"; name = \"c\"; filters = 6; kernel = 2; bias = false; },"
     "{ type = \"flatten\"; }," OUT,
     {{"a", 2.0 * 4 * 14 * 14 * 15, 2.0 * 4 * 14 * 14 * 15},
      {"b", 4 * 2 * 2 * 14, 4 * 2 * 2 * 14},
      {"c", 2.0 * 6 * 4 * 4, 2 * 2.0 * 6 * 4 * 4},
      LAST(6)}},
    /* 13 steps of 28 numbers */
    {"{ type = \"rows\"; },"
     "{ type = \"conv1d\"; name = \"a\"; filters = 6; kernel = 3; stride = 2; },"
     "{ type = \"tanh\"; name = \"t\"; },"
     "{ type = \"layer_norm\"; name = \"n\"; },"
     "{ type = \"dropout\"; name = \"d\"; rate = 0.5; },"
     "{ type = \"add\"; name = \"s\"; inputs = [\"d\", \"n\"]; },"
     "{ type = \"concat\"; name = \"j\"; inputs = [\"s\", \"n\"]; },"
     "{ type = \"flatten\"; }," OUT,
     {{"a", 2.0 * 13 * 6 * 28 * 3, 2.0 * 13 * 6 * 28 * 3},
      {"n", 78, 2 * 78},
      {"d", 78, 78},
      {"s", 78, 78},
      {"j", 156, 156},
      LAST(156)}},
    /* a parameter of one number is learned, too */
    {"{ type = \"conv2d\"; name = \"a\"; filters = 1; kernel = 1; bias = false; },"
     "{ type = \"flatten\"; }," OUT,
     {{"a", 2.0 * 784, 2.0 * 784}, LAST(784)}},
    /* what is moved to another order isn't counted */
    {"{ type = \"conv2d\"; name = \"a\"; filters = 3; kernel = 28; },"
     "{ type = \"batch_norm\"; name = \"n\"; },"
     "{ type = \"flatten\"; name = \"f\"; order = \"hwc\"; }," OUT,
     {{"a", 2.0 * 3 * 784, 2.0 * 3 * 784}, {"n", 3, 6}, {"f", 0, 0}, LAST(3)}},
    /* a pooling and a dropout count alike, be they fused to a convolution or not */
    {"{ type = \"conv2d\"; name = \"a\"; filters = 4; kernel = 3; padding = 1; },"
     "{ type = \"relu\"; name = \"r\"; },"
     "{ type = \"maxpool2d\"; name = \"p\"; kernel = 2; },"
     "{ type = \"dropout\"; name = \"d\"; rate = 0.5; },"
     "{ type = \"flatten\"; }," OUT,
     {{"a", 2.0 * 4 * 784 * 9 + 4 * 784 + 4 * 196, 2.0 * 4 * 784 * 9 + 4 * 784 + 4 * 196},
      LAST(784)}},
};
enum { MODELS = sizeof models / sizeof *models };

static fixture make(const char *layers, const char *recipe, bool test_only) {
  const fixture_plan plan = {.layers = layers, .recipe = recipe, .test_only = test_only, .seed = 1};
  return fixture_new(&plan);
}

static uint32_t list(fixture *f, dg_cost *costs) {
  size_t count;
  dg_error err = {0};
  ck_assert_msg(dg_trainer_costs(f->trainer, costs, sizeof(dg_cost), MOST, &count, &err), "%s",
                err.message);
  ck_assert_uint_le(count, MOST);
  return (uint32_t)count;
}

static const dg_cost *find(const dg_cost *costs, uint32_t count, const char *layer) {
  for (uint32_t i = 0; i < count; i++)
    if (strcmp(costs[i].layer, layer) == 0) return &costs[i];
  return NULL;
}

START_TEST(operations_are_counted_by_the_rules) {
  dg_cost costs[MOST];
  fixture f = make(models[_i].layers, NULL, false);
  uint32_t count = list(&f, costs), named = 0;
  for (const expected_cost *e = models[_i].costs; e->layer; e++, named++) {
    const dg_cost *got = find(costs, count, e->layer);
    ck_assert_msg(got != NULL, "model %d has no op of layer %s", _i, e->layer);
    ck_assert_msg(got->forward_operations == e->forward,
                  "model %d, %s: %.0f forward, expected %.0f", _i, e->layer,
                  got->forward_operations, e->forward);
    ck_assert_msg(got->backward_operations == e->backward,
                  "model %d, %s: %.0f backward, expected %.0f", _i, e->layer,
                  got->backward_operations, e->backward);
  }
  ck_assert_uint_eq(count, named + 3); /* gather, loss, update */
  fixture_free(&f);
}
END_TEST

/** A network that only tests counts nothing backward. */
START_TEST(a_test_counts_forward_alone) {
  dg_cost costs[MOST];
  fixture f = make(models[_i].layers, NULL, true);
  uint32_t count = list(&f, costs);
  ck_assert_ptr_null(find(costs, count, "update"));
  for (uint32_t i = 0; i < count; i++) {
    ck_assert_double_eq(costs[i].backward_operations, 0);
    ck_assert_double_eq(costs[i].backward_bytes, 0);
  }
  fixture_free(&f);
}
END_TEST

/* ---- bytes --------------------------------------------------------------- */

enum { BATCH = 8, HIDDEN = 16, BYTES = 4 };
/** Numbers of the parameters, those of each in whole lines of 16. */
enum { LEARNED_NUMBERS = HIDDEN * 784 + HIDDEN + 10 * HIDDEN + 16 };

static const char two_layers[] =
    "{ type = \"flatten\"; }, { type = \"linear\"; name = \"a\"; units = 16; }," OUT;

/** A recipe with an optimizer, and what else `train` says. */
static const char *recipe_of(const char *optimizer, const char *more) {
  static char text[300];
  snprintf(text, sizeof text, "train = { batch = %d; epochs = 1; optimizer = { %s }; %s };", BATCH,
           optimizer, more);
  return text;
}

#define SGD "type = \"sgd\"; lr = 0.1;"

static void bytes_are(const dg_cost *costs, uint32_t count, const char *layer, double forward,
                      double backward) {
  const dg_cost *got = find(costs, count, layer);
  ck_assert_msg(got != NULL, "nothing of %s", layer);
  ck_assert_msg(got->forward_bytes == forward && got->backward_bytes == backward,
                "%s: %.0f bytes forward and %.0f backward, expected %.0f and %.0f", layer,
                got->forward_bytes, got->backward_bytes, forward, backward);
}

/** What must be read and written once: a first layer has no gradient of its input to write. */
START_TEST(bytes_are_counted_by_the_rules) {
  const double images = BYTES * BATCH * 784, hidden = BYTES * BATCH * HIDDEN;
  const double logits = BYTES * BATCH * 10, learned = BYTES * LEARNED_NUMBERS;
  const double a = BYTES * (784 * HIDDEN + HIDDEN), out = BYTES * (10 * HIDDEN + 10);
  static const struct {
    const char *optimizer, *more;
    int arrays;
  } recipes[] = {{SGD, "", 0},
                 {SGD " momentum = 0.5;", "average = 0.9;", 1},
                 {"type = \"adam\"; lr = 0.1;", "", 2}};
  dg_cost costs[MOST];
  for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++) {
    fixture f = make(two_layers, recipe_of(recipes[i].optimizer, recipes[i].more), false);
    uint32_t count = list(&f, costs);
    bytes_are(costs, count, "gather", BATCH * 785 * (1 + BYTES), 0);
    bytes_are(costs, count, "a", images + a + hidden, hidden + 2 * a + images);
    bytes_are(costs, count, "out", hidden + out + logits, logits + 2 * out + 2 * hidden);
    bytes_are(costs, count, "loss", 2 * logits, 0);
    bytes_are(costs, count, "update", learned * (3 + 2 * recipes[i].arrays), 0);
    ck_assert_uint_eq(count, *recipes[i].more ? 6 : 5);
    if (*recipes[i].more) bytes_are(costs, count, "average", 3 * learned, 0);
    fixture_free(&f);
  }
  fixture f = make(two_layers, recipe_of(SGD, ""), true);
  uint32_t count = list(&f, costs);
  bytes_are(costs, count, "a", images + a + hidden, 0);
  bytes_are(costs, count, "loss", logits, 0);
  fixture_free(&f);
}
END_TEST

/** A device that measures tells how often each op ran, and for how long. */
START_TEST(runs_are_counted) {
  enum { STEPS = 3 };
  dg_error err = {0};
  dg_cost costs[MOST];
  size_t count;
  fixture f = make(two_layers, "train = { epochs = 1; batch = 2; steps = 3; };", false);
  dg_device *measures = dg_device_open(
      &(dg_device_options){
          .size = sizeof(dg_device_options), .backend = "cpu", .threads = 1, .profile = true},
      &err);
  const dg_trainer_options options = {.size = sizeof(dg_trainer_options), .seed = 1};
  dg_trainer *t = measures ? dg_trainer_new(f.model, measures, f.data, &options, &err) : NULL;
  ck_assert_msg(t && dg_trainer_train(t, &err), "%s", err.message);
  ck_assert_msg(dg_trainer_costs(t, costs, sizeof(dg_cost), MOST, &count, &err), "%s", err.message);
  static const char *const ops[] = {"gather", "a", "out", "loss", "update"};
  for (int i = 0; i < 5; i++) {
    const dg_cost *got = find(costs, (uint32_t)count, ops[i]);
    bool layer = i == 1 || i == 2;
    ck_assert_ptr_nonnull(got);
    ck_assert_uint_eq(got->forward_runs, STEPS);
    ck_assert_uint_eq(got->backward_runs, layer ? STEPS : 0);
    ck_assert_double_gt(got->forward_seconds, 0);
    ck_assert_int_eq(got->backward_seconds > 0, layer);
  }
  dg_trainer_free(t);
  dg_close(measures);
  fixture_free(&f);
}
END_TEST

static double memory_of(const char *optimizer, const char *more, uint32_t images, bool test_only) {
  const fixture_plan plan = {.layers = two_layers,
                             .recipe = recipe_of(optimizer, more),
                             .train = images,
                             .test_only = test_only};
  fixture f = fixture_new(&plan);
  ck_assert_uint_eq(dg_trainer_batch_size(f.trainer), BATCH);
  double bytes = (double)dg_trainer_memory(f.trainer);
  fixture_free(&f);
  return bytes;
}

/** What each part of a recipe adds. */
START_TEST(memory_is_counted_by_the_rules) {
  const double learned = BYTES * LEARNED_NUMBERS;
  double plain = memory_of(SGD, "", 20, false);
  ck_assert_double_eq(memory_of(SGD " momentum = 0.5;", "", 20, false) - plain, learned);
  ck_assert_double_eq(memory_of(SGD, "average = 0.9;", 20, false) - plain, learned);
  ck_assert_double_eq(memory_of("type = \"adam\"; lr = 1.0;", "", 20, false) - plain, 2 * learned);
  ck_assert_double_eq(memory_of(SGD, "", 50, false) - plain, 30 * (785 + BYTES));
  double tests = memory_of(SGD, "", 20, true);
  ck_assert_double_eq(memory_of(SGD " momentum = 0.5;", "average = 0.9;", 50, true), tests);
  /* parameters, the largest activations, and a few numbers more */
  ck_assert_double_ge(tests, learned + BYTES * BATCH * (784 + HIDDEN));
  ck_assert_double_lt(tests, learned + BYTES * BATCH * 4 * 784);
  ck_assert_double_ge(plain, tests + learned + 20 * (785 + BYTES));
  ck_assert_double_lt(plain, 2 * tests + 20 * (785 + BYTES));
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("costs");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, operations_are_counted_by_the_rules, 0, MODELS);
  tcase_add_loop_test(tests, a_test_counts_forward_alone, 0, MODELS);
  tcase_add_test(tests, bytes_are_counted_by_the_rules);
  tcase_add_test(tests, runs_are_counted);
  tcase_add_test(tests, memory_is_counted_by_the_rules);
  return suite_main("costs", tests);
}
