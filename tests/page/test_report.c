/* Reports: the pages that digits-run and digits-report write, as a browser and a reader meet them.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file/file.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

#define SMALL RUN "--data . --backend cpu "
#define REPORT PROGRAM("digits-report")

enum { MAX_OPEN = 64, MAX_BYTES = 1 << 24, TEST_IMAGES = 100 };

/** The text of a file in the folder; the caller frees it. */
static char *text_of(const char *name) {
  size_t size;
  dg_error err = {0};
  char *text = dg_file_read(shell_path(name), MAX_BYTES, &size, &err);
  ck_assert_msg(text != NULL, "%s", err.message);
  return text;
}

static void check_contains(const char *name, const char *what) {
  char *text = text_of(name);
  ck_assert_msg(strstr(text, what) != NULL, "no \"%s\" in %s", what, name);
  free(text);
}

static void check_lacks(const char *name, const char *what) {
  char *text = text_of(name), *found = strstr(text, what);
  ck_assert_msg(!found, "in %s: %.60s", name, found ? found : "");
  free(text);
}

/* ---- well-formed pages -------------------------------------------------- */

/** Tags that HTML never closes. */
static bool stands_alone(const char *tag) {
  static const char *const names[] = {"meta", "img", "br", "!DOCTYPE"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(tag, names[i]) == 0) return true;
  return false;
}

/** Passes a tag, from its "<"; `name` gets what it is called. Attributes must be quoted. */
static const char *pass_tag(const char *at, char name[32]) {
  size_t length = strcspn(at + 1, " />\n");
  if (at[1] == '/') length = 1 + strcspn(at + 2, " />\n");
  ck_assert_msg(length > 0 && length < 32, "no tag: %.40s", at);
  memcpy(name, at + 1, length);
  name[length] = '\0';
  bool quoted = false;
  for (at += length + 1; *at && (quoted || *at != '>'); at++) {
    quoted ^= *at == '"';
    ck_assert_msg(*at != '<', "a tag in a tag <%s: %.40s", name, at);
  }
  ck_assert_msg(*at == '>', "the tag <%s doesn't end", name);
  return at;
}

/** Every tag is closed, in the right order, and every "&" begins an entity. */
static void check_balance(const char *file) {
  char *text = text_of(file), open[MAX_OPEN][32], name[32];
  int depth = 0;
  for (const char *at = text; *at; at++) {
    if (*at == '&') ck_assert_msg(strcspn(at, ";") < 7, "%s: a bare &: %.40s", file, at);
    if (*at != '<') continue;
    at = pass_tag(at, name);
    if (at[-1] == '/' || stands_alone(name)) continue;
    if (name[0] == '/') {
      ck_assert_msg(depth > 0 && strcmp(open[depth - 1], name + 1) == 0, "%s: <%s> closes <%s>",
                    file, name, depth ? open[depth - 1] : "nothing");
      depth--;
    } else {
      ck_assert_int_lt(depth, MAX_OPEN);
      strcpy(open[depth++], name);
    }
  }
  ck_assert_msg(depth == 0, "%s: <%s> is not closed", file, depth ? open[depth - 1] : "");
  free(text);
}

/** Nothing is loaded from anywhere: no address but the name of SVG, no source that isn't inline. */
static void check_alone(const char *file) {
  static const char svg[] = "xmlns=\"http://www.w3.org/2000/svg\"";
  char *text = text_of(file);
  for (const char *at = text; (at = strstr(at, "://")) != NULL; at++)
    ck_assert_msg(at - text > 11 && strncmp(at - 11, svg, strlen(svg)) == 0, "%s: %.60s", file,
                  at - 11);
  static const char *const sources[] = {"src=\"", "href=\"", "url("};
  for (size_t i = 0; i < 3; i++)
    for (const char *at = text; (at = strstr(at, sources[i])) != NULL; at++)
      ck_assert_msg(strncmp(at + strlen(sources[i]), "data:", 5) == 0, "%s: %.60s", file, at);
  ck_assert_ptr_null(strstr(text, "<script"));
  ck_assert_msg(!strstr(text, ">nan") && !strstr(text, " nan") && !strstr(text, "\"nan"),
                "%s: not a number", file);
  free(text);
}

