/*
 * The worst that a file of 256 KB can be, for each reader: answered below two seconds of processor
 * time and 512 MB. A row says how the file is made and who reads it.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/shell.h"
#include "tests/common/suite.h"
#include "tests/stress/cost.h"

#define PREDICT PROGRAM("digits-predict") "--backend cpu "
#define TEST RUN "--backend cpu --data . --test --load w "

enum { SIZE = 256 << 10 };

/** A file of `head`, `part` as often as there is room, and `tail`; # becomes 0, 1, 2 and so on. */
typedef struct {
  const char *name;
  enum { TEXT, WEIGHTS } kind; /**< WEIGHTS: the header of a safetensors file */
  const char *head, *part, *tail;
  const char *command; /**< reads the file, which is called w */
  int status;
  const char *says;
} row;

#define TENSOR "{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}"

/** As long that fewer than 4 096 of them fit. */
#define WIDE "         " TENSOR
#define UNSOUND "w: not a sound safetensors file: "
#define CLASSES DATA "--data . --classes w stats"
#define REPORT "rm -rf page && " PROGRAM("digits-report") "page w"
#define START_OF_LOG "{\"event\":\"start\"}\n"
#define START_OF_FILE(size) "\"$(head -c " #size " w)\""

static const row rows[] = {
    {"many tensors, none of the model's", WEIGHTS, "{\"a\":" TENSOR, ",\"#\":" TENSOR, "}",
     TEST "vanilla", 2, "w: the network has no \"a\""},
    {"many tensors in a state", WEIGHTS,
     "{\"__metadata__\":{\"digits.state\":\"{}\"},\"a\":" TENSOR, ",\"#\":" TENSOR, "}",
     "cp w v.state && " RUN "--resume v", 2, "v.state: "},
    {"too many tensors to convert", WEIGHTS, "{\"a\":" TENSOR, ",\"#\":" TENSOR, "}",
     CONVERT "--from safetensors --model m7 w o.npz", 2, "w: more than 4096 tensors"},
    {"tensors to convert that fit nowhere", WEIGHTS, "{\"a\":" WIDE, ",\"#\":" WIDE, "}",
     CONVERT "--from safetensors --model m7 w o.npz", 2, "digits-convert: w: "},
    {"tensors to convert with prefixes", WEIGHTS, "{\"a\":" WIDE, ",\"a.a.a.#.weight\":" WIDE, "}",
     CONVERT "--from safetensors --model cnn w o.npz", 2, "digits-convert: w: "},
    {"a long name", WEIGHTS, "{\"", "\\u0001", "\":" TENSOR "}", TEST "vanilla", 2,
     "w: the network has no "},
    {"a long type", WEIGHTS, "{\"a\":{\"dtype\":\"", "x",
     "\",\"shape\":[],\"data_offsets\":[0,0]}}", TEST "vanilla", 2, "w: the network has no \"a\""},
    {"a long shape", WEIGHTS, "{\"a\":{\"dtype\":\"F32\",\"shape\":[0", ",0",
     "],\"data_offsets\":[0,0]}}", TEST "vanilla", 2, UNSOUND "the entry of \"a\" lacks"},
    {"a long number", WEIGHTS, "{\"a\":", "9", "}", TEST "vanilla", 2, UNSOUND},
    {"deep lists", WEIGHTS, "{\"a\":", "[", "", TEST "vanilla", 2, UNSOUND},
    {"deep objects", WEIGHTS, "{\"a\":0", ",\"b\":{\"a\":0", "", TEST "vanilla", 2, UNSOUND},
    {"one key again and again", WEIGHTS, "{\"a\":0", ",\"a\":0", "}", TEST "vanilla", 2, UNSOUND},
    {"many metadata", WEIGHTS, "{\"__metadata__\":{\"a\":\"\"", ",\"#\":\"\"", "}}", TEST "vanilla",
     2, "w: the network's \"fc1.weight\" is missing"},
    {"long metadata", WEIGHTS, "{\"__metadata__\":{\"digits.version\":\"", "\\n", "\"}}",
     TEST "vanilla", 2, "w: the network's \"fc1.weight\" is missing"},
    {"a long model in metadata", WEIGHTS, "{\"__metadata__\":{\"digits.model\":\"", "# \\n", "\"}}",
     TEST, 2, "digits-run: w"},
    {"classes: empty lines", TEXT, "", "\n", "", CLASSES, 2, "w: more than 256 classes"},
    {"classes: names", TEXT, "", "#\n", "", CLASSES, 2, "w: more than 256 classes"},
    {"classes: a line", TEXT, "", "x", "", CLASSES, 2, "w: the name of class 0 must be"},
    {"classes: marks that are no text", TEXT, "", "\360\237\230", "", CLASSES, 2,
     "w: the name of class 0 must be"},
    {"a long name of a model", TEXT, "", "ab", "", RUN START_OF_FILE(120000), 2, "no model"},
    {"a long path", TEXT, "", "a/", "", RUN START_OF_FILE(120000), 2, "the path is too long"},
    {"a long name of weights", TEXT, "", "ab", "", PREDICT START_OF_FILE(120000) " d.pgm", 2,
     "no weights"},
    {"a long option", TEXT, "", "ab", "", RUN "--" START_OF_FILE(120000), 2, "unknown option"},
    {"a long override", TEXT, "", "[", "", RUN "--set a=" START_OF_FILE(120000) " vanilla", 2,
     "--set"},
    {"a long path of an override", TEXT, "", "a.", "",
     RUN "--set " START_OF_FILE(120000) "=1 vanilla", 2, "--set"},
    {"many overrides", TEXT, "", " --set fc1.units=#", "",
     RUN "--describe $(head -c 65000 w) vanilla", 2, "more than 64 overrides"},
    {"a long choice", TEXT, "", "ab", "", RUN "--set loss=" START_OF_FILE(1000) " vanilla", 2,
     "loss = "},
    {"a long device", TEXT, "", "ab", "",
     RUN "--backend cpu --device " START_OF_FILE(100000) " cnn", 2, "no device"},
    {"long folders in the environment", TEXT, "/", "a/", "",
     "x=" START_OF_FILE(100000) "; DIGITS_MODELS=$x DIGITS_WEIGHTS=$x " RUN "cnn", 2,
     "$DIGITS_MODELS is too long"},
    {"a long cache in the environment", TEXT, "/", "a/", "",
     "x=" START_OF_FILE(100000) "; DIGITS_CACHE=$x XDG_CACHE_HOME=$x HOME=$x " RUN
                                "--backend cpu --describe cnn",
     0, "parameters"},
    {"a long data set in the environment", TEXT, "/", "a/", "",
     "DIGITS_DATA=" START_OF_FILE(100000) " " RUN "--backend cpu cnn", 2, "digits-run: /a/a/a"},
    {"a table: rows", TEXT, "label,a\n", "0,0\n", "", DATA "--data w stats", 0, "w: images of 1x1"},
    {"a table: columns", TEXT, "label", ",a", "\n", DATA "--data w stats", 2,
     "two columns are called \"a\""},
    {"a table: empty lines", TEXT, "label,a\n0,0\n", "\n", "", DATA "--data w stats", 2,
     "w:67: more than 64 empty lines"},
    {"a table: a long value", TEXT, "label,a\n0,", "0", "\n", DATA "--data w stats", 2,
     "w:2: a value of more than 255 characters"},
    {"a plain PGM", TEXT, "P2 360 360 1\n", "1 ", "",
     PREDICT WEIGHTS_OF_ZOO "vanilla.safetensors w", 2, "no ink was found"},
    {"a log: runs", TEXT, "", "{\"event\":\"start\"}\n", "", REPORT, 0, " runs"},
    {"a log: runs of many models", TEXT, "", "{\"event\":\"start\",\"model\":\"#\"}\n", "", REPORT,
     0, " runs"},
    {"a log: steps", TEXT, START_OF_LOG, "{\"event\":\"step\",\"step\":#}\n", "", REPORT, 0,
     "1 run"},
    {"a log: epochs", TEXT, START_OF_LOG, "{\"event\":\"epoch\",\"epoch\":#}\n", "", REPORT, 0,
     "1 run"},
    {"a log: steps again and again", TEXT, START_OF_LOG,
     "{\"event\":\"step\",\"step\":#}\n{\"event\":\"step\"}\n", "", REPORT, 0, "1 run"},
    {"a log: deep lists", TEXT, START_OF_LOG "{\"event\":", "[", "", REPORT, 0, "1 run"},
    {"a log: a list", TEXT, "{\"event\":\"start\",\"a\":[0", ",{}", "]}\n", REPORT, 0, "1 run"},
    {"a log: keys", TEXT, "{\"event\":\"start\"", ",\"#\":0", "}\n", REPORT, 0, "1 run"},
    {"a log: a long number", TEXT, "{\"event\":\"start\",\"seed\":0.", "7", "}\n", REPORT, 0,
     "1 run"},
    {"a log: a long name", TEXT, "{\"event\":\"start\",\"model\":\"", "<", "\"}\n", REPORT, 0,
     "1 run"},
};

