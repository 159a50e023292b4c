/* digits-run as a user meets it: what it prints, logs and returns. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/shell.h"
#include "tests/common/suite.h"

#define SMALL "--data . --backend cpu "

/* ---- wrong and right command lines -------------------------------------- */

static const shell_line lines[] = {
    {RUN "--help", 0, "Usage: digits-run [options] MODEL"},
    {RUN "--help", 0, "DIGITS_CACHE=off keeps none"},
    {RUN "--help layers", 0, "default \"pytorch\""},
    {RUN "--version", 0, "digits-run 0.1.0"},
    {RUN "--list-devices", 0, "cpu 0: "},
    {RUN "--describe --backend cpu " MODELS "cnn.cfg", 0,
     "conv2d + relu + maxpool2d            [16, 14, 14]"},
    {RUN "--describe --backend cpu " MODELS "cnn.cfg", 0,
     "conv2d + relu + maxpool2d + dropout  [32, 7, 7]"},
    {RUN "--describe --backend cpu " MODELS "cnn.cfg", 0, "linear + relu + dropout"},
    {RUN "--describe --backend cpu " MODELS "cnn.cfg", 0, "214538        2471776"},
    {RUN "--describe --backend cpu cnn", 0, "214538        2471776"},
    {RUN "--list-models", 0, "cnn                214538  two convolutions"},
    {RUN "--list-models", 0, "vanilla             79510  "},
    {RUN "cnm", 2, "no model \"cnm\" in " DIGITS_SOURCE_DIR "/models; did you mean \"cnn\"?"},
    {RUN "transformer", 2, "there are autoencoder, cnn, "},
    {"DIGITS_MODELS=nowhere " RUN "cnn", 2, "nowhere, where models are looked for"},
    {"DIGITS_MODELS=nowhere " RUN "--list-models", 2, "set DIGITS_MODELS"},
    {"DIGITS_MODELS=nowhere " RUN "--describe " MODELS "cnn.cfg", 0, "214538"},
    {RUN "--describe", 2, "no model file was given"},
    {RUN, 2, "no model file was given"},
    {"d=$(printf 'K\\374hl') && mkdir -p $d && " RUN "--data $d vanilla", 2, "is not UTF-8"},
    {RUN "a b", 2, "give one model file"},
    {RUN "--bogus", 2, "unknown option --bogus"},
    {RUN "-h", 0, "Usage: digits-run [options] MODEL"},
    {RUN "--quiet -xq", 2, "unknown option -x; see --help"},
    {RUN "--help nothing", 2, "no help on \"nothing\"; there are --help and --help layers"},
    {RUN "--backend", 2, "option --backend needs a value"},
    {RUN "--data '' cnn", 2, "option --data needs a value"},
    {RUN "--list-models cnn", 2, "\"cnn\" is too much"},
    {RUN "--version --lr 1", 2, "--lr doesn't go with --version, which stands alone"},
    {RUN "--list-devices --list-models", 2, "--list-devices doesn't go with --list-models"},
    {RUN "--describe --seed 2 cnn", 2, "--seed doesn't go with --describe, which runs nothing"},
    {RUN "--describe --data . cnn", 2, "--data doesn't go with --describe"},
    {RUN "--describe --log x cnn", 2, "--log doesn't go with --describe"},
    {RUN "--describe --test --load x", 2, "--test doesn't go with --describe"},
    {RUN "--describe --load x cnn", 2, "--describe takes a model file or --load FILE"},
    {RUN "--test --load x --epochs 2", 2, "--epochs doesn't go with --test, which trains nothing"},
    {RUN "--test --load x --lr 2", 2, "--lr doesn't go with --test"},
    {RUN "--test --load x --seed 2", 2, "--seed doesn't go with --test"},
    {RUN "--test --load x --save y", 2, "--save doesn't go with --test"},
    {RUN "--save x --runs 2 cnn", 2, "--save keeps one run"},
    {RUN "--save-every 5 cnn", 2, "--save-every needs --save FILE"},
    {RUN "--save x --save-every 0 cnn", 2, "--save-every must be a whole number"},
    {RUN "--save /dev/null --save-every 5 cnn", 2, "no checkpoint is kept beside /dev/null"},
    {RUN "--test --load x --save-every 5", 2, "--save-every doesn't go with --test"},
    {RUN "--describe --save-every 5 cnn", 2, "--save-every doesn't go with --describe"},
    {"echo a > s.state; " RUN "--save s --save-every 5 --load s.state cnn; echo $?; cat s.state; "
     "rm s.state",
     0, "s.state is the state of a run that stopped"},
    {RUN "--calibrate", 2, "no model file was given"},
    {RUN "--calibrate --save x " MODELS "cnn.cfg", 2, "--calibrate needs --load FILE"},
    {RUN "--calibrate --load x --epochs 2", 2,
     "--epochs doesn't go with --calibrate, which goes by the recipe of the weights"},
    {RUN "--calibrate --load x --set a=b", 2, "--set doesn't go with --calibrate"},
    {RUN "--calibrate --load x --runs 2", 2, "--runs doesn't go with --calibrate"},
    {RUN "--calibrate --test --load x", 2, "--test doesn't go with --calibrate"},
    {RUN "--calibrate --load none.safetensors", 2, "none.safetensors: No such file"},
    {RUN "none.cfg", 2, "none.cfg: No such file or directory"},
    {RUN SMALL "--epochs -1 " MODELS "cnn.cfg", 2, "--epochs (train.epochs = -1): epochs must be"},
    {RUN SMALL "--epochs 1.5 " MODELS "cnn.cfg", 2, "epochs must be a whole number"},
    {RUN SMALL "--batch 0 " MODELS "cnn.cfg", 2, "batch must be a whole number >= 1"},
    {RUN SMALL "--lr nan " MODELS "cnn.cfg", 2, "lr must be a number > 0"},
    {RUN SMALL "--seed x " MODELS "cnn.cfg", 2, "--seed must be a whole number"},
    {RUN SMALL "--seed 4294967296 " MODELS "cnn.cfg", 2, "--seed must be"},
    {RUN SMALL "--runs 0 " MODELS "cnn.cfg", 2, "--runs must be"},
    {RUN SMALL "--threads 0 " MODELS "cnn.cfg", 2, "--threads must be"},
    {RUN SMALL "--set epochs " MODELS "cnn.cfg", 2, "--set needs PATH=VALUE"},
    {RUN SMALL "--set conv1.filter=3 " MODELS "cnn.cfg", 2, "did you mean \"filters\"?"},
    {RUN SMALL "--device 99 " MODELS "cnn.cfg", 2, "no device 99"},
    {RUN SMALL "--device nonesuch " MODELS "cnn.cfg", 2, "no device has \"nonesuch\" in its name"},
    {RUN "--backend cuda " MODELS "cnn.cfg", 2, "unknown backend \"cuda\"; there are"},
    {RUN "--data nowhere --backend cpu " MODELS "cnn.cfg", 2, "nowhere"},
    {RUN SMALL "--test-data nowhere " MODELS "cnn.cfg", 2, "nowhere"},
    {RUN SMALL "--log none/log " MODELS "vanilla.cfg", 1, "none/log"},
    {RUN SMALL "--log /dev/full --epochs 1 " MODELS "vanilla.cfg", 1, "could not be written"},
    {RUN "--help > /dev/full", 1, "standard output could not be written"},
    {RUN SMALL "--lr 1e30 " MODELS "cnn-leaky.cfg", 1, "\"conv1.weight\" is not finite at step 1"},
};