static void check_page(const char *folder) {
  char name[100];
  snprintf(name, sizeof name, "%s/index.html", folder);
  check_balance(name);
  check_alone(name);
}

/* ---- a report ----------------------------------------------------------- */

/** Test images in the cells of the matrix, and how many of them lie off the diagonal. */
static unsigned count_cells(const char *file, unsigned *wrong) {
  char *text = text_of(file);
  unsigned sum = 0, truth, guess, count;
  *wrong = 0;
  for (const char *at = text; (at = strstr(at, "<g class=\"cell\"><title>")) != NULL; at++) {
    ck_assert_int_eq(
        sscanf(at, "<g class=\"cell\"><title>%u taken for %u: %u", &truth, &guess, &count), 3);
    sum += count;
    if (truth != guess) *wrong += count;
  }
  free(text);
  return sum;
}

/** How many mistakes a page shows; the label's probability must grow. */
static unsigned count_mistakes(const char *file) {
  char *text = text_of(file);
  unsigned count = 0;
  double last = -1, guess, of_label;
  for (const char *at = text; (at = strstr(at, "</i><br>")) != NULL; at++, count++) {
    ck_assert_int_eq(sscanf(at, "</i><br>%lf %%, not %lf %%", &guess, &of_label), 2);
    ck_assert_msg(of_label >= last && guess >= of_label - 0.05, "%.60s after %.2f %%", at, last);
    last = of_label;
  }
  free(text);
  return count;
}

/** Images in all bins of the table of reliability. */
static unsigned count_binned(const char *file) {
  static const char cell[] = " %</td><td class=\"number\">";
  char *text = text_of(file);
  unsigned sum = 0, count;
  const char *at = strstr(text, "<summary>Its numbers</summary>"), *end = strstr(at, "</details>");
  while ((at = strstr(at, "<tr><td>")) && at < end) {
    const char *number = strstr(at, cell);
    ck_assert_int_eq(sscanf(number + strlen(cell), "%u</td>", &count), 1);
    sum += count;
    at = number;
  }
  free(text);
  return sum;
}

START_TEST(a_run_has_its_page) {
  static const char *const pictures[] = {"loss-by-step",      "accuracy-by-step", "loss-by-epoch",
                                         "accuracy-by-epoch", "confusion",        "samples",
                                         "reliability",       "architecture"};
  shell_check(SMALL "--epochs 3 --seed 7 --set data.validation=50 --report 'r&d' fcnn", 0,
              "report  r&d/index.html");
  check_page("r&d");
  for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
    char name[64];
    snprintf(name, sizeof name, "r&d/%s.svg", pictures[i]);
    check_balance(name);
    check_alone(name);
  }
  shell_check("head -c 4 'r&d/mistakes.png' | tail -c 3; head -c 4 'r&d/filters.png' | tail -c 3",
              0, "PNGPNG");
  unsigned wrong;
  ck_assert_uint_eq(count_cells("r&d/confusion.svg", &wrong), TEST_IMAGES);
  ck_assert_uint_eq(count_mistakes("r&d/index.html"), wrong < 60 ? wrong : 60);
  check_contains("r&d/index.html",
                 "<pre class=\"wrap\" id=\"command\">digits-run --data . --backend cpu --epochs 3 "
                 "--seed 7 --set data.validation=50 --report &#39;r&amp;d&#39; fcnn</pre>");
  check_contains("r&d/index.html", "535818");
  check_contains("r&d/index.html", "validation = 50;");
  check_contains("r&d/index.html", "after epoch 1");
  check_contains("r&d/index.html", "% with a temperature of ");
  check_contains("r&d/reliability.svg", ">without temperature</text>");
  ck_assert_uint_eq(count_binned("r&d/index.html"), TEST_IMAGES);
  check_contains("r&d/index.html", "fc1.weight: ");
}
END_TEST

