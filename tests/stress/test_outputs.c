/* What commands write: nothing that they read, nothing that another writes, nothing of others. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/shell.h"
#include "tests/common/suite.h"

#define REPORT PROGRAM("digits-report")
#define PREDICT PROGRAM("digits-predict")
#define TRAIN RUN "--backend cpu --epochs 1 "
#define BENCH_ONCE BENCH "--backend cpu --measure test --rounds 1 --seconds 0.001 "
#define IMAGES "train-images-idx3-ubyte"
#define LABELS "t10k-labels-idx1-ubyte"
#define TINY "mine/tiny.cfg"

/* ---- inputs ----------------------------------------------------------------- */

/** Everything that a command below may read lies in `in`, and links to some of it beside that. */
static const char *const making[] = {
    "mkdir -p in/set in/gz in/pics/a in/pics/b in/parts/train/a in/parts/test/a mine weights",
    "cp t*-ubyte in/set; cp t*-ubyte in/gz; gzip -n in/gz/*; seq 0 9 > in/set/classes.txt",
    "for f in pics/a/1.png pics/b/2.JPG parts/train/a/1.pgm parts/test/a/1.png; do echo > in/$f; "
    "done; printf 'label,pixel0\\n1,2\\n' > in/t.csv; seq 0 9 > in/names",
    "sed 's/units = 100/units = 20/' " MODELS "vanilla.cfg > " TINY "; cp " TINY " in/",
    TRAIN "--data . --quiet --save weights/tiny.safetensors ./" TINY
          " && cp weights/tiny.safetensors in",
    "ln -s in/set link; ln -s link chain; ln in/set/" IMAGES " hard; ln -s in/set/" LABELS " soft",
    "find in -type f -exec cksum {} + | sort > before",
    TRAIN "--data . --quiet --log a.jsonl ./" TINY,
};

static void make_files(void) {
  for (size_t i = 0; i < sizeof making / sizeof *making; i++) shell_check(making[i], 0, "");
}

#define OVER(path) " would write over " path ", which "
#define DATA_LINE(options, data, path)                                                             \
  {                                                                                                \
    TRAIN "--data " data " " options " ./" TINY, 2,                                                \
        OVER(path) "the data are read from; give another"                                          \
  }