START_TEST(command_lines) {
  shell_check(lines[_i].command, lines[_i].status, lines[_i].says);
}
END_TEST

START_TEST(it_says_what_it_uses) {
  shell_check(RUN SMALL "--epochs 2 --seed 5 " MODELS "vanilla.cfg", 0, "79510 parameters");
  ck_assert_ptr_nonnull(strstr(shell_printed(), "device  cpu: "));
  ck_assert_ptr_nonnull(strstr(shell_printed(), "300 to train, 0 to validate, 100 to test"));
  ck_assert_ptr_nonnull(strstr(shell_printed(), "seed    5"));
  ck_assert_ptr_nonnull(strstr(shell_printed(), "epoch  2/2"));
  ck_assert_ptr_nonnull(strstr(shell_printed(), "of 100)"));
  ck_assert_msg(strchr(shell_printed(), '\033') == NULL, "terminal codes in a pipe");
}
END_TEST

START_TEST(data_comes_from_the_environment) {
  shell_check("DIGITS_DATA=. " RUN "--backend cpu --epochs 1 " MODELS "vanilla.cfg", 0,
              "300 to train");
}
END_TEST

START_TEST(models_of_ones_own_have_names) {
  shell_check("mkdir mine && sed 's/units = 100/units = 20/' " MODELS
              "vanilla.cfg > mine/tiny.cfg && "
              "echo 'description = 3;' > mine/broken.cfg && touch mine/notes.txt mine/.cfg",
              0, "");
  shell_check("DIGITS_MODELS=mine " RUN "--list-models", 0,
              "tiny                15910  one hidden");
  ck_assert_ptr_nonnull(
      strstr(shell_printed(), "broken                  0  mine/broken.cfg:1: descr"));
  ck_assert_ptr_null(strstr(shell_printed(), "notes"));
  ck_assert_ptr_null(strstr(shell_printed(), "cnn"));
  shell_check("DIGITS_MODELS=mine " RUN SMALL "--epochs 1 tiny", 0, "15910 parameters");
  shell_check("DIGITS_MODELS=mine " RUN SMALL "--epochs 1 cnn", 2, "no model \"cnn\" in mine");
}
END_TEST

