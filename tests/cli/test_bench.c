/* digits-bench as a user meets it: its table and its JSON agree with themselves, with each other
   and with what digits-run logs. */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/shell.h"
#include "tests/common/suite.h"

#define CPU "--backend cpu --threads 1 --data . "
#define SHORT "--seconds 0.02 --rounds 3 --steps 4 "

static const shell_line lines[] = {
    {BENCH "--help", 0, "Usage: digits-bench [options] [MODEL...]"},
    {BENCH "--version", 0, "digits-bench 0.1.0"},
    {BENCH "--bogus", 2, "unknown option --bogus"},
    {BENCH CPU "cnm", 2, "no model \"cnm\" in " DIGITS_SOURCE_DIR "/models; did you mean \"cnn\"?"},
    {BENCH "--backend cuda cnn", 2, "unknown backend \"cuda\"; there are"},
    {BENCH "--backend cpu,,opencl cnn", 2, "--backend has a comma with nothing beside it"},
    {BENCH "--device 0 cnn", 2, "--device needs one --backend, whose devices it names"},
    {BENCH "--backend cpu --device 7 cnn", 2, "no device 7"},
    {BENCH "--measure speed cnn", 2, "--measure takes train, test, latency, start and losses"},
    {BENCH "--seconds 0 cnn", 2, "--seconds must be a number from 0.001 to 3600, not \"0\""},
    {BENCH "--seconds nan cnn", 2, "--seconds must be a number"},
    {BENCH "--rounds 0 cnn", 2, "--rounds must be a whole number from 1 to 100"},
    {BENCH "--steps 1001 cnn", 2, "--steps must be a whole number from 1 to 1000"},
    {BENCH "--threads x cnn", 2, "--threads must be"},
    {BENCH "--set train.steps=5 cnn", 2, "--set train.steps does nothing here"},
    {BENCH CPU "--set conv1.filter=3 cnn", 2, "did you mean \"filters\"?"},
    {BENCH CPU "--batch 0 cnn", 2, "batch must be a whole number >= 1"},
    {BENCH "--data nowhere cnn", 2, "nowhere"},
    {BENCH CPU "--json none/b.json cnn", 1, "none/b.json can't be written"},
    {BENCH "--first-step cnn", 2, "--first-step takes one MODEL, one --backend"},
    {BENCH "--first-step --json x --backend cpu cnn", 2, "--json doesn't go with --first-step"},
    {BENCH "--first-step " CPU "vanilla", 0, " of them to load data; "},
};

START_TEST(command_lines) {
  shell_check(lines[_i].command, lines[_i].status, lines[_i].says);
}
END_TEST

/* ---- JSON --------------------------------------------------------------- */

static json_t *read_json(const char *name) {
  json_error_t err;
  json_t *all = json_load_file(shell_path(name), 0, &err);
  ck_assert_msg(all != NULL, "%s:%d: %s", name, err.line, err.text);
  return all;
}

static const json_t *result(const json_t *all, size_t i) {
  const json_t *one = json_array_get(json_object_get(all, "results"), i);
  ck_assert_msg(one != NULL, "no result %zu", i);
  return one;
}

static double number(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  ck_assert_msg(json_is_number(value), "no number \"%s\"", key);
  return json_number_value(value);
}

static void is_null(const json_t *object, const char *key) {
  ck_assert_msg(json_is_null(json_object_get(object, key)), "\"%s\" is there", key);
}

static void close_to(double got, double expected, const char *what) {
  ck_assert_msg(fabs(got - expected) <= 1e-6 * fabs(expected), "%s: %g, not %g", what, got,
                expected);
}

/** Is the number one of three rounds, and neither the least nor the largest? */
static void is_median(double median, const json_t *rounds) {
  int below = 0, above = 0;
  ck_assert_uint_eq(json_array_size(rounds), 3);
  for (size_t i = 0; i < 3; i++) {
    double value = json_number_value(json_array_get(rounds, i));
    ck_assert_double_gt(value, 0);
    below += value < median * (1 - 1e-6);
    above += value > median * (1 + 1e-6);
  }
  ck_assert_msg(below <= 1 && above <= 1, "%g is no median", median);
}