static const shell_line over_inputs[] = {
    DATA_LINE("--log in/set/" LABELS, "in/set", "in/set/" LABELS),
    DATA_LINE("--save in/set/" LABELS, "in/set", "in/set/" LABELS),
    DATA_LINE("--save in/set/../set/" IMAGES, "in/set", "in/set/" IMAGES),
    DATA_LINE("--log link/" LABELS, "in/set", "in/set/" LABELS),
    DATA_LINE("--log in/set/" LABELS, "chain", "chain/" LABELS),
    DATA_LINE("--log hard", "in/set", "in/set/" IMAGES),
    DATA_LINE("--log soft", "in/set", "in/set/" LABELS),
    DATA_LINE("--save soft", "in/set", "in/set/" LABELS),
    DATA_LINE("--log $PWD/in/set/classes.txt", "in/set", "in/set/classes.txt"),
    DATA_LINE("--log in/gz/" IMAGES ".gz", "in/gz", "in/gz/" IMAGES ".gz"),
    DATA_LINE("--log in/pics/a/1.png", "in/pics", "in/pics/a/1.png"),
    DATA_LINE("--save in/pics/b/2.JPG", "in/pics", "in/pics/b/2.JPG"),
    DATA_LINE("--log in/parts/train/a/1.pgm", "in/parts", "in/parts/train/a/1.pgm"),
    DATA_LINE("--log in/parts/test/a/1.png", "in/parts", "in/parts/test/a/1.png"),
    DATA_LINE("--log in/t.csv", "in/t.csv", "in/t.csv"),
    {"DIGITS_DATA=in/set " TRAIN "--log soft ./" TINY, 2, OVER("in/set/" LABELS)},
    {TRAIN "--data . --test-data in/set --log soft ./" TINY, 2, "the test data are read from"},
    {TRAIN "--data . --classes in/names --log ./in/names ./" TINY, 2,
     OVER("in/names") "the names of the classes are read from"},
    {TRAIN "--data . --classes in/names --save in/names ./" TINY, 2, OVER("in/names")},
    {"mkdir rep; ln -s ../in/names rep/samples.svg; " TRAIN
     "--data . --classes in/names --report rep ./" TINY,
     2, "--report rep/samples.svg" OVER("in/names")},
    {"cd in && DIGITS_MODELS=. " TRAIN "--data .. --log tiny.cfg tiny", 2,
     "--log tiny.cfg" OVER("./tiny.cfg") "the model is read from"},
    {TRAIN "--data . --save in/tiny.cfg in/tiny.cfg", 2, "--save in/tiny.cfg" OVER("in/tiny.cfg")},
    {TRAIN "--data . --load in/tiny.safetensors --log in/tiny.safetensors", 2,
     "--log in/tiny.safetensors" OVER("in/tiny.safetensors") "the weights are read from"},
    {"DIGITS_WEIGHTS=in DIGITS_MODELS=in " RUN "--data . --test --log in/tiny.safetensors tiny", 2,
     OVER("in/tiny.safetensors")},
    /* the other programs */
    {BENCH_ONCE "--json in/tiny.cfg ./in/tiny.cfg", 2, "--json in/tiny.cfg" OVER("./in/tiny.cfg")},
    {"DIGITS_MODELS=in " BENCH_ONCE "--json in/tiny.cfg tiny", 2, OVER("in/tiny.cfg")},
    {"DIGITS_MODELS=in " BENCH_ONCE "--json in/tiny.cfg", 2, OVER("in/tiny.cfg") "a model is read"},
    {BENCH_ONCE "--data in/set --json soft ./" TINY, 2, "--json soft" OVER("in/set/" LABELS)},
    {PREDICT "--show in/names --classes in/names weights/tiny.safetensors a.png", 2,
     "--show in/names" OVER("in/names")},
    {PREDICT "--show in/tiny.cfg --model in/tiny.cfg weights/tiny.safetensors a.png", 2,
     OVER("in/tiny.cfg")},
    {"DIGITS_WEIGHTS=in " PREDICT "--show in/tiny.safetensors tiny a.png", 2,
     OVER("in/tiny.safetensors") "the weights are read from"},
    {PREDICT "--show in/pics/a/1.png weights/tiny.safetensors - < in/pics/a/1.png", 2,
     OVER("/dev/stdin") "a picture is read from"},
    {PREDICT "--submission in/t.csv weights/tiny.safetensors in/../in/t.csv", 2,
     OVER("in/../in/t.csv") "the table is read from"},
    {CONVERT "--to npz --model in/tiny.cfg weights/tiny.safetensors in/tiny.cfg", 2,
     "OUTPUT in/tiny.cfg" OVER("in/tiny.cfg") "the model is read from"},
    {CONVERT "--model in/tiny.safetensors weights/tiny.safetensors in/tiny.safetensors", 2,
     OVER("in/tiny.safetensors") "the model is read from"},
    {DATA "--data in/set sheet soft", 2, "sheet soft" OVER("in/set/" LABELS)},
    {"DIGITS_DATA=in/pics " DATA "sheet in/pics/a/1.png", 2, OVER("in/pics/a/1.png")},
    {DATA "--data in/set --classes in/names sheet in/names", 2, OVER("in/names")},
    {DATA "--data in/set --augment in/tiny.cfg sheet in/tiny.cfg", 2, OVER("in/tiny.cfg")},
    {DATA "--data in/set write in/gz", 2, "is there already; choose another folder"},
    {"mkdir dangling; ln -s ../new dangling/classes.txt; " DATA "--data in/set write dangling", 2,
     "dangling/classes.txt is there already"},
    /* two outputs */
    {TRAIN "--data . --log new --save ./new ./" TINY, 2, "--save and --log both write to new"},
    {TRAIN "--data . --log w.state --save w ./" TINY, 2, "--save and --log both write to w.state"},
    {"ln -s new to-new; " TRAIN "--data . --log to-new --save new ./" TINY, 2, "both write to"},
    {TRAIN "--data . --report new --save new/index.html ./" TINY, 2, "--save and --report both"},
};