START_TEST(quiet_prints_the_test_alone) {
  shell_check(RUN SMALL "--quiet --epochs 2 " MODELS "vanilla.cfg", 0, "accuracy");
  ck_assert_msg(strncmp(shell_printed(), "test ", 5) == 0 &&
                    strchr(shell_printed(), '\n')[1] == '\0',
                "more than a line:\n%s", shell_printed());
}
END_TEST

/* ---- the log ------------------------------------------------------------ */

/** The next line of a log as an object, with the event that it must be. */
static json_t *next_event(FILE *log, const char *event) {
  char line[8192];
  json_error_t err;
  ck_assert_msg(fgets(line, sizeof line, log) != NULL, "no more lines, but \"%s\" is due", event);
  json_t *object = json_loads(line, 0, &err);
  ck_assert_msg(object != NULL, "%s in: %s", err.text, line);
  ck_assert_str_eq(json_string_value(json_object_get(object, "event")), event);
  return object;
}

static double number(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  ck_assert_msg(json_is_number(value), "no number \"%s\"", key);
  return json_number_value(value);
}

START_TEST(the_log_has_every_record) {
  shell_check(RUN SMALL "--runs 2 --epochs 2 --set data.validation=50 --log log.jsonl " MODELS
                        "vanilla.cfg",
              0, "2 runs  accuracy");
  FILE *log = fopen(shell_path("log.jsonl"), "r");
  ck_assert_ptr_nonnull(log);
  double accuracies = 0;
  for (int run = 0; run < 2; run++) {
    json_t *start = next_event(log, "start");
    ck_assert_str_eq(json_string_value(json_object_get(start, "model")), "vanilla");
    ck_assert_str_eq(json_string_value(json_object_get(start, "backend")), "cpu");
    ck_assert_double_eq(number(start, "seed"), 1 + run);
    ck_assert_double_eq(number(start, "parameters"), 79510);
    json_decref(start);
    for (int epoch = 0; epoch < 2; epoch++) {
      for (int step = 0; step < 2; step++) {
        json_t *line = next_event(log, "step");
        ck_assert_double_eq(number(line, "step"), 2 * epoch + step);
        ck_assert_double_gt(number(line, "loss"), 0);
        json_decref(line);
      }
      json_t *line = next_event(log, "epoch");
      ck_assert_double_eq(number(line, "epoch"), epoch + 1);
      ck_assert_double_le(number(line, "train_accuracy"), 1);
      ck_assert_double_gt(number(line, "validation_loss"), 0);
      ck_assert_double_le(number(line, "validation_accuracy"), 1);
      ck_assert_double_gt(number(line, "samples_per_second"), 0);
      json_decref(line);
    }
    json_t *test = next_event(log, "test");
    ck_assert_double_eq(number(test, "total"), 100);
    ck_assert_double_eq_tol(number(test, "accuracy"), number(test, "correct") / 100, 1e-6);
    accuracies += number(test, "accuracy");
    json_decref(test);
  }
  json_t *summary = next_event(log, "summary");
  ck_assert_double_eq(number(summary, "runs"), 2);
  ck_assert_double_eq_tol(number(summary, "accuracy_mean"), accuracies / 2, 1e-6);
  json_decref(summary);
  ck_assert_int_eq(fgetc(log), EOF);
  fclose(log);
}
END_TEST

