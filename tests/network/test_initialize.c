/*
 * How parameters start: by the distributions that the kinds of initialization have, each from
 * random numbers of its own.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/fixture.h"
#include "tests/common/suite.h"

/** Layers of every family whose parameters start in one way; `%s` stands for it. */
static const char layers[] =
    "{ type = \"conv2d\"; name = \"a\"; filters = 40; kernel = 5; padding = 2; init = \"%1$s\"; },"
    "{ type = \"conv2d\"; name = \"b\"; filters = 40; kernel = 3; stride = 4; init = \"%1$s\"; },"
    "{ type = \"batch_norm\"; name = \"n\"; },"
    "{ type = \"flatten\"; },"
    "{ type = \"linear\"; name = \"c\"; units = 60; init = \"%1$s\"; },"
    "{ type = \"linear\"; name = \"d\"; units = 60; init = \"%1$s\"; },"
    "{ type = \"linear\"; name = \"e\"; units = 60; init = \"%1$s\"; },"
    "{ type = \"linear\"; name = \"f\"; units = 10; init = \"%1$s\"; }";

enum { CONV_PLACES = 7 * 7 };

/** Fans of the layers' weights: inputs and outputs that a number of them joins. */
static const struct {
  const char *name;
  double in, out;
} fans[] = {{"a", 1 * 25, 40 * 25}, {"b", 40 * 9, 40 * 9}, {"c", 40 * CONV_PLACES, 60},
            {"d", 60, 60},          {"e", 60, 60},         {"f", 60, 10}};
enum { LAYERS = sizeof fans / sizeof *fans };

static fixture start(const char *kind, uint32_t seed, const char *backend) {
  char text[1500];
  snprintf(text, sizeof text, layers, kind);
  const fixture_plan plan = {.backend = backend, .layers = text, .train = 10, .seed = seed};
  return fixture_new(&plan);
}

static double *read_part(fixture *f, const char *layer, const char *part, size_t *count) {
  char name[40];
  snprintf(name, sizeof name, "%s.%s", layer, part);
  return fixture_read(f, name, count);
}

/** What the numbers of a parameter look like. */
typedef struct {
  double mean, deviation, most;
  size_t count, distinct; /**< distinct: numbers unlike the one before */
} look;

static look look_at(const double *x, size_t count) {
  look l = {.count = count};
  for (size_t i = 0; i < count; i++) l.mean += x[i] / (double)count;
  for (size_t i = 0; i < count; i++) {
    l.deviation += (x[i] - l.mean) * (x[i] - l.mean) / (double)count;
    l.most = fmax(l.most, fabs(x[i]));
    l.distinct += i > 0 && x[i] != x[i - 1];
  }
  l.deviation = sqrt(l.deviation);
  return l;
}

/** Is the deviation what it should be, and the mean 0, up to five times what so few numbers differ
    by? `fourth` is the fourth moment of the distribution over the fourth power of its deviation. */
static void check_spread(const char *what, const look *l, double deviation, double fourth) {
  double n = (double)l->count, error = 5 * sqrt((fourth - 1) / 4 / n);
  ck_assert_msg(fabs(l->deviation / deviation - 1) < error, "%s: deviation %.4g, expected %.4g",
                what, l->deviation, deviation);
  ck_assert_msg(fabs(l->mean) < 5 * deviation / sqrt(n), "%s: mean %.4g", what, l->mean);
  ck_assert_uint_ge(l->distinct, l->count * 9 / 10);
}

static void check_uniform(const char *what, const look *l, double limit) {
  check_spread(what, l, limit / sqrt(3), 1.8);
  ck_assert_msg(l->most <= limit * (1 + 1e-6), "%s: %.6g, but at most %.6g", what, l->most, limit);
  ck_assert_double_gt(l->most, limit * (1 - 20.0 / (double)l->count));
}

typedef enum { PYTORCH, HE, GLOROT } init_kind;
static const char *const kinds[] = {"pytorch", "he", "glorot"};