START_TEST(no_input_is_written_over) {
  const shell_line *line = &over_inputs[_i];
  shell_check(line->command, line->status, line->says);
  shell_check("find in -type f -exec cksum {} + | sort | cmp - before && ls new", 2,
              "No such file");
}
END_TEST

/** What replaces itself does so once the new one is whole. */
START_TEST(what_is_meant_stays) {
  shell_check("cp weights/tiny.safetensors x.safetensors; " TRAIN
              "--data . --load x.safetensors --save x.safetensors",
              0, "of 100)");
  shell_check("cmp x.safetensors weights/tiny.safetensors", 1, "differ");
  shell_check(RUN "--backend cpu --data . --test --load x.safetensors", 0, "of 100)");
  shell_check(CONVERT "--quiet x.safetensors x.safetensors && " CONVERT
                      "--quiet --model x.safetensors x.safetensors y.safetensors && "
                      "cmp x.safetensors y.safetensors",
              0, "");
  shell_check(TRAIN "--data . --log /dev/null --save /dev/null ./" TINY, 0, "of 100)");
  shell_check(TRAIN "--data in/set --log in/set/log --save in/set/w ./" TINY " && rm in/set/[lw]*",
              0, "of 100)");
}
END_TEST

/* ---- reports ------------------------------------------------------------------ */

static const shell_line reports[] = {
    {"mkdir u1; echo mine > u1/samples.svg; " TRAIN "--data . --report u1 ./" TINY, 2,
     "u1/samples.svg is there, but no report of digits"},
    {"mkdir u2; echo mine > u2/filters.png; " REPORT "u2 a.jsonl", 2,
     "u2/filters.png is there, but no report of digits"},
    {"mkdir u3; echo mine > u3/run.jsonl; " TRAIN "--data . --report u3 ./" TINY, 2,
     "u3/run.jsonl is there, but no report of digits"},
    /* pages that name ours, but are none */
    {"mkdir u4; echo mine > u4/samples.svg; { echo '<!DOCTYPE html><html><head>'; "
     "cat report/index.html; } > u4/index.html; " REPORT "u4 a.jsonl",
     2, "u4/index.html is there, a page that digits didn't write"},
    {"mkdir u5; ln -s ../report/index.html u5; echo mine > u5/confusion.svg; " REPORT "u5 a.jsonl",
     2, "u5/index.html is there, a page that digits didn't write"},
    /* a link beside a page of ours */
    {"cp -r report u6; rm u6/loss-by-step.svg; echo mine > of-mine; "
     "ln -s ../of-mine u6/loss-by-step.svg; " REPORT "u6 a.jsonl",
     2, "u6/loss-by-step.svg is there, which is no file of a report"},
    {"cp -r report u7; " REPORT "u7 u7", 2, "OUT u7/run.jsonl would write over u7/run.jsonl"},
    {"cp -r report u8; " REPORT "u8 a.jsonl ./u8/run.jsonl", 2,
     "OUT u8/run.jsonl would write over"},
};

/** What must be as it was then, and what that is. */
static const char *const kept[] = {"u1/samples.svg own",
                                   "u2/filters.png own",
                                   "u3/run.jsonl own",
                                   "u4/samples.svg own",
                                   "u5/confusion.svg own",
                                   "of-mine own",
                                   "u7/index.html report/index.html",
                                   "u8/index.html report/index.html"};

START_TEST(no_report_touches_files_of_others) {
  const shell_line *line = &reports[_i];
  char command[200];
  shell_check("rm -rf u[0-9] report; " TRAIN "--data . --quiet --report report ./" TINY, 0, "");
  shell_check(line->command, line->status, line->says);
  snprintf(command, sizeof command, "echo mine > own; cmp %s", kept[_i]);
  shell_check(command, 0, "");
}
END_TEST

