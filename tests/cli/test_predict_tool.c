/* digits-predict and installed weights, as a user meets them. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits/data.h"
#include "digits/picture.h"
#include "tests/common/canvas.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

#define PREDICT PROGRAM("digits-predict")
#define ON_CPU PREDICT "--backend cpu "

enum { SIDE = 28, PIXELS = SIDE * SIDE, DIGITS = 3 };

static const shell_line lines[] = {
    {PREDICT "--help", 0, "Usage: digits-predict [options] WEIGHTS PICTURE..."},
    {PREDICT "-h", 0, "Usage: digits-predict"},
    {PREDICT "--version", 0, "digits-predict 0.1.0"},
    {PREDICT, 2, "no weights were given"},
    {PREDICT "./w", 2, "no picture was given after the weights ./w"},
    {PREDICT "--bogus ./w one.png", 2, "unknown option --bogus"},
    {PREDICT "--top 0 ./w one.png", 2, "--top must be a whole number from 1"},
    {PREDICT "--top 3 --json ./w one.png", 2, "--top doesn't go with --json"},
    {PREDICT "--min-probability 0 ./w one.png", 2,
     "--min-probability must be a number above 0, up to 1, such as 0.9, not \"0\""},
    {PREDICT "--min-probability 1.01 ./w one.png", 2, "not \"1.01\""},
    {PREDICT "--min-probability -0.5 ./w one.png", 2, "not \"-0.5\""},
    {PREDICT "--min-probability nan ./w one.png", 2, "not \"nan\""},
    {PREDICT "--min-probability 0x1p-1 ./w one.png", 2, "not \"0x1p-1\""},
    {PREDICT "--min-probability 90% ./w one.png", 2, "not \"90%\""},
    {PREDICT "--min-probability 0.9. ./w one.png", 2, "not \"0.9.\""},
    {PREDICT "--min-probability 0.9 --submission s.csv ./w t.csv", 2,
     "--min-probability doesn't go with --submission"},
    {PREDICT "--threads x ./w one.png", 2, "--threads must be"},
    {PREDICT "--show one.png ./w one.png", 2,
     "--show one.png would write over one.png, which a picture is read from"},
    {PREDICT "--show w ./w one.png", 2,
     "--show w would write over ./w, which the weights are read from"},
    {ON_CPU "./none one.png", 2, "./none: No such file"},
    {ON_CPU "one.png one.png", 2, "no weights \"one.png\""},
    {ON_CPU "./one.png one.png", 2, "./one.png"},
    {ON_CPU "small one.png", 2, "no weights \"small\" in "},
    {"DIGITS_WEIGHTS=mine " ON_CPU "smal one.png", 2, "did you mean \"small\"? There are small"},
    {"DIGITS_WEIGHTS=. " ON_CPU "small one.png", 2, "there are none, and a file is given as ./"},
    {"DIGITS_WEIGHTS=nowhere " ON_CPU "small one.png", 2, "set DIGITS_WEIGHTS to a folder"},
    {"DIGITS_WEIGHTS=mine " ON_CPU "small one.png", 0, "one.png: "},
    {ON_CPU "--model fcnn ./w one.png", 2, "./w"},
    {ON_CPU "--model cnn ./w one.png", 0, "one.png: "},
    {ON_CPU "--backend nope ./w one.png", 2, "unknown backend \"nope\""},
    {ON_CPU "./w none.png", 2, "none.png: No such file"},
    {ON_CPU "./w w", 2, "w: this is no picture of a known kind"},
    {ON_CPU "./w blank.png", 2, "blank.png: no ink was found"},
    {ON_CPU "./w blank.png one.png w", 2, "digits-predict: 2 of 3 pictures could not be read"},
    {ON_CPU "./w blank.png one.png w", 2, "\none.png: "},
    {ON_CPU "./w - < one.png", 0, "-: "},
    {ON_CPU "./w - < /dev/null", 2, "standard input: the file is empty"},
    {"cat one.png | " ON_CPU "./w -", 0, "-: "},
    {"cat one.png | TMPDIR=/nowhere " ON_CPU "./w /dev/stdin", 0, "/dev/stdin: "},
    {ON_CPU "--show none/x.png ./w one.png", 1, "none/x.png can't be written"},
    {ON_CPU "./w one.png > /dev/full", 1, "standard output could not be written"},
    {ON_CPU "--json ./w blank.png", 2, "{\"file\":\"blank.png\",\"error\":\"blank.png: no ink"},
    {ON_CPU "--json ./w \"$(printf 'a\\377b')\"", 2, "can't be written as JSON"},
};

/** Digits 1, 2 and 3 of a drawn set, the first ones that there are. */
static const uint8_t *choose(const dg_part_view *part, uint8_t label) {
  uint32_t i = 0;
  while (part->labels[i] != label) i++;
  return part->images + (size_t)i * PIXELS;
}

