/* What strangers named reaches a terminal as text alone: escapes of control characters. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/file/file.h"
#include "core/base/text.h"
#include "core/weights/safetensors.h"
#include "tests/common/canvas.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

#define PREDICT PROGRAM("digits-predict")
#define SERVE PROGRAM("digits-serve")
#define REPORT PROGRAM("digits-report")

/* Names that set a title, begin a line, turn text around; all but one may be in JSON. */
#define WORD "a\033]0;x\007\nFORGED\177\302\233\342\200\256"
#define SHOWN "a\\x1b]0;x\\x07\\x0aFORGED\\u007f\\u009b\\u202e"
#define NAME "'" WORD "'"
#define BYTES "'" WORD "\377'"
#define SHOWN_BYTES SHOWN "\\xff"
/* What a model file and a list of classes may hold. */
#define LINE "\302\233\342\200\256b"
#define SHOWN_LINE "\\u009b\\u202eb"

/* ---- the filter --------------------------------------------------------- */

static const struct {
  const char *text, *shown;
} texts[] = {
    {"", ""},
    {"fc1.weight (\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80)",
     "fc1.weight (\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80)"},
    {"\x1b[31m\a\t\r\n", "\\x1b[31m\\x07\\x09\\x0d\\x0a"},
    {" ~\x7f", " ~\\u007f"},
    {"\xc2\x80\xc2\x9f\xc2\xa0", "\\u0080\\u009f\xc2\xa0"},
    {"\x80\x9b\x9f\xff", "\\x80\\x9b\\x9f\\xff"},
    {"\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f", "\\u061c\\u200e\\u200f"},
    {"\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xaf",
     "\\u2028\\u2029\\u202a\\u202e\xe2\x80\xaf"},
    {"\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa", "\xe2\x81\xa5\\u2066\\u2069\xe2\x81\xaa"},
    {"\xc0\x9b\xe2\x80\xed\xa0\x80\xf4\x90\x80\x80",
     "\\xc0\\x9b\\xe2\\x80\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80"},
    {"cut \xe2\x82", "cut \\xe2\\x82"},
    {"\\x1b stays \\u202e", "\\x1b stays \\u202e"},
};

START_TEST(characters_are_shown) {
  const char *text = texts[_i].text, *wanted = texts[_i].shown;
  char shown[100], again[100];
  ck_assert_uint_eq(dg_visible(shown, sizeof shown, text, strlen(text)), strlen(text));
  ck_assert_str_eq(shown, wanted);
  dg_visible(again, sizeof again, shown, strlen(shown));
  ck_assert_str_eq(again, shown);
  ck_assert(dg_is_visible(text) == (strcmp(text, shown) == 0));
}
END_TEST

/** In any capacity, whole characters and escapes come out, and nothing behind it is touched. */
START_TEST(text_is_cut_between_characters) {
  const char text[] = "\x1b\xe2\x82\xac\xe2\x80\xae\xff\xc3\xa4z";
  for (size_t capacity = DG_VISIBLE_MAX + 1; capacity < 30; capacity++) {
    char all[100] = "";
    for (size_t read = 0; read < strlen(text);) {
      char piece[40];
      memset(piece, '#', sizeof piece);
      read += dg_visible(piece, capacity, text + read, strlen(text) - read);
      ck_assert_uint_lt(strlen(piece), capacity);
      ck_assert_int_eq(piece[capacity], '#');
      ck_assert_ptr_null(dg_utf8_fault(piece));
      strcat(all, piece);
    }
    ck_assert_str_eq(all, "\\x1b\xe2\x82\xac\\u202e\\xff\xc3\xa4z");
  }
}
END_TEST

START_TEST(errors_are_shown_and_cut) {
  dg_error err = {0};
  char text[3000], name[3000] = "";
  for (size_t length = 990; length < 1040; length++) {
    memset(text, 'x', length);
    strcpy(text + length, "\xe2\x82\xac\x1b");
    dg_fail(&err, DG_ERR_INPUT, "%s", text);
    ck_assert_ptr_null(dg_utf8_fault(err.message));
    ck_assert_uint_ge(strlen(err.message), sizeof err.message - 1 < length ? 1000 : length);
    ck_assert(dg_is_visible(err.message));
    dg_fail_prefix(&err, "\x1b%s", "\xff");
    ck_assert_int_eq(strncmp(err.message, "\\x1b\\xff: xxx", 13), 0);
    ck_assert_ptr_null(dg_utf8_fault(err.message));
    ck_assert_uint_lt(strlen(err.message), sizeof err.message);
  }
  for (int i = 0; i < 700; i++) strcat(name, "\x1b");
  dg_fail(&err, DG_ERR_INPUT, "%s", name);
  ck_assert_uint_eq(strlen(err.message) % 4, 0);
  dg_fail_prefix(&err, "%s", name);
  dg_fail_suffix(&err, "%s", name);
  ck_assert(dg_is_visible(err.message));
  dg_fail(&err, DG_ERR_INPUT, "a\n");
  dg_fail_prefix(&err, "b");
  dg_fail_prefix(&err, "c\n");
  dg_fail_suffix(&err, "; d\xff");
  ck_assert_str_eq(err.message, "c\\x0a: b: a\\x0a; d\\xff");
}
END_TEST