START_TEST(reports_go_beside_other_files) {
  shell_check("mkdir -p beside && echo mine > beside/notes.svg && " TRAIN
              "--data . --report beside ./" TINY,
              0, "report  beside/index.html");
  shell_check("ls beside", 0, "filters.png\nindex.html\n");
  shell_check(REPORT "beside a.jsonl && cat beside/notes.svg", 0, "mine\n");
  shell_check("ls beside", 0, "index.html\n");
  ck_assert_ptr_null(strstr(shell_printed(), "filters.png"));
}
END_TEST

/** A run that is killed leaves a folder that the next may write to. */
START_TEST(a_killed_run_leaves_a_marked_folder) {
  shell_check("rm -f out; " RUN "--backend cpu --data . --epochs 1000000 --report killed ./" TINY
              " > out & p=$!; " UNTIL_AN_EPOCH
              "kill -KILL $p; wait $p; grep -c 'No report yet' killed/index.html",
              0, "1\n");
  shell_check(TRAIN "--data . --report killed ./" TINY, 0, "report  killed/index.html");
  shell_check("grep -c 'No report yet' killed/index.html", 1, "0\n");
}
END_TEST

/* ---- two at once ---------------------------------------------------------------- */

START_TEST(two_runs_share_no_log) {
  shell_check("rm -f out; " RUN
              "--backend cpu --data . --epochs 1000000 --log shared --report busy ./" TINY
              " > out & p=$!; " UNTIL_AN_EPOCH TRAIN "--data . --log shared ./" TINY
              "; s=$?; " TRAIN "--data . --report busy ./" TINY "; t=$?; " REPORT
              "busy a.jsonl; u=$?; kill -INT $p; wait $p; exit $s$t$u",
              222, "the log shared is written by another run now; give this one another file");
  ck_assert_ptr_nonnull(strstr(shell_printed(), "busy: another run writes its report to this"));
  shell_check("head -n 1 shared | cut -c 1-16; head -n 1 busy/run.jsonl | cut -c 1-16", 0,
              "{\"event\":\"start\"\n{\"event\":\"start\"\n");
  shell_check(TRAIN "--data . --log shared --report busy ./" TINY, 0, "report  busy/index.html");
}
END_TEST

/** A run that is refused for its log leaves the report that is there as it was. */
START_TEST(a_busy_log_costs_no_report) {
  shell_check("rm -rf whole; " TRAIN "--data . --quiet --report whole ./" TINY
              " && cp -r whole as-it-was",
              0, "");
  shell_check("rm -f out; " RUN "--backend cpu --data . --epochs 1000000 --log held ./" TINY
              " > out & p=$!; " UNTIL_AN_EPOCH TRAIN "--data . --log held --report whole ./" TINY
              "; s=$?; kill -INT $p; wait $p; diff -r whole as-it-was && exit $s",
              2, "the log held is written by another run now");
}
END_TEST

/** What failed first is what is told. */
START_TEST(a_log_says_why_it_failed) {
  shell_check(TRAIN "--data . --log /dev/full ./" TINY, 1,
              "/dev/full: the log could not be written: No space left on device");
}
END_TEST

/* ---- where files can't be renamed ------------------------------------------------- */

START_TEST(modes_stay) {
  shell_check("cp weights/tiny.safetensors m.safetensors; chmod 640 m.safetensors; " TRAIN
              "--data . --load m.safetensors --save m.safetensors && " CONVERT
              "--quiet m.safetensors m.safetensors && stat -c %a m.safetensors",
              0, "\n640\n");
}
END_TEST

/** Runs a command where other file systems can be mounted; false: they can't. */
#define MOUNTED(command) "unshare -m sh -c '" command "'"

START_TEST(a_mounted_file_is_written) {
  if (shell("echo > to; echo > from; " MOUNTED("mount --bind from to")) != 0) {
    printf("skipped: only root can mount\n");
    return;
  }
  shell_check("echo old > from; rm -rf place; mkdir place; echo > place/to; " MOUNTED(
                  "mount --bind from place/to && " TRAIN "--data . --save place/to ./" TINY),
              0, "of 100)");
  shell_check("cd place && ls", 0, "to\n");
  shell_check(RUN "--backend cpu --data . --test --load from", 0, "of 100)");
  shell_check("echo old > from; " MOUNTED(
                  "mount --bind from place/to && mount --bind -o ro place place && "
                  "mount -o remount,bind,ro place && mount --bind from place/to && " TRAIN
                  "--data . --save place/to ./" TINY),
              0, "state   none is kept: place/to.state can");
  shell_check(RUN "--backend cpu --data . --test --load from", 0, "of 100)");
}
END_TEST