/* ---- weights ------------------------------------------------------------ */

START_TEST(weights_come_back) {
  shell_check(RUN SMALL "--epochs 3 --set fc1.units=20 --save w.safetensors " MODELS "vanilla.cfg",
              0, "15910 parameters");
  char trained[200] = "";
  sscanf(strstr(shell_printed(), "test "), "%199[^)]", trained);
  shell_check(RUN SMALL "--test --load w.safetensors", 0, trained);
  ck_assert_ptr_null(strstr(shell_printed(), "epoch"));
  shell_check(RUN SMALL "--epochs 1 --load w.safetensors", 0, "epoch  1/1");
  shell_check(RUN SMALL "--test --load w.safetensors " MODELS "vanilla.cfg", 2,
              "\"fc1.weight\" has the shape [20, 784], but the network's is [100, 784]");
  shell_check(RUN SMALL "--test --load w.safetensors " MODELS "cnn.cfg", 2,
              "\"conv1.weight\" is missing");
  shell_check(RUN SMALL "--test --load " MODELS "cnn.cfg", 2, "not a sound safetensors file");
  shell_check(RUN SMALL "--test " MODELS "cnn.cfg", 2, "--test needs --load");
  shell_check(RUN SMALL "--epochs 1 --save none/w " MODELS "vanilla.cfg", 1, "can't be written");
  shell_check("ls", 0, "w.safetensors\n");
  ck_assert_msg(strstr(shell_printed(), "w.safetensors.") == NULL, "left behind: %s",
                shell_printed());
}
END_TEST

/* ---- calibration -------------------------------------------------------- */

#define HELD_OUT "--epochs 3 --set data.validation=100 --save v.safetensors " MODELS "vanilla.cfg"
#define WITHOUT "--epochs 3 --save w.safetensors " MODELS "vanilla.cfg"
#define PARAMETERS "318040" /* bytes of vanilla's, at the end of the file */

/** A line of the last output, from a word on. */
static void keep_line(const char *word, char line[200]) {
  const char *at = strstr(shell_printed(), word);
  ck_assert_msg(at != NULL, "no \"%s\" in %s", word, shell_printed());
  ck_assert_int_eq(sscanf(at, "%199[^\n]", line), 1);
}

START_TEST(training_fits_a_temperature) {
  char told[200], again[200];
  shell_check(RUN SMALL "--log c.jsonl " HELD_OUT, 0, " % with temperature ");
  keep_line("calibration error", told);
  double error, temperature, without;
  ck_assert_int_eq(sscanf(told, "calibration error %lf %% with temperature %lf, %lf %% without",
                          &error, &temperature, &without),
                   3);
  shell_check("head -c 9000 v.safetensors | grep -ao 'digits.temperature\":\"[0-9.]*\"'", 0, "");
  shell_check("tail -n 1 c.jsonl > last.jsonl", 0, "");
  FILE *log = fopen(shell_path("last.jsonl"), "r");
  json_t *test = next_event(log, "test");
  ck_assert_double_eq_tol(number(test, "temperature") / temperature, 1, 1e-3);
  ck_assert_double_eq_tol(100 * number(test, "calibration_error"), error, 0.006);
  ck_assert_double_eq_tol(100 * number(test, "calibration_error_without"), without, 0.006);
  json_decref(test);
  fclose(log);
  shell_check(RUN SMALL "--test --load v.safetensors", 0, "");
  keep_line("calibration error", again);
  ck_assert_str_eq(again, told);
  shell_check(RUN SMALL "--test --quiet --load v.safetensors", 0, "test ");
  ck_assert_ptr_null(strstr(shell_printed(), "calibration"));
}
END_TEST

/** It is that of the end of training: the file becomes the same. */
START_TEST(weights_are_calibrated_again) {
  shell_check(RUN SMALL HELD_OUT, 0, "");
  shell_check(RUN SMALL "--calibrate --load v.safetensors --save v2.safetensors", 0,
              "on the 100 images that seed 1 sets aside");
  shell_check("cmp v.safetensors v2.safetensors && echo same", 0, "same\n");
  shell_check(RUN SMALL "--calibrate --seed 2 --load v.safetensors --save v2.safetensors", 0, "");
  shell_check("cmp -s v.safetensors v2.safetensors || echo differs", 0, "differs\n");
  shell_check("tail -c " PARAMETERS " v.safetensors > p && tail -c " PARAMETERS
              " v2.safetensors | cmp - p && echo same",
              0, "same\n");
}
END_TEST