/** Writes pictures, and the weights of a network that can read them. */
START_TEST(prepare) {
  dg_error err = {0};
  dg_dataset *data = dg_dataset_draw(40, 1, 3, 1, &err);
  dg_part_view part = dg_dataset_part(data, DG_PART_TRAIN);
  canvas one = canvas_new(100, 100), three = canvas_new(200, 400);
  canvas_paint(&one, choose(&part, 1), SIDE, 3, 0, 8, 8);
  for (uint32_t i = 0; i < DIGITS; i++)
    canvas_paint(&three, choose(&part, (uint8_t)(i + 1)), SIDE, 4, 0, 20 + 20 * i, 10 + 130 * i);
  dg_picture p = canvas_picture(&one, &(canvas_light){255, 255, 0, 0, 0});
  canvas_write_png(&p, shell_path("one.png"));
  memset(p.pixels, 255, (size_t)p.height * p.width);
  canvas_write_png(&p, shell_path("blank.png"));
  dg_picture_free(&p);
  p = canvas_picture(&three, &(canvas_light){230, 150, 40, 20, 4});
  canvas_write_jpeg(&p, 80, shell_path("three.jpg"));
  dg_picture_free(&p);
  canvas_free(&one);
  canvas_free(&three);
  dg_dataset_close(data);
  shell_check("mkdir mine && cp " MODELS "cnn.cfg mine/small.cfg && cp " WEIGHTS_OF_ZOO
              "cnn.safetensors w && cp w mine/small.safetensors",
              0, "");
}
END_TEST

START_TEST(command_lines) {
  shell_check(lines[_i].command, lines[_i].status, lines[_i].says);
}
END_TEST

START_TEST(digits_are_named_with_their_probabilities) {
  shell_check(ON_CPU "./w three.jpg", 0, "three.jpg: 123\n  1 ");
  shell_check(ON_CPU "--top 10 ./w three.jpg | head -2 | tail -1 | grep -o % | wc -l", 0, "10\n");
  shell_check(ON_CPU "--top 1 ./w three.jpg one.png | grep -c %", 0, "4\n");
}
END_TEST

START_TEST(json_says_all) {
  ck_assert_int_eq(shell(ON_CPU "--json ./w three.jpg"), 0);
  json_t *picture = json_loads(shell_printed(), 0, NULL);
  ck_assert_ptr_nonnull(picture);
  ck_assert_str_eq(json_string_value(json_object_get(picture, "file")), "three.jpg");
  ck_assert_int_eq(json_integer_value(json_object_get(picture, "width")), 400);
  ck_assert_int_eq(json_integer_value(json_object_get(picture, "height")), 200);
  json_t *digits = json_object_get(picture, "digits");
  ck_assert_uint_eq(json_array_size(digits), DIGITS);
  for (size_t i = 0; i < DIGITS; i++) {
    json_t *digit = json_array_get(digits, i), *all = json_object_get(digit, "probabilities");
    double sum = 0;
    ck_assert_int_eq(json_integer_value(json_object_get(digit, "label")), (int)i + 1);
    for (size_t c = 0; c < json_array_size(all); c++)
      sum += json_real_value(json_array_get(all, c));
    ck_assert_uint_eq(json_array_size(all), 10);
    ck_assert_double_eq_tol(sum, 1, 1e-5);
    ck_assert_double_eq(json_real_value(json_object_get(digit, "probability")),
                        json_real_value(json_array_get(all, i + 1)));
    json_t *left = json_object_get(json_object_get(digit, "box"), "left");
    ck_assert(json_integer_value(left) / 130 == (int)i);
  }
  json_decref(picture);
}
END_TEST

/** Without the option, or with a small probability, nothing changes. */
START_TEST(unsure_digits_are_named_so) {
  shell_check(ON_CPU "./w three.jpg > all && " ON_CPU
                     "--min-probability 0.01 ./w three.jpg > sure && cmp all sure && echo same",
              0, "same\n");
  shell_check(ON_CPU "--min-probability 1 --top 1 ./w three.jpg > unsure; head -1 unsure", 0,
              "three.jpg: ???\n");
  shell_check("tail -n 3 unsure | grep -o % | wc -l", 0, "6\n");
  shell_check("sed 1d all | cut -c -24 > two && sed 1d unsure | cmp - two && echo same", 0,
              "same\n");
  shell_check("printf '%s\\n' zero one two three four five six seven eight nine > names && " ON_CPU
              "--classes names --min-probability 1 ./w three.jpg",
              0, "three.jpg: ? ? ?\n  one ");
  shell_check(ON_CPU "--min-probability 1 --show seen.png ./w three.jpg", 0, "three.jpg: ???");
}
END_TEST