static void check_layer(fixture *f, int layer, init_kind kind) {
  size_t count;
  double in = fans[layer].in, out = fans[layer].out;
  double *weights = read_part(f, fans[layer].name, "weight", &count);
  look l = look_at(weights, count);
  free(weights);
  if (kind == PYTORCH) check_uniform("weights", &l, 1 / sqrt(in));
  if (kind == GLOROT) check_uniform("weights", &l, sqrt(6 / (in + out)));
  if (kind == HE) {
    check_spread("weights", &l, sqrt(2 / in), 3);
    ck_assert_double_gt(l.most, 2.2 * sqrt(2 / in)); /* normal, not uniform */
  }
  double *biases = read_part(f, fans[layer].name, "bias", &count);
  l = look_at(biases, count);
  free(biases);
  if (kind == PYTORCH)
    check_uniform("biases", &l, 1 / sqrt(in));
  else
    ck_assert_double_eq(l.most, 0);
}

START_TEST(parameters_start_by_their_kind) {
  fixture f = start(kinds[_i], 1, NULL);
  for (int i = 0; i < LAYERS; i++) check_layer(&f, i, (init_kind)_i);
  fixture_free(&f);
}
END_TEST

/** A norm begins by leaving things as they are. */
START_TEST(norms_start_with_ones_and_zeros) {
  static const struct {
    const char *part;
    double value;
  } parts[] = {{"weight", 1}, {"bias", 0}, {"running_mean", 0}, {"running_var", 1}};
  fixture f = start("he", 1, NULL);
  for (int p = 0; p < 4; p++) {
    size_t count;
    double *x = read_part(&f, "n", parts[p].part, &count);
    ck_assert_uint_eq(count, 40);
    for (size_t i = 0; i < count; i++) ck_assert_double_eq(x[i], parts[p].value);
    free(x);
  }
  fixture_free(&f);
}
END_TEST

/** The correlation of two parameters' numbers: 0 where they have nothing to do with each other. */
static double correlation(const double *a, const double *b, size_t count) {
  look x = look_at(a, count), y = look_at(b, count);
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += (a[i] - x.mean) * (b[i] - y.mean);
  return sum / ((double)count * x.deviation * y.deviation);
}

/** No two parameters are made of the same random numbers, and none of another seed's. */
START_TEST(every_parameter_has_numbers_of_its_own) {
  static const char *const parts[] = {"weight", "bias"};
  double *x[2 * LAYERS], *other[2 * LAYERS];
  size_t count[2 * LAYERS];
  int all = _i == PYTORCH ? 2 * LAYERS : LAYERS; /* biases of the others are 0 */
  fixture f = start(kinds[_i], 1, NULL), g = start(kinds[_i], 2, NULL);
  for (int i = 0; i < all; i++) {
    x[i] = read_part(&f, fans[i % LAYERS].name, parts[i / LAYERS], &count[i]);
    other[i] = read_part(&g, fans[i % LAYERS].name, parts[i / LAYERS], NULL);
  }
  for (int i = 0; i < all; i++)
    for (int k = 0; k <= i; k++) {
      size_t n = count[i] < count[k] ? count[i] : count[k];
      double most = n > 40 ? 5 / sqrt((double)n) : 0.9;
      if (k < i) ck_assert_double_lt(fabs(correlation(x[i], x[k], n)), most);
      ck_assert_double_lt(fabs(correlation(x[i], other[k], n)), most);
    }
  for (int i = 0; i < all; i++) free(x[i]), free(other[i]);
  fixture_free(&f);
  fixture_free(&g);
}
END_TEST

/** The same numbers for a seed, on every backend. */
START_TEST(a_seed_gives_the_same_numbers_everywhere) {
  if (!suite_has_backend("opencl")) return;
  fixture f = start(kinds[_i], 5, NULL), g = start(kinds[_i], 5, "opencl");
  for (int i = 0; i < LAYERS; i++) {
    size_t count;
    double *a = read_part(&f, fans[i].name, "weight", &count);
    double *b = read_part(&g, fans[i].name, "weight", NULL);
    ck_assert_mem_eq(a, b, count * sizeof *a);
    free(a), free(b);
  }
  fixture_free(&f);
  fixture_free(&g);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("initialize");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, parameters_start_by_their_kind, 0, 3);
  tcase_add_test(tests, norms_start_with_ones_and_zeros);
  tcase_add_loop_test(tests, every_parameter_has_numbers_of_its_own, 0, 3);
  tcase_add_loop_test(tests, a_seed_gives_the_same_numbers_everywhere, 0, 3);
  return suite_main("initialize", tests);
}