/** Weights that learned from all images get the temperature of a second network. */
START_TEST(a_second_network_tells_the_temperature) {
  shell_check(RUN SMALL WITHOUT, 0, "no temperature: the recipe sets no images aside to fit one");
  shell_check(RUN SMALL "--test --load w.safetensors", 0, "these weights carry none; --calibrate");
  shell_check(
      "cp w.safetensors old && printf 'one\ntwo\n3\n4\n5\n6\n7\n8\n9\n0\n' > names && " RUN SMALL
      "--classes names --calibrate --load w.safetensors --save w.safetensors",
      0, "trains a second network on 250, and fits its temperature on 50\n");
  ck_assert_ptr_nonnull(strstr(shell_printed(), " % with temperature "));
  shell_check("tail -c " PARAMETERS " old > p && tail -c " PARAMETERS
              " w.safetensors | cmp - p && echo same",
              0, "same\n");
  shell_check(RUN SMALL "--calibrate --load w.safetensors --save w2.safetensors " MODELS "cnn.cfg",
              0, "fits its temperature on 50");
  shell_check("cmp w.safetensors w2.safetensors && grep -ac 'one' w2.safetensors", 0, "1\n");
  shell_check(CONVERT "--quiet w.safetensors w3.safetensors && cmp w.safetensors w3.safetensors && "
                      "echo same",
              0, "same\n");
}
END_TEST

/* ---- signals and missing platforms -------------------------------------- */

START_TEST(a_signal_stops_it) {
  shell_check("rm -f out; " RUN SMALL "--epochs 1000000 " MODELS
              "vanilla.cfg > out & p=$!; " UNTIL_AN_EPOCH "kill -INT $p; wait $p",
              130, "interrupted in epoch");
}
END_TEST

START_TEST(stopped_runs_are_summed_up) {
  shell_check("rm -f out; " RUN SMALL "--quiet --runs 1000 --epochs 30 " MODELS
              "vanilla.cfg > out & p=$!; "
              "while kill -0 $p && ! grep -qs test out; do sleep 0.05; done; "
              "kill -INT $p; wait $p; s=$?; tail -n 1 out; exit $s",
              130, " +- ");
}
END_TEST

START_TEST(a_stopped_run_is_resumed) {
  const char *const run =
      "rm -f out; " RUN SMALL "--epochs 1000000 --save r.safetensors --log r.jsonl " MODELS
      "vanilla.cfg > out & p=$!; " UNTIL_AN_EPOCH "kill -INT $p; wait $p";
  shell_check(run, 130, "; go on with --resume r.safetensors");
  shell_check(run, 2, "r.safetensors.state is the state of a run that stopped");
  shell_check(RUN "--resume r.safetensors vanilla", 2, "--resume goes on with a run as it began");
  shell_check(RUN "--resume r.safetensors --lr 1", 2,
              "--lr doesn't go with --resume, which goes on with a run as it began");
  shell_check(RUN "--resume r.safetensors --data builtin", 2,
              "the run learned from other images, from ");
  shell_check("cp " MODELS "vanilla.cfg own.cfg; " RUN SMALL "--log own.cfg ./own.cfg", 2,
              "--log own.cfg would write over ./own.cfg, which the model is read from");
  shell_check(RUN "--test --data . --load r.safetensors.state", 2,
              "is the checkpoint of a run that stopped, not weights; --resume goes on with it");
  shell_check("rm out; " RUN "--resume r.safetensors --log r.jsonl > out & p=$!; " UNTIL_AN_EPOCH
              "kill -HUP $p; wait $p; s=$?; cat out; exit $s",
              130, "resume  after ");
  shell_check("grep -c '\"event\":\"start\"' r.jsonl", 0, "2\n");
  shell_check("grep -c '\"resumed_epochs\"' r.jsonl", 0, "1\n");
  shell_check("rm r.safetensors.state; " RUN "--resume r.safetensors", 2,
              "there is no r.safetensors.state: the run has finished");
}
END_TEST