/** Weights without a temperature are as sure as they are. */
START_TEST(uncalibrated_weights_are_told) {
  const char *const told = "carries no temperature, so that its answers may be correct less often";
  shell_check("DIGITS_DATA=. " RUN
              "--backend cpu --quiet --epochs 1 --save bare.safetensors vanilla "
              "&& " ON_CPU "--min-probability 0.5 ./bare.safetensors one.png",
              0, told);
  shell_check(ON_CPU "--min-probability 0.5 ./w one.png 2>&1", 0, "one.png: 1\n");
  ck_assert_ptr_null(strstr(shell_printed(), told));
  shell_check(ON_CPU "./bare.safetensors one.png 2>&1", 0, "one.png: ");
  ck_assert_ptr_null(strstr(shell_printed(), told));
}
END_TEST

static void check_unsure(const json_t *digit, size_t i, bool unsure) {
  const json_t *two = json_object_get(digit, "likeliest"), *best = json_array_get(two, 0);
  ck_assert_int_eq(json_is_true(json_object_get(digit, "unsure")), unsure);
  ck_assert_int_eq(json_is_null(json_object_get(digit, "label")), unsure);
  ck_assert_uint_eq(json_array_size(two), unsure ? 2 : 0);
  if (!unsure) return;
  ck_assert_uint_eq((size_t)json_integer_value(json_object_get(best, "label")), i + 1);
  ck_assert_double_eq(json_real_value(json_object_get(best, "probability")),
                      json_real_value(json_object_get(digit, "probability")));
  ck_assert_double_le(json_real_value(json_object_get(json_array_get(two, 1), "probability")),
                      json_real_value(json_object_get(best, "probability")));
}

START_TEST(json_names_the_two_likeliest) {
  for (int unsure = 0; unsure < 2; unsure++) {
    ck_assert_int_eq(shell(unsure ? ON_CPU "--json --min-probability 1 ./w three.jpg"
                                  : ON_CPU "--json --min-probability 0.1 ./w three.jpg"),
                     0);
    json_t *picture = json_loads(shell_printed(), 0, NULL);
    const json_t *digits = json_object_get(picture, "digits");
    ck_assert_uint_eq(json_array_size(digits), DIGITS);
    for (size_t i = 0; i < DIGITS; i++) check_unsure(json_array_get(digits, i), i, unsure);
    json_decref(picture);
  }
}
END_TEST

START_TEST(what_the_network_saw_is_shown) {
  shell_check(ON_CPU "--show seen.png ./w three.jpg one.png && " ON_CPU "./w seen.png", 0, "");
  shell_check("head -c 8 seen.png | od -An -c", 0, "211   P   N   G");
  dg_picture picture;
  dg_error err = {0};
  ck_assert_msg(dg_picture_read(&picture, shell_path("seen.png"), &err), "%s", err.message);
  ck_assert_uint_eq(picture.width, 4 * (4 * (SIDE + 3) + 3));
  dg_picture_free(&picture);
}
END_TEST

START_TEST(installed_weights_are_tested_by_name) {
  shell_check("DIGITS_MODELS=mine DIGITS_WEIGHTS=mine " RUN "--data . --backend cpu --test small",
              0, "weights mine/small.safetensors\n");
  ck_assert_ptr_nonnull(strstr(shell_printed(), "test    loss "));
  shell_check("DIGITS_WEIGHTS=mine " RUN "--data . --test cnn", 2,
              "--test without --load FILE: no weights \"cnn\" in mine");
  shell_check(RUN "--data . --test ./mine/small.cfg", 2, "--test needs --load FILE");
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  unsetenv("DIGITS_WEIGHTS");
  TCase *tests = tcase_create("predict_tool");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, prepare);
  tcase_add_loop_test(tests, command_lines, 0, sizeof lines / sizeof *lines);
  tcase_add_test(tests, digits_are_named_with_their_probabilities);
  tcase_add_test(tests, json_says_all);
  tcase_add_test(tests, unsure_digits_are_named_so);
  tcase_add_test(tests, uncalibrated_weights_are_told);
  tcase_add_test(tests, json_names_the_two_likeliest);
  tcase_add_test(tests, what_the_network_saw_is_shown);
  tcase_add_test(tests, installed_weights_are_tested_by_name);
  int status = suite_main("predict_tool", tests);
  shell_close();
  return status;
}