/** A run of which the page's command is run again gives the same log, but for the time it took. */
START_TEST(the_command_repeats_the_run) {
  shell_check("DIGITS_DATA=. " SMALL "--epochs 1 --report a --set train.optimizer.lr=0.3 vanilla",
              0, "report  a/index.html");
  char *text = text_of("a/index.html"), line[400], *at = strstr(text, "id=\"command\">digits-run");
  ck_assert_ptr_nonnull(at);
  at += strlen("id=\"command\">digits-run");
  snprintf(line, sizeof line, "mv a b; %s%.*s", RUN, (int)strcspn(at, "<"), at);
  free(text);
  shell_check(line, 0, "report  a/index.html");
  shell_check("grep -v seconds a/run.jsonl > a.log; grep -v seconds b/run.jsonl | cmp - a.log", 0,
              "");
}
END_TEST

START_TEST(an_early_stop_is_told) {
  shell_check(SMALL "--epochs 9 --lr 1e-30 --set data.validation=50 --set train.early_stop=1 "
                    "--report early vanilla",
              0, "report  early/index.html");
  check_page("early");
  check_contains("early/index.html", "<p>Training stopped early, after epoch 2: 1 epoch without a "
                                     "better validation (<code>train.early_stop</code>).</p>");
  shell_check(SMALL "--epochs 1 --set data.validation=50 --report early vanilla", 0, "");
  shell_check("grep -c 'stopped early' early/index.html", 1, "0\n");
}
END_TEST

/* ---- every kind of run -------------------------------------------------- */

START_TEST(networks_of_every_kind_are_drawn) {
  static const char *const models[] = {"residual", "gru", "conv1d-gru", "cnn-leaky"};
  static const char *const weights[] = {"kernels, each of 5 x 5", "A column for each of 384",
                                        "A row for each of 32", "kernels, each of 5 x 5"};
  char line[300];
  snprintf(line, sizeof line, SMALL "--epochs 1 --set train.steps=1 --report %s %s", models[_i],
           models[_i]);
  shell_check(line, 0, "report  ");
  check_page(models[_i]);
  snprintf(line, sizeof line, "%s/index.html", models[_i]);
  check_contains(line, weights[_i]);
  unsigned wrong;
  snprintf(line, sizeof line, "%s/confusion.svg", models[_i]);
  ck_assert_uint_eq(count_cells(line, &wrong), TEST_IMAGES);
}
END_TEST

START_TEST(tests_and_several_runs_have_pages) {
  shell_check(SMALL "--epochs 1 --save w vanilla", 0, "");
  shell_check(SMALL "--test --load w --report t", 0, "report  t/index.html");
  check_page("t");
  check_lacks("t/index.html", "by step");
  check_contains("t/index.html", "Confusion matrix");
  shell_check(SMALL "--epochs 2 --runs 3 --report three vanilla", 0, "report  three/index.html");
  check_page("three");
  check_contains("three/index.html", "mean of 3 runs, ±");
  check_contains("three/loss-by-step.svg", ">seed 3</text>");
  check_contains("three/accuracy-by-time.svg", "seconds of training");
}
END_TEST

START_TEST(a_stopped_run_has_a_page_and_goes_on) {
  shell_check("rm -f out; " SMALL
              "--epochs 1000000 --save s --report stop vanilla > out & p=$!; " UNTIL_AN_EPOCH
              "kill -INT $p; wait $p; s=$?; cat out; exit $s",
              130, "report  stop/index.html");
  check_page("stop");
  check_contains("stop/index.html", "The run ended early:");
  check_contains("stop/index.html", "; go on with --resume s");
  check_lacks("stop/index.html", "Confusion matrix");
  shell_check("rm out; printf '{\"event\":\"st' >> stop/run.jsonl; " RUN
              "--resume s --report stop > out & p=$!; " UNTIL_AN_EPOCH
              "kill -INT $p; wait $p; s=$?; cat out; exit $s",
              130, "report  stop/index.html");
  check_page("stop");
  check_contains("stop/index.html", "the run stopped and went on");
  check_contains("stop/index.html", "--epochs 1000000 --save s --report stop vanilla</pre>");
  shell_check(REPORT "stop-compared stop", 0, "stop-compared/index.html: 1 run\n");
}
END_TEST