/* ---- programs ----------------------------------------------------------- */

/** No byte of text that a terminal obeys, and no line that a name began. */
static void check_plain(const char *text, const char *of) {
  for (const char *line = text; line; line = strchr(line, '\n')) {
    line += *line == '\n';
    ck_assert_msg(strncmp(line, "FORGED", 6) != 0, "%s: a line of a name: %.80s", of, line);
    char copy[1 << 16];
    size_t length = strcspn(line, "\n");
    ck_assert_uint_lt(length, sizeof copy);
    memcpy(copy, line, length);
    copy[length] = '\0';
    ck_assert_msg(dg_is_visible(copy), "%s: printed as it is: %s", of, copy);
  }
}

static void check_shown(const char *command, int status, const char *says) {
  shell_check(command, status, says);
  check_plain(shell_printed(), command);
}

static void write_text(const char *name, const char *text) {
  FILE *file = fopen(shell_path(name), "w");
  ck_assert_ptr_nonnull(file);
  fputs(text, file);
  ck_assert_int_eq(fclose(file), 0);
}

/** Weights of a network 784-10, under the names of another program. */
static void write_weights(const char *file, const char *weight, const char *bias) {
  static float values[7850];
  dg_error err = {0};
  const dg_stored_tensor tensors[] = {{.name = weight, .rank = 2, .dim = {10, 784}, .data = values},
                                      {.name = bias, .rank = 1, .dim = {10}, .data = values}};
  ck_assert_msg(dg_safetensors_write(shell_path(file), tensors, 2, NULL, 0, &err), "%s",
                err.message);
}

static void draw_one(const char *file) {
  canvas one = canvas_new(100, 100);
  uint8_t stroke[28 * 28] = {0};
  for (int y = 4; y < 24; y++) stroke[28 * y + 14] = stroke[28 * y + 15] = 255;
  canvas_paint(&one, stroke, 28, 3, 0, 8, 8);
  dg_picture p = canvas_picture(&one, &(canvas_light){255, 255, 0, 0, 0});
  canvas_write_png(&p, shell_path(file));
  dg_picture_free(&p);
  canvas_free(&one);
}

#define NETWORK                                                                                    \
  "input = [1, 28, 28]; layers = ({ type = \"flatten\"; }, { type = \"linear\"; name = \"out\"; "  \
  "units = 10; }); "                                                                               \
  "loss = \"cross_entropy\"; train = { epochs = 1; batch = 50; "                                   \
  "optimizer = { type = \"sgd\"; lr = 0.1; }; };"
#define ON_CPU "--backend cpu "
#define SMALL ON_CPU "--data . --epochs 1 "

