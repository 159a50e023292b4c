/*
 * The worst that a file of 256 KB can be, for each reader: answered below two seconds of processor
 * time and 512 MB. A row says how the file is made and who reads it.
 */
#define _GNU_SOURCE
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/shell.h"
#include "tests/suite.h"

#define PREDICT PROGRAM("digits-predict") "--backend cpu "
#define TEST RUN "--backend cpu --data . --test --load w "

enum { SIZE = 256 << 10, MOST_KILOBYTES = 512 << 10, MOST_PRINTED = 4000 };
#ifdef DIGITS_TEST_SANITIZED
static const double most_seconds = 40;
#else
static const double most_seconds = 2;
#endif

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
     "\",\"shape\":[],\"data_offsets\":[0,0]}}", TEST "vanilla", 2, "w: \"a\" has the type xxx"},
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
  enum { LENGTH = 8, ROOM = 2000 };
  static char bytes[SIZE + ROOM];
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

typedef struct {
  int status;
  double seconds;
  long kilobytes;
} cost;

/** Runs a command in the folder, within bounds that keep the machine usable if it fails. */
static cost run(const char *command) {
  char line[1000];
  struct rusage used;
  int status;
  snprintf(line, sizeof line, "cd %s && { %s; } > said 2>&1", shell_path("."), command);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    const struct rlimit processor = {.rlim_cur = 60, .rlim_max = 60};
    setrlimit(RLIMIT_CPU, &processor);
    execl("/bin/sh", "sh", "-c", line, (char *)NULL);
    _exit(127);
  }
  ck_assert_int_eq(wait4(child, &status, 0, &used), child);
  return (cost){.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                .seconds = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                           1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec),
                .kilobytes = used.ru_maxrss};
}

START_TEST(the_worst_file_is_answered) {
  const row *r = &rows[_i];
  char said[MOST_PRINTED];
  make(r);
  cost c = run(r->command);
  FILE *file = fopen(shell_path("said"), "rb");
  ck_assert_ptr_nonnull(file);
  said[fread(said, 1, sizeof said - 1, file)] = '\0';
  fclose(file);
  printf("%-52s %5.2f s %4ld MB\n", r->name, c.seconds, c.kilobytes >> 10);
  ck_assert_msg(c.status == r->status, "%s: exit %d, not %d: %.500s", r->name, c.status, r->status,
                said);
  ck_assert_msg(strstr(said, r->says) != NULL, "%s: expected \"%s\" in: %.500s", r->name, r->says,
                said);
  ck_assert_msg(c.seconds < most_seconds, "%s: %.2f s", r->name, c.seconds);
#ifndef DIGITS_TEST_SANITIZED
  ck_assert_msg(c.kilobytes < MOST_KILOBYTES, "%s: %ld MB", r->name, c.kilobytes >> 10);
#endif
}
END_TEST

static void set_up(void) {
  setenv("OPENBLAS_NUM_THREADS", "1", 1); /* costs of a machine with many processors are not ours */
  setenv("OMP_NUM_THREADS", "2", 1);
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