/* ---- too little memory --------------------------------------------------------------- */

#ifdef DIGITS_TEST_PRELOAD
/** Runs a command whose allocation `at` fails. */
#define SHORT_OF "timeout 60 env LD_PRELOAD=\"" DIGITS_TEST_PRELOAD "\" DIGITS_FAIL_"

/** Commands that write to `out`, which holds "old" before. */
static const char *const writers[] = {
    CONVERT "--quiet --to safetensors in/tiny.safetensors out",
    CONVERT "--quiet --to npz in/tiny.safetensors out",
    CONVERT "--quiet --to onnx in/tiny.safetensors out",
    DATA "--data in/set --count 10 sheet out",
    BENCH_ONCE "--threads 1 --set train.batch=1 --json out ./" TINY,
    TRAIN "--threads 1 --data in/set --quiet --save out ./" TINY,
};
enum {
  WRITERS = sizeof writers / sizeof *writers,
  JSON_WRITER = 4,
  LAST = 100,
  STRIDE = 3,
  EARLIER = 8
};

/** Does `out` hold what it held before, or what the command writes? Numbers that were measured are
    others each time: there the file is JSON. */
static bool is_whole(int writer, int status) {
  if (status != 0 && shell("[ \"$(cat out)\" = old ]") == 0) return true;
  if (writer != JSON_WRITER) return shell("cmp out right") == 0;
  json_t *all = json_load_file(shell_path("out"), 0, NULL);
  bool whole = json_array_size(json_object_get(all, "results")) == 1;
  json_decref(all);
  return whole;
}

/** Whichever allocation fails, of ours or of a library: status 0 stands for a whole new file, all
    else for that or the old one. The last ones, which write, are all tried, of the others some. */
START_TEST(memory_that_runs_out_damages_no_file) {
  char command[1000];
  snprintf(command, sizeof command,
           "rm -f out*; %s > /dev/null && mv out right; " SHORT_OF
           "COUNT=count %s > /dev/null && cat count",
           writers[_i], writers[_i]);
  shell_check(command, 0, "\n");
  long count = atol(shell_printed());
  ck_assert_int_gt(count, EARLIER);
  for (long at = 1; at <= count; at += at > count - LAST ? STRIDE : 1 + count / EARLIER) {
    snprintf(command, sizeof command, "rm -f out*; echo old > out; " SHORT_OF "AT=%ld %s", at,
             writers[_i]);
    int status = shell(command);
    ck_assert_msg(is_whole(_i, status), "allocation %ld of %ld: status %d, and out is damaged", at,
                  count, status);
  }
}
END_TEST
#endif

int main(void) {
  if (!shell_open()) return 1;
  TCase *tests = tcase_create("outputs");
  tcase_set_timeout(tests, 300);
  tcase_add_unchecked_fixture(tests, make_files, NULL);
  tcase_add_loop_test(tests, no_input_is_written_over, 0, sizeof over_inputs / sizeof *over_inputs);
  tcase_add_test(tests, what_is_meant_stays);
  tcase_add_loop_test(tests, no_report_touches_files_of_others, 0,
                      sizeof reports / sizeof *reports);
  tcase_add_test(tests, reports_go_beside_other_files);
  tcase_add_test(tests, a_killed_run_leaves_a_marked_folder);
  tcase_add_test(tests, two_runs_share_no_log);
  tcase_add_test(tests, a_busy_log_costs_no_report);
  tcase_add_test(tests, a_log_says_why_it_failed);
  tcase_add_test(tests, modes_stay);
  tcase_add_test(tests, a_mounted_file_is_written);
#ifdef DIGITS_TEST_PRELOAD
  tcase_add_loop_test(tests, memory_that_runs_out_damages_no_file, 0, WRITERS);
#endif
  int status = suite_main("outputs", tests);
  shell_close();
  return status;
}