START_TEST(prepare) {
  write_text("line.cfg", "name = \"line\"; description = \"" LINE "\"; " NETWORK);
  write_text("classes", LINE "\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
  write_weights("foreign.safetensors", LINE ".weight", LINE ".bias");
  draw_one("one.png");
  shell_check("mkdir " NAME " && cp *ubyte " NAME " && cp line.cfg " BYTES ".cfg && "
              "cp line.cfg " NAME " && echo broken > " NAME "/" BYTES ".cfg && cp one.png " NAME
              ".png && cp one.png " BYTES ".png && " RUN SMALL
              "--classes classes --save w line.cfg && cp w " BYTES ".safetensors",
              0, "7850 parameters");
}
END_TEST

static const shell_line lines[] = {
    {RUN BYTES, 2, SHOWN_BYTES},
    {RUN "--" BYTES, 2, SHOWN_BYTES},
    {RUN BYTES ".cfg " BYTES, 2, "digits-run: "},
    {RUN "--help " BYTES, 2, SHOWN_BYTES},
    {RUN "--data " BYTES " cnn", 2, "is not UTF-8"},
    {RUN "--data " NAME "/none cnn", 2, SHOWN},
    {RUN "--backend " BYTES " cnn", 2, SHOWN_BYTES},
    {RUN ON_CPU "--device " BYTES " cnn", 2, SHOWN_BYTES},
    {RUN "--threads " BYTES " cnn", 2, SHOWN_BYTES},
    {RUN "--set " BYTES " cnn", 2, SHOWN_BYTES},
    {RUN "--set " BYTES "=1 cnn", 2, "digits-run: "},
    {RUN "--set name='\"'" BYTES "'\"' cnn", 2, "digits-run: "},
    {RUN "--lr " NAME " cnn", 2, "--lr"},
    {RUN SMALL "--load " BYTES " line.cfg", 2, SHOWN_BYTES},
    {RUN "--resume " BYTES, 2, SHOWN_BYTES},
    {RUN SMALL "--log none/" BYTES " cnn", 1, SHOWN_BYTES},
    {RUN SMALL "--save none/" BYTES " cnn", 1, SHOWN_BYTES},
    {RUN SMALL "--report none/" BYTES " cnn", 1, SHOWN_BYTES},
    {RUN SMALL "--classes " BYTES " cnn", 2, SHOWN_BYTES},
    {RUN SMALL BYTES ".cfg", 0, "model   line (" SHOWN_BYTES ".cfg): 7850 parameters\n"},
    {RUN ON_CPU "--epochs 1 --data " NAME " line.cfg", 0, SHOWN ": 300 to train"},
    {RUN SMALL "--test-data " NAME " line.cfg", 0, "from " SHOWN},
    {RUN SMALL "--report " BYTES ".d line.cfg", 0, "report  " SHOWN_BYTES ".d/index.html\n"},
    {RUN ON_CPU "--describe " BYTES ".cfg", 0, "line: input "},
    {"DIGITS_MODELS=" NAME " " RUN "--list-models", 0, SHOWN_LINE "\n"},
    {"DIGITS_MODELS=" NAME " " RUN "--list-models", 0, SHOWN_BYTES ".cfg:"},
    {"DIGITS_MODELS=" BYTES " " RUN "--list-models", 2, SHOWN_BYTES},
    {"DIGITS_MODELS=" NAME " " RUN "none", 2, "There are " SHOWN_BYTES},
    {RUN ON_CPU "--data . --test --load foreign.safetensors line.cfg", 2, SHOWN_LINE ".weight\""},
    {RUN "--list-devices", 0, "cpu 0: "},

    {CONVERT "--model line.cfg foreign.safetensors c.safetensors", 0, "<- " SHOWN_LINE ".weight"},
    {CONVERT "--model line.cfg foreign.safetensors " BYTES "c.safetensors", 0,
     SHOWN_BYTES "c.safetensors: written\n"},
    {CONVERT "--model line.cfg " BYTES " c.safetensors", 2, SHOWN_BYTES},
    {CONVERT "--model " BYTES " foreign.safetensors c.safetensors", 2, SHOWN_BYTES},
    {CONVERT "--model line.cfg --map " BYTES "=out foreign.safetensors c.safetensors", 2,
     SHOWN_BYTES},
    {CONVERT "--model line.cfg --map " BYTES " foreign.safetensors c.safetensors", 2, SHOWN_BYTES},
    {CONVERT "--from " BYTES " foreign.safetensors c.safetensors", 2, SHOWN_BYTES},

    {PREDICT ON_CPU "./w " BYTES ".png", 0, SHOWN_BYTES ".png: "},
    {PREDICT ON_CPU "--top 10 ./w one.png", 0, "  " SHOWN_LINE " "},
    {PREDICT ON_CPU "./w one.png " BYTES, 2, SHOWN_BYTES},
    {PREDICT ON_CPU "--show none/" BYTES ".png ./w one.png", 1, SHOWN_BYTES},
    {PREDICT ON_CPU "--json ./w " NAME ".png", 0, "{\"file\":\"a\\u001B]0;x"},
    {PREDICT ON_CPU "--json ./w " NAME, 2, "{\"file\":\"a\\u001B]0;x"},
    {PREDICT ON_CPU "--json ./w " BYTES ".png", 2, SHOWN_BYTES},
    {PREDICT ON_CPU BYTES " one.png", 2, SHOWN_BYTES},
    {"DIGITS_WEIGHTS=" BYTES " " PREDICT ON_CPU "w one.png", 2, SHOWN_BYTES},

    {SERVE ON_CPU "--listen " BYTES " ./w", 2, SHOWN_BYTES},
    {SERVE ON_CPU "./" BYTES, 2, SHOWN_BYTES},
    {SERVE ON_CPU "--port 0 ./" BYTES ".safetensors > out 2>&1 & p=$!; "
                  "while kill -0 $p && ! grep -q page out; do sleep 0.05; done; "
                  "kill $p; wait $p; cat out",
     0, "networks  " SHOWN_BYTES "\n"},

    {DATA "--data " NAME " stats", 0, SHOWN ": images of 28x28"},
    {DATA "--data . --classes classes stats", 0, "  " SHOWN_LINE "\n"},
    {DATA "--data . write " BYTES ".set", 0, SHOWN_BYTES ".set: 300 images to train"},
    {DATA "--data . sheet " BYTES ".sheet.png", 0, SHOWN_BYTES ".sheet.png: 100 images"},
    {DATA "--data . sheet none/" BYTES ".png", 1, SHOWN_BYTES},
    {DATA BYTES, 2, SHOWN_BYTES},

    {BENCH ON_CPU "--measure train --seconds 0.01 --rounds 1 --data . " BYTES ".cfg", 0,
     SHOWN_BYTES ".cfg"},
    {BENCH ON_CPU "--measure train --seconds 0.01 --rounds 1 --profile --data " NAME " line.cfg", 0,
     "images: " SHOWN},
    {"DIGITS_MODELS=" NAME " " BENCH ON_CPU "--measure train --seconds 0.01 --rounds 1", 0,
     "digits-bench: " SHOWN_BYTES " is left out"},
    {BENCH ON_CPU "--measure train --seconds 0.01 --rounds 1 --data . --json out.json " BYTES
                  ".cfg",
     2, SHOWN_BYTES ".cfg: can't be written as JSON"},
    {BENCH BYTES, 2, SHOWN_BYTES},
    {BENCH "--measure " BYTES " cnn", 2, SHOWN_BYTES},
    {BENCH ON_CPU "--json none/" BYTES " line.cfg", 1, SHOWN_BYTES},

    {REPORT BYTES ".d2 " BYTES ".d", 0, SHOWN_BYTES ".d2/index.html: 1 run\n"},
    {REPORT "out " BYTES, 2, SHOWN_BYTES},
};

START_TEST(programs_show_names) {
  check_shown(lines[_i].command, lines[_i].status, lines[_i].says);
}
END_TEST

/** What is escaped in JSON is the same text. */
START_TEST(json_keeps_names) {
  shell_check(PREDICT ON_CPU "--json ./w " NAME ".png", 0, "");
  json_t *said = json_loads(shell_printed(), 0, NULL);
  ck_assert_ptr_nonnull(said);
  ck_assert_str_eq(json_string_value(json_object_get(said, "file")), WORD ".png");
  json_decref(said);
}
END_TEST

START_TEST(pages_show_names) {
  shell_check(RUN SMALL "--classes classes --report page line.cfg && " REPORT "--title " BYTES
                        " pages page",
              0, "");
  static const char *const pages[] = {"page/index.html", "pages/index.html"};
  for (int i = 0; i < 2; i++) {
    size_t size;
    char *text = dg_file_read(shell_path(pages[i]), 1 << 24, &size, NULL);
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(strstr(text, i ? "FORGED\\u007f\\u009b\\u202e\\xff" : SHOWN_LINE));
    for (char *line = strtok(text, "\n\t"); line; line = strtok(NULL, "\n\t"))
      ck_assert_msg(dg_is_visible(line), "%s: %s", pages[i], line);
    free(text);
  }
}
END_TEST

/** The command in a log is one that a shell reads as it was. */
START_TEST(a_command_is_repeated) {
  shell_check(RUN SMALL "--log log.jsonl " BYTES ".cfg", 0, "");
  shell_check("head -n 1 log.jsonl", 0, "");
  json_t *start = json_loads(shell_printed(), 0, NULL);
  const char *command = json_string_value(json_object_get(start, "command"));
  ck_assert_ptr_nonnull(command);
  ck_assert_ptr_nonnull(
      strstr(command, " $'a\\033]0;x\\007\\012FORGED\\177\\302\\233\\342\\200\\256\\377.cfg'"));
  json_decref(start);
}
END_TEST

/** Programs print by say alone, which escapes; and texts of their own. */
START_TEST(nothing_prints_past_the_filter) {
  shell_check("cd \"$DIGITS_TEST_SOURCE\"/tools && ! grep -nE '\\b(v?f?printf|f?puts|perror)\\(' "
              "*/*.c | grep -vE '^(common/say|run/console)\\.c|help, stdout\\)|fputs\\(\"'",
              0, "");
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  unsetenv("DIGITS_WEIGHTS");
  TCase *tests = tcase_create("printable");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, characters_are_shown, 0, sizeof texts / sizeof *texts);
  tcase_add_test(tests, text_is_cut_between_characters);
  tcase_add_test(tests, errors_are_shown_and_cut);
  tcase_add_test(tests, prepare);
  tcase_add_loop_test(tests, programs_show_names, 0, sizeof lines / sizeof *lines);
  tcase_add_test(tests, json_keeps_names);
  tcase_add_test(tests, pages_show_names);
  tcase_add_test(tests, a_command_is_repeated);
  tcase_add_test(tests, nothing_prints_past_the_filter);
  int status = suite_main("printable", tests);
  shell_close();
  return status;
}