/** Rates follow from samples a second, and shares from rates. */
static void check_speed(const json_t *one, const char *which) {
  const json_t *speed = json_object_get(one, which), *peak = json_object_get(one, "peak");
  double rate = number(speed, "samples_per_second");
  is_median(rate, json_object_get(speed, "rounds"));
  close_to(number(speed, "gflops"), rate * number(speed, "operations") * 1e-9, "gflops");
  close_to(number(speed, "gigabytes_per_second"), rate * number(speed, "bytes") * 1e-9, "GB/s");
  close_to(number(speed, "peak_share"), number(speed, "gflops") / number(peak, "gflops"), "share");
  close_to(number(speed, "memory_share"),
           number(speed, "gigabytes_per_second") / number(peak, "gigabytes_per_second"), "share");
  ck_assert_double_gt(number(speed, "peak_share"), 0);
}

/** The layers of --profile add up to what is said of the step. */
static void check_layers(const json_t *one) {
  double operations = 0, bytes = 0, batch = number(one, "batch");
  const json_t *train = json_object_get(one, "train"), *layer;
  const json_t *layers = json_object_get(one, "layers");
  size_t i;
  ck_assert_uint_gt(json_array_size(layers), 3);
  json_array_foreach(layers, i, layer) {
    operations += number(layer, "forward_operations") + number(layer, "backward_operations");
    bytes += number(layer, "forward_bytes") + number(layer, "backward_bytes");
    ck_assert_double_gt(number(layer, "forward_seconds"), 0);
    if (number(layer, "backward_operations") > 0)
      ck_assert_double_gt(number(layer, "backward_seconds"), 0);
  }
  close_to(operations, number(train, "operations"), "operations of the layers");
  close_to(bytes / batch, number(train, "bytes"), "bytes of the layers");
}

/** The line of the table says what the JSON does. */
static void check_line(const char *table, const json_t *one) {
  char head[100];
  double train, gflops;
  snprintf(head, sizeof head, "\n%-13s %-10s ", json_string_value(json_object_get(one, "model")),
           json_string_value(json_object_get(one, "side")));
  const char *line = strstr(table, head);
  ck_assert_msg(line != NULL, "no line \"%s\" in:\n%s", head + 1, table);
  ck_assert_int_eq(sscanf(line + strlen(head), "%lf %lf", &train, &gflops), 2);
  const json_t *speed = json_object_get(one, "train");
  ck_assert_double_eq_tol(train, number(speed, "samples_per_second"), 0.51);
  ck_assert_double_eq_tol(gflops, number(speed, "gflops"), 0.051);
}

START_TEST(table_and_json_agree) {
  shell_check("mkdir caches && TMPDIR=$PWD/caches " BENCH CPU SHORT
              "--profile --batch 20 --json b.json vanilla numpy-cnn",
              0, "peak ");
  char *table = strdup(shell_printed());
  json_t *all = read_json("b.json");
  ck_assert_uint_eq(json_array_size(json_object_get(all, "results")), 2);
  for (size_t i = 0; i < 2; i++) {
    const json_t *one = result(all, i), *start = json_object_get(one, "start");
    check_speed(one, "train");
    check_speed(one, "test");
    check_layers(one);
    check_line(table, one);
    const json_t *latency = json_object_get(one, "latency");
    is_median(number(latency, "seconds"), json_object_get(latency, "rounds"));
    ck_assert_double_ge(number(start, "cold"), 0);
    ck_assert_double_ge(number(start, "warm"), 0);
    ck_assert_double_gt(number(one, "device_bytes"), 4 * number(one, "parameters"));
    ck_assert_double_eq(number(json_object_get(one, "losses"), "apart"), 0);
  }
  shell_check("ls -A caches | wc -l", 0, "0\n");
  json_decref(all);
  free(table);
}
END_TEST