/** So slow that nothing is learned: no validation is better than the first. */
#define STILL "--lr 1e-30 --set data.validation=50 --set train.early_stop=2 "

START_TEST(training_stops_early) {
  shell_check(RUN SMALL STILL "--epochs 7 --set train.keep_by=f1_macro --log e.jsonl " MODELS
                              "vanilla.cfg",
              0, "stopped early: 2 epochs without a better validation (f1_macro)\ntest ");
  ck_assert_ptr_nonnull(strstr(shell_printed(), "epoch  3/7"));
  ck_assert_ptr_null(strstr(shell_printed(), "epoch  4/7"));
  shell_check("grep -c validation_f1_macro e.jsonl; grep -c stopped_early e.jsonl; "
              "grep stopped_early e.jsonl | grep -c '\"epoch\":3.*\"epochs_since_best\":2'",
              0, "3\n1\n1\n");
  shell_check(RUN SMALL STILL "--epochs 7 --runs 2 --quiet --log e.jsonl " MODELS "vanilla.cfg", 0,
              "2 runs  accuracy");
  shell_check("grep -c stopped_early e.jsonl", 0, "2\n");
  shell_check(RUN SMALL STILL "--epochs 3 " MODELS "vanilla.cfg", 0, "epoch  3/3");
  ck_assert_ptr_null(strstr(shell_printed(), "stopped early"));
}
END_TEST

/** A run that is killed in an epoch has the state of its last steps. */
START_TEST(a_killed_run_is_resumed_in_its_epoch) {
  shell_check("rm -f k.jsonl; " RUN SMALL
              "--epochs 1 --set train.steps=100000 --save k.safetensors --save-every 5 "
              "--log k.jsonl " MODELS "vanilla.cfg & p=$!; "
              "while kill -0 $p && ! grep -qs '\"step\":40,' k.jsonl; do sleep 0.05; done; "
              "kill -KILL $p; wait $p",
              137, "");
  shell_check(RUN "--resume k.safetensors --save-every 1000 > out & p=$!; "
                  "while kill -0 $p && ! grep -qs 'resume ' out; do sleep 0.05; done; "
                  "kill -INT $p; wait $p; cat out",
              0, "resume  after 0 epochs and ");
  unsigned steps;
  ck_assert_int_eq(
      sscanf(strstr(shell_printed(), "resume  "), "resume  after 0 epochs and %u steps", &steps),
      1);
  ck_assert_uint_ge(steps, 35);
  ck_assert_uint_eq(steps % 5, 0);
}
END_TEST

START_TEST(no_opencl_platform) {
  int status = shell("mkdir -p none && OCL_ICD_VENDORS=$PWD/none " RUN
                     "--backend opencl --data . " MODELS "vanilla.cfg");
  ck_assert_int_eq(status, 1);
  ck_assert_msg(strstr(shell_printed(), "--backend cpu") != NULL, "no remedy in: %s",
                shell_printed());
  shell_check("OCL_ICD_VENDORS=$PWD/none " RUN "--data . --epochs 1 " MODELS "vanilla.cfg", 0,
              "device  cpu: ");
  shell_check("OCL_ICD_VENDORS=$PWD/none " RUN "--list-devices", 0, "cpu 0: ");
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  TCase *tests = tcase_create("cli");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, command_lines, 0, sizeof lines / sizeof *lines);
  tcase_add_test(tests, it_says_what_it_uses);
  tcase_add_test(tests, data_comes_from_the_environment);
  tcase_add_test(tests, models_of_ones_own_have_names);
  tcase_add_test(tests, quiet_prints_the_test_alone);
  tcase_add_test(tests, the_log_has_every_record);
  tcase_add_test(tests, weights_come_back);
  tcase_add_test(tests, training_fits_a_temperature);
  tcase_add_test(tests, weights_are_calibrated_again);
  tcase_add_test(tests, a_second_network_tells_the_temperature);
  tcase_add_test(tests, a_signal_stops_it);
  tcase_add_test(tests, stopped_runs_are_summed_up);
  tcase_add_test(tests, a_stopped_run_is_resumed);
  tcase_add_test(tests, training_stops_early);
  tcase_add_test(tests, a_killed_run_is_resumed_in_its_epoch);
  tcase_add_test(tests, no_opencl_platform);
  int status = suite_main("cli", tests);
  shell_close();
  return status;
}
