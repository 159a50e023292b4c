/*
 * Out of memory, in libraries too: every program that writes a file, again and again with another
 * allocation that fails (see failing.c) or with less address space. A run ends with an error
 * and the old file in its place, or with status 0 and the right one; nothing else stays.
 * DIGITS_TEST_TURNS=N: how many allocations and sizes have their turn, at most all of them.
 */
#define _GNU_SOURCE
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/file/file.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

#define EXCHANGE "\"$DIGITS_TEST_SOURCE\"/tests/exchange/data/"
#define IMAGE_TO(file) CONVERT "--model " EXCHANGE "image.cfg " EXCHANGE file
#define TINY                                                                                       \
  "--data .. --backend cpu --threads 2 --batch 50 --set fc1.units=4 --set data.validation=50 "
#define TRAIN RUN TINY "--epochs 2 "
#define PREDICT PROGRAM("digits-predict") "--backend cpu --threads 2 "
#define REPORT PROGRAM("digits-report")

enum { QUICK_CALLS = 8, QUICK_SIZES = 6, ALL_SIZES = 60, MAX_LIBRARIES = 16 };
enum { TIMED_OUT = 124, NOT_STARTED = 127, SIGNALED = 128, MAX_BYTES = 1 << 24 };

typedef struct {
  const char *name;
  const char *before;  /**< makes what it reads */
  const char *command; /**< run in a folder of its own, whose parent is the data set */
  const char *out;     /**< what it writes, a file or folder */
  const char *may;     /**< what else may stay, or "" */
  const char *whole;   /**< NULL: equal bytes; else succeeds where all files in `out` are whole */
} scenario;

/** No page, picture or log in a report that was begun but not ended. */
#define WHOLE_REPORT                                                                               \
  "for f in *.html; do [ ! -e \"$f\" ] || tail -c 8 \"$f\" | grep -q '</html>' || exit 1; done; "  \
  "for f in *.svg; do [ ! -e \"$f\" ] || tail -c 8 \"$f\" | grep -q '</svg>' || exit 1; done; "    \
  "for f in *.png; do [ ! -e \"$f\" ] || tail -c 8 \"$f\" | grep -q IEND || exit 1; done"

#define A_RUN TRAIN "--quiet --save w.safetensors --log run.jsonl vanilla"
#define A_PICTURE                                                                                  \
  "(echo P5 28 28 255; tail -c +17 ../train-images-idx3-ubyte | head -c 784) > d.pgm"
#define A_TABLE                                                                                    \
  "{ printf pixel0; seq -f ,pixel%.0f 1 783 | tr -d '\\n'; echo; "                                 \
  "seq -s , 0 783 | sed 's/[0-9]\\{1,\\}/7/g'; } > t.csv"

static const scenario scenarios[] = {
    {"pth", "", IMAGE_TO("pytorch/image.pth out.safetensors"), "out.safetensors", "", NULL},
    {"checkpoint", "", IMAGE_TO("pytorch/image.checkpoint.pt out.npz"), "out.npz", "", NULL},
    {"npz", "", IMAGE_TO("numpy/image.fortran.npz out.safetensors"), "out.safetensors", "", NULL},
    {"keras 2", "", IMAGE_TO("hdf5/image.keras2.h5 out.safetensors"), "out.safetensors", "", NULL},
    {"keras 3", "", IMAGE_TO("hdf5/image.keras3.h5 out.npz"), "out.npz", "", NULL},
    {"onnx", "", IMAGE_TO("image.safetensors out.onnx"), "out.onnx", "", NULL},
    {"in place", "cp " EXCHANGE "image.safetensors out.safetensors",
     CONVERT "--model " EXCHANGE "image.cfg out.safetensors out.safetensors", "out.safetensors", "",
     NULL},
    {"train", "", TRAIN "--save out vanilla", "out", "out.state", NULL},
    {"resume", "", RUN "--resume out", "out", "out.state", NULL},
    {"train with a page", "", TRAIN "--log log --report out vanilla", "out", "log", WHOLE_REPORT},
    {"report", A_RUN, REPORT "out run.jsonl", "out", "", WHOLE_REPORT},
    {"submission", A_RUN " && " A_TABLE, PREDICT "--submission out ./w.safetensors t.csv", "out",
     "", NULL},
    {"picture", A_RUN " && " A_PICTURE, PREDICT "--show out ./w.safetensors d.pgm", "out", "",
     NULL},
    {"sheet", "", DATA "--data .. --count 9 sheet out", "out", "", NULL},
    {"gzip", "", DATA "--data .. --gzip write out", "out", "", ":"},
};
enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };

/** Of `all` the number that have their turn. */
static unsigned long turns(unsigned long all, unsigned long quick) {
  const char *wanted = getenv("DIGITS_TEST_TURNS");
  unsigned long number = wanted ? strtoul(wanted, NULL, 10) : quick;
  return number < all ? number : all;
}

/* ---- libraries that gave up --------------------------------------------- */

/** Libraries whose own code died, and how often. Nobody but they can mend that. */
static struct {
  char name[100];
  unsigned times;
} gave_up[MAX_LIBRARIES];

static void note_library(const char *path, size_t length) {
  const char *slash = memrchr(path, '/', length);
  size_t start = slash ? (size_t)(slash + 1 - path) : 0;
  char name[sizeof gave_up->name];
  snprintf(name, sizeof name, "%.*s", (int)(length - start), path + start);
  for (int i = 0; i < MAX_LIBRARIES; i++)
    if (!gave_up[i].times || strcmp(gave_up[i].name, name) == 0) {
      memcpy(gave_up[i].name, name, sizeof name);
      gave_up[i].times++;
      return;
    }
  ck_abort_msg("more than %d libraries died", MAX_LIBRARIES);
}

static void tell_libraries(void) {
  for (int i = 0; i < MAX_LIBRARIES && gave_up[i].times; i++)
    printf("%s died without memory %u times\n", gave_up[i].name, gave_up[i].times);
}

/** Ends the test where a program's own code died; true: a library did. */
static bool a_library_died(const char *how) {
  static const char says[] = "died by signal ", in[] = " in ";
  bool died = false;
  for (const char *at = shell_printed(); (at = strstr(at, says)); at++) {
    const char *path = strstr(at, in) + strlen(in);
    size_t length = strcspn(path, "\n");
    ck_assert_msg(!memmem(path, length, "/tools/digits-", 14) && memmem(path, length, ".so", 3),
                  "%s: %s", how, shell_printed());
    note_library(path, length);
    died = true;
  }
  return died;
}

/* ---- what stays --------------------------------------------------------- */

/** Succeeds where every file in folder m/out is right, or none at all. */
static void check_folder(const scenario *s, bool done, const char *how) {
  char line[1500];
  snprintf(line, sizeof line, "[ ! -d m/%s ] || { cd m/%s && %s; }", s->out, s->out, s->whole);
  ck_assert_msg(shell(line) == 0, "%s: damaged files in %s", how, s->out);
  snprintf(line, sizeof line, "diff -rq right m/%s > difference; grep -v '%s' difference", s->out,
           strcmp(s->whole, ":") ? " differ$" : "^Only in right");
  bool same = shell(line) != 0;
  if (done || !strcmp(s->whole, ":")) ck_assert_msg(same, "%s: %s", how, shell_printed());
}

/** Succeeds where m/out is as it should be or, if the run failed, as it was. */
static void check_file(const scenario *s, bool done, const char *how) {
  char line[500];
  snprintf(line, sizeof line, "cmp -s right m/%s || { %s && cmp -s base/%s m/%s; }", s->out,
           done ? "false" : "true", s->out, s->out);
  ck_assert_msg(shell(line) == 0, "%s: %s is another file", how, s->out);
}

/** Nothing is in m but what was there before, the output, and what may stay. */
static void check_names(const scenario *s, const char *how) {
  DIR *folder = opendir(shell_path("m"));
  ck_assert_ptr_nonnull(folder);
  for (struct dirent *entry; (entry = readdir(folder));) {
    const char *name = entry->d_name;
    char path[400];
    snprintf(path, sizeof path, "base/%.300s", name);
    ck_assert_msg(!strcmp(name, s->out) || !strcmp(name, s->may) ||
                      access(shell_path(path), F_OK) == 0,
                  "%s: %s was left behind", how, name);
  }
  closedir(folder);
}

static bool printed(const char *what) {
  return strstr(shell_printed(), what) != NULL;
}

/** Runs the command after `limits` and with `variables`; returns its status, all of it checked. */
static int try(const scenario *s, const char *limits, const char *variables) {
  char how[300], line[1800];
  snprintf(how, sizeof how, "%s, %s%s", s->name, limits, variables);
  snprintf(line, sizeof line,
           "rm -rf m && cp -a base m && cd m && %stimeout 100 env "
           "LD_PRELOAD=\"$DIGITS_TEST_PRELOAD\" %s %s > ../said 2>&1; s=$?; "
           "tail -c 3000 ../said; exit $s",
           limits, variables, s->command);
  int status = shell(line);
  ck_assert_msg(status != TIMED_OUT, "%s: it hangs: %s", how, shell_printed());
  bool library = a_library_died(how);
  bool refused = printed("error while loading shared libraries") ||
                 printed("OpenBLAS blas_thread") ||
                 printed("'std::bad_alloc'"); /* CLBlast's constructors */
  ck_assert_msg(status <= 2 || library || refused, "%s: status %d: %s", how, status,
                shell_printed());
  (s->whole ? check_folder : check_file)(s, status == 0, how);
  if (!library) check_names(s, how);
  return status;
}