/* ---- comparing ---------------------------------------------------------- */

START_TEST(runs_are_compared) {
  shell_check(SMALL "--epochs 2 --report v vanilla", 0, "");
  shell_check(SMALL "--epochs 2 --runs 2 --set data.validation=50 --log '<l>.jsonl' fcnn", 0, "");
  shell_check(REPORT "--title 'a <b> & c' c v '<l>.jsonl'", 0, "c/index.html: 3 runs\n");
  check_page("c");
  check_contains("c/index.html", "<h1>a &lt;b&gt; &amp; c</h1>");
  check_contains("c/index.html", "</span>vanilla</td>");
  check_contains("c/index.html", "</span>fcnn, seed 2</td>");
  check_contains("c/accuracy-by-epoch.svg", ">fcnn, seed 1</text>");
  check_balance("c/accuracy-by-time.svg");
  shell_check(REPORT "--quiet c v v", 0, "");
  check_contains("c/index.html", "vanilla (2)");
}
END_TEST

static const shell_line lines[] = {
    {REPORT "--help", 0, "Usage: digits-report [options] OUT RUN"},
    {REPORT "--version", 0, "digits-report 0.1.0"},
    {REPORT "nil", 2, "give the folder of the page and one run at least"},
    {REPORT "--bogus out x", 2, "unknown option --bogus"},
    {REPORT "nil none.jsonl", 2, "none.jsonl"},
    {REPORT "nil .", 2, ".: no report is in this folder: there is no run.jsonl"},
    {"echo hello > h; " REPORT "nil h", 2, "h:1: no JSON"},
    {"echo '{}' > e; " REPORT "nil e", 2, "e:1: not of a log of digits-run: no \"event\""},
    {"echo '{\"event\":\"step\"}' > e; " REPORT "nil e", 2, "\"step\" before any start"},
    {": > e; " REPORT "nil e", 2, "e: no run is in it"},
    {"ls nil", 2, "No such file"},
    {SMALL "--report /dev/null/r vanilla", 1, "/dev/null/r: the folder can't be made"},
    {SMALL "--report h vanilla", 2, "h is no folder"},
    {"mkdir -p web; echo mine > web/index.html; " SMALL "--report web vanilla", 2,
     "web/index.html is there, a page that digits didn't write"},
    {SMALL "--report own --log own/run.jsonl vanilla", 2,
     "--log and --report both write to own/run.jsonl; give one another file"},
    {RUN "--describe --report d vanilla", 2, "--report doesn't go with --describe"},
};

START_TEST(command_lines) {
  shell_check(lines[_i].command, lines[_i].status, lines[_i].says);
  ck_assert_msg(strstr(shell_printed(), "epoch ") == NULL, "it trained:\n%s", shell_printed());
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  TCase *tests = tcase_create("report");
  tcase_set_timeout(tests, 300);
  tcase_add_test(tests, a_run_has_its_page);
  tcase_add_test(tests, the_command_repeats_the_run);
  tcase_add_test(tests, an_early_stop_is_told);
  tcase_add_loop_test(tests, networks_of_every_kind_are_drawn, 0, 4);
  tcase_add_test(tests, tests_and_several_runs_have_pages);
  tcase_add_test(tests, a_stopped_run_has_a_page_and_goes_on);
  tcase_add_test(tests, runs_are_compared);
  tcase_add_loop_test(tests, command_lines, 0, sizeof lines / sizeof *lines);
  int status = suite_main("report", tests);
  shell_close();
  return status;
}