/* ---- files -------------------------------------------------------------- */

/** Appends a text; # becomes `number`. */
static char *append(char *to, const char *text, unsigned number) {
  for (; *text; text++) {
    if (*text == '#')
      to += sprintf(to, "%u", number);
    else
      *to++ = *text;
  }
  return to;
}

static void make(const row *r) {
  enum { LENGTH = 8, MARGIN = 2000 };
  static char bytes[SIZE + MARGIN];
  char *at = bytes + (r->kind == WEIGHTS ? LENGTH : 0), *start = at;
  at = append(at, r->head, 0);
  for (unsigned i = 0; at - bytes + strlen(r->part) + strlen(r->tail) + 10 < SIZE; i++)
    at = append(at, r->part, i);
  at = append(at, r->tail, 0);
  const uint64_t length = (uint64_t)(at - start);
  if (r->kind == WEIGHTS) memcpy(bytes, &length, LENGTH);
  FILE *file = fopen(shell_path("w"), "wb");
  ck_assert_ptr_nonnull(file);
  ck_assert_uint_eq(fwrite(bytes, 1, (size_t)(at - bytes), file), (size_t)(at - bytes));
  ck_assert_int_eq(fclose(file), 0);
}

/* ---- readers ------------------------------------------------------------ */

START_TEST(the_worst_file_is_answered) {
  const row *r = &rows[_i];
  make(r);
  cost_check(r->name, r->command, r->status, r->says);
}
END_TEST

static void set_up(void) {
  setenv("OPENBLAS_NUM_THREADS", "1", 1); /* costs of a machine with many processors are not ours */
  shell_check("(echo P5 28 28 255; tail -c +17 train-images-idx3-ubyte | head -c 784) > d.pgm", 0,
              "");
}

int main(void) {
  if (!shell_open()) return 1;
  TCase *tests = tcase_create("limits");
  tcase_set_timeout(tests, 300);
  tcase_add_unchecked_fixture(tests, set_up, NULL);
  tcase_add_loop_test(tests, the_worst_file_is_answered, 0, sizeof rows / sizeof *rows);
  int status = suite_main("limits", tests);
  shell_close();
  return status;
}