/* ---- scenarios ---------------------------------------------------------- */

/** Starts a run and stops it within its first epochs: a pipe holds no more lines than that. */
static void stop_early(const char *command) {
  int ends[2];
  char first, line[1000];
  ck_assert_int_eq(pipe(ends), 0);
  ck_assert_int_ge(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
  snprintf(line, sizeof line, "cd %s/base && exec %s", shell_path("."), command);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    execl("/bin/sh", "sh", "-c", line, (char *)NULL);
    _exit(127);
  }
  close(ends[1]);
  ck_assert_int_eq(read(ends[0], &first, 1), 1);
  close(ends[0]);
  int status;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 130, "it ended with %d", status);
}

/** Makes base/, what a run begins with, and right/, what it comes to; returns its allocations. */
static unsigned long prepare(const scenario *s) {
  char line[1900];
  snprintf(line, sizeof line, "rm -rf base right && mkdir base && cd base && { %s; }",
           *s->before ? s->before : ":");
  shell_check(line, 0, "");
  if (strcmp(s->name, "resume") == 0) stop_early(RUN TINY "--epochs 150 --save out vanilla");
  snprintf(line, sizeof line,
           "rm -rf m && cp -a base m && cd m && env LD_PRELOAD=\"$DIGITS_TEST_PRELOAD\" "
           "DIGITS_FAIL_COUNT=../count %s && mv %s ../right",
           s->command, s->out);
  shell_check(line, 0, "");
  if (!s->whole) {
    snprintf(line, sizeof line, "[ -e base/%s ] || echo old > base/%s", s->out, s->out);
    shell_check(line, 0, "");
  }
  shell_check("cat count", 0, "\n");
  return strtoul(shell_printed(), NULL, 10);
}

static void fail_call(const scenario *s, const char *which, unsigned long call, unsigned *errors) {
  char variables[60];
  snprintf(variables, sizeof variables, "DIGITS_FAIL_%s=%lu", which, call);
  *errors += try(s, "", variables) != 0;
}

START_TEST(an_allocation_fails) {
  const scenario *s = &scenarios[_i];
  unsigned long count = prepare(s), wanted = turns(count, QUICK_CALLS);
  unsigned errors = 0;
  ck_assert_uint_gt(count, 20);
  for (unsigned long i = 0; i < wanted; i++) {
    unsigned long call = 1 + i * count / wanted;
    fail_call(s, "AT", call, &errors);
    if (wanted > QUICK_CALLS || i % 2) fail_call(s, "FROM", call, &errors);
  }
  ck_assert_msg(errors > 0, "%s: nothing failed", s->name);
  printf("%s: %lu allocations, %lu had their turn, %u errors\n", s->name, count, wanted, errors);
}
END_TEST

START_TEST(address_space_is_short) {
  const scenario *s = &scenarios[_i];
  char limits[60];
  unsigned long enough = 16, errors = 0, steps = turns(ALL_SIZES, QUICK_SIZES);
  prepare(s);
  for (int status = 1; status != 0; enough *= 2) {
    ck_assert_uint_lt(enough, 1 << 20);
    snprintf(limits, sizeof limits, "ulimit -v %lu && ", enough * 1024);
    status = try(s, limits, "");
  }
  for (unsigned long i = 1; i < steps; i++) {
    snprintf(limits, sizeof limits, "ulimit -v %lu && ", enough * 512 * i / steps);
    errors += try(s, limits, "") != 0;
  }
  ck_assert_msg(errors > 0, "%s: nothing failed", s->name);
  printf("%s: %lu MB are enough; %lu of %lu sizes below were errors\n", s->name, enough / 2, errors,
         steps - 1);
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  setenv("DIGITS_TEST_PRELOAD", DIGITS_TEST_PRELOAD, 1);
  setenv("OPENBLAS_NUM_THREADS", "1", 1); /* a thread of its own waits for memory for ever */
  TCase *tests = tcase_create("memory");
  tcase_set_timeout(tests, 14000);
  tcase_add_loop_test(tests, an_allocation_fails, 0, SCENARIOS);
  tcase_add_loop_test(tests, address_space_is_short, 0, SCENARIOS);
  int status = suite_main("memory", tests);
  tell_libraries();
  shell_close();
  return status;
}