/** Operations and bytes of `vanilla` (784-100-10, SGD without momentum, batch 20), by hand. */
START_TEST(costs_are_counted_by_the_rules) {
  shell_check(BENCH CPU SHORT "--measure train,test --batch 20 --json v.json vanilla", 0, "peak ");
  json_t *all = read_json("v.json");
  const json_t *one = result(all, 0), *train = json_object_get(one, "train");
  const double first = 2 * 784 * 100, second = 2 * 100 * 10;
  ck_assert_double_eq(number(json_object_get(one, "test"), "operations"), first + second);
  ck_assert_double_eq(number(train, "operations"), 2 * first + 3 * second);
  const double weights = 4 * (784 * 100 + 100 + 100 * 10 + 10);
  double images = 785 * 5 + 4 * 784 + 4 * 100 + 4 * 100 + 4 * 10 + 4 * 10;
  close_to(number(json_object_get(one, "test"), "bytes"), images + weights / 20, "bytes to test");
  ck_assert_double_gt(number(train, "bytes"), 2 * images + 5 * weights / 20);
  is_null(json_object_get(one, "latency"), "seconds");
  is_null(json_object_get(one, "start"), "cold");
  is_null(json_object_get(one, "losses"), "apart");
  json_decref(all);
}
END_TEST

/* ---- beside digits-run, and beside another backend ---------------------- */

/** Samples a second of the last epoch in a log. */
static double logged_speed(const char *name) {
  char line[8192];
  double speed = 0;
  FILE *log = fopen(shell_path(name), "r");
  ck_assert_ptr_nonnull(log);
  while (fgets(line, sizeof line, log)) {
    const char *found = strstr(line, "\"samples_per_second\":");
    if (found) speed = strtod(strchr(found, ':') + 1, NULL);
  }
  fclose(log);
  return speed;
}

/** The machine may do something else in one of the two: a batch counted wrong is farther off. */
START_TEST(digits_run_logs_the_same_speed) {
  enum { TRIES = 6 };
  const double most = 3;
  double ours = 0, logged = 1;
  for (int i = 0; i < TRIES && (ours > most * logged || logged > most * ours); i++) {
    shell_check(BENCH CPU "--seconds 0.2 --rounds 3 --measure train --json s.json vanilla", 0, "");
    json_t *all = read_json("s.json");
    ours = number(json_object_get(result(all, 0), "train"), "samples_per_second");
    json_decref(all);
    shell_check(RUN CPU "--epochs 3 --set train.steps=300 --set train.keep=last "
                        "--set data.validation=0 --quiet --log s.jsonl vanilla",
                0, "test ");
    logged = logged_speed("s.jsonl");
  }
  ck_assert_msg(ours <= most * logged && logged <= most * ours, "%.0f and %.0f images a second",
                ours, logged);
}
END_TEST

START_TEST(backends_lose_alike) {
  if (!suite_has_backend("opencl")) return;
  shell_check(BENCH "--data . --seconds 0.02 --rounds 1 --steps 6 --measure losses "
                    "--backend cpu --backend opencl --json l.json vanilla",
              0, "opencl");
  json_t *all = read_json("l.json");
  const json_t *a = json_object_get(result(all, 0), "losses");
  const json_t *b = json_object_get(result(all, 1), "losses");
  double largest = 0;
  for (size_t i = 0; i < 6; i++) {
    double x = json_number_value(json_array_get(json_object_get(a, "steps"), i));
    double y = json_number_value(json_array_get(json_object_get(b, "steps"), i));
    ck_assert_double_gt(x, 0);
    largest = fmax(largest, fabs(x - y) / x);
  }
  ck_assert_double_eq(number(a, "apart"), 0);
  ck_assert_double_eq_tol(number(b, "apart"), largest, 1e-8);
  ck_assert_double_lt(number(b, "apart"), 1e-4);
  json_decref(all);
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  TCase *tests = tcase_create("bench");
  tcase_set_timeout(tests, 240);
  tcase_add_loop_test(tests, command_lines, 0, sizeof lines / sizeof *lines);
  tcase_add_test(tests, table_and_json_agree);
  tcase_add_test(tests, costs_are_counted_by_the_rules);
  tcase_add_test(tests, digits_run_logs_the_same_speed);
  tcase_add_test(tests, backends_lose_alike);
  int status = suite_main("bench", tests);
  shell_close();
  return status;
}
