/* Reports: the pages that digits-run and digits-report write, as a browser and a reader meet them.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file/file.h"
#include "digits/data.h"
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
                                        "filters, a row for each channel, each of 28 x 3",
                                        "kernels, each of 5 x 5"};
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

/* ---- every kind of data ------------------------------------------------- */

/** How often a text is in a file. */
static unsigned count_of(const char *file, const char *what) {
  char *text = text_of(file);
  unsigned count = 0;
  for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what)) count++;
  free(text);
  return count;
}

START_TEST(values_have_a_scatter) {
  shell_check(RUN "--data builtin:table --targets y1,y2 --backend cpu --epochs 1 --set loss=mse "
                  "--set out.units=2 --set data.targets=measure --report values table",
              0, "        y2: mean absolute error ");
  check_page("values");
  check_contains("values/index.html", "<tr><td>y1</td><td class=\"number\">");
  check_contains("values/scatter-1.svg", ">Predicted y1 by true</text>");
  check_contains("values/scatter-2.svg", ">2000 of 5000 test samples</text>");
  ck_assert_uint_eq(count_of("values/scatter-2.svg", "h0"), 2000);
  check_balance("values/errors-2.svg");
  check_lacks("values/index.html", "calibration error");
  shell_check(REPORT "values-compared values", 0, "values-compared/index.html: 1 run");
  check_page("values-compared");
  check_contains("values-compared/index.html", "<th class=\"number\">test RMSE</th>");
  shell_check("ls values", 0, "scatter-2.svg");
  ck_assert_ptr_null(strstr(shell_printed(), "scatter-3.svg"));
  shell_check("grep '\"test\"' values/run.jsonl", 0, "\"targets\":[{\"name\":\"y1\",\"mae\":");
}
END_TEST

/** Sums the samples of all rows of the table of classes. */
static unsigned count_in_classes(const char *file) {
  char *text = text_of(file);
  unsigned sum = 0, count;
  const char *at = strstr(text, "<table class=\"rates\">"),
             *end = at ? strstr(at, "</table>") : NULL;
  ck_assert_ptr_nonnull(end);
  while ((at = strstr(at, "<tr><td>")) && at < end) {
    at = strstr(at, "</td>");
    if (sscanf(at, "</td><td class=\"number\">%u", &count) == 1) sum += count;
  }
  free(text);
  return sum;
}

START_TEST(tables_have_rows_of_mistakes) {
  shell_check(RUN "--data builtin:table --label class --backend cpu --epochs 1 --report rows table",
              0, ", the mean of 3 classes; lowest: ");
  check_page("rows");
  ck_assert_uint_eq(count_in_classes("rows/index.html"), 5000);
  check_contains("rows/index.html", "<th class=\"number\">x12</th>");
  ck_assert_uint_eq(count_of("rows/index.html", "<tr><td class=\"number\">"), 60);
  shell_check("grep '\"test\"' rows/run.jsonl", 0, "\"classes\":[{\"name\":\"low\",\"samples\":");
  shell_check("ls rows/mistakes.png", 2, "No such file");
}
END_TEST

START_TEST(sequences_are_lines) {
  shell_check(RUN "--data builtin:signals --backend cpu --epochs 1 --set train.steps=1 --report "
                  "lines signals",
              0, "report  lines/index.html");
  check_page("lines");
  check_balance("lines/mistakes.svg");
  ck_assert_uint_eq(count_of("lines/mistakes.svg", "<rect class=\"box\""), 24);
  ck_assert_uint_eq(count_of("lines/mistakes.svg", "<path class=\"curve "), 3 * 24);
  check_contains("lines/index.html", "filters, a row for each channel, each of 3 x 7");
}
END_TEST

/** Writes a model file: its input, its layers after a flatten, and other keys. */
static void write_model(const char *name, const char *input, const char *layers, const char *keys) {
  FILE *file = fopen(shell_path(name), "w");
  ck_assert_ptr_nonnull(file);
  fprintf(file,
          "name = \"m\"; input = %s; layers = ({ type = \"flatten\"; }, %s); %s\n"
          "train = { epochs = 1; batch = 20; };\n",
          input, layers, keys);
  ck_assert_int_eq(fclose(file), 0);
}

START_TEST(an_autoencoder_has_a_sheet) {
  write_model("a.cfg", "[1, 28, 28]", "{ type = \"linear\"; name = \"out\"; units = 784; }",
              "loss = \"mse\"; target = \"input\";");
  shell_check(SMALL "--report auto ./a.cfg", 0, "report  auto/index.html");
  check_page("auto");
  check_contains("auto/index.html", "16 of 100 test samples with their numbers");
  check_contains("auto/index.html", "From the top: the input, the output. Outputs are white at 0 ");
  shell_check("head -c 4 auto/outputs.png | tail -c 3", 0, "PNG");
  check_lacks("auto/index.html", "Predictions");
}
END_TEST

enum { PICTURES = 60, SIDE = 8, NUMBERS = 3 * SIDE * SIDE };

/** Writes colour pictures with classes, and with masks of their first channel. */
static void write_colour(void) {
  uint8_t pixels[PICTURES * NUMBERS], labels[PICTURES];
  float masks[PICTURES * SIDE * SIDE];
  for (int i = 0; i < PICTURES * NUMBERS; i++) pixels[i] = (uint8_t)(i * 37 % 251);
  for (int i = 0; i < PICTURES; i++) labels[i] = (uint8_t)(i * 7 % 3);
  for (int i = 0; i < PICTURES * SIDE * SIDE; i++)
    masks[i] = pixels[i / (SIDE * SIDE) * NUMBERS + i % (SIDE * SIDE)] > 125;
  dg_sample_arrays part = {.size = sizeof part, .labels = labels};
  part.inputs = (dg_ndarray){4, {PICTURES, 3, SIDE, SIDE}, DG_NUMBERS_BYTES, pixels};
  dg_error err = {0};
  dg_dataset *colour = dg_dataset_from_arrays(&part, &part, true, &err);
  part.labels = NULL;
  part.targets = (dg_ndarray){4, {PICTURES, 1, SIDE, SIDE}, DG_NUMBERS_FLOATS, masks};
  dg_dataset *masked = dg_dataset_from_arrays(&part, &part, true, &err);
  ck_assert_msg(colour && dg_dataset_write(colour, shell_path("colour"), false, &err) && masked &&
                    dg_dataset_write(masked, shell_path("masked"), false, &err),
                "%s", err.message);
  dg_dataset_close(colour);
  dg_dataset_close(masked);
}

START_TEST(colour_is_shown_in_colour) {
  write_colour();
  write_model("c.cfg", "[3, 8, 8]", "{ type = \"linear\"; name = \"out\"; units = 3; }",
              "loss = \"cross_entropy\";");
  shell_check(RUN "--backend cpu --data colour --report c3 ./c.cfg", 0, "report  c3/index.html");
  check_page("c3");
  check_contains("c3/index.html", "red, green and blue of each, dark -");
  /* byte 25 of a PNG file is the type of its colours: 2 are red, green and blue */
  shell_check("for p in mistakes filters; do od -An -tu1 -j25 -N1 c3/$p.png | tr -d ' '; done", 0,
              "2\n2");
  write_model("m.cfg", "[3, 8, 8]", "{ type = \"linear\"; name = \"out\"; units = 64; }",
              "loss = \"bce\";");
  shell_check(RUN "--backend cpu --data masked --report m3 ./m.cfg", 0, "report  m3/index.html");
  check_page("m3");
  check_contains("m3/index.html", "From the top: the input, the output, the target. Outputs are ");
  shell_check("od -An -tu1 -j25 -N1 m3/outputs.png", 0, "2");
}
END_TEST

/** Names in tables come from strangers. */
START_TEST(names_are_escaped) {
  FILE *table = fopen(shell_path("t.csv"), "w");
  ck_assert_ptr_nonnull(table);
  fprintf(table, "\"<b>a&\"\"\",</svg>,<i>\n");
  for (int i = 0; i < 60; i++) fprintf(table, "%d,%d,%s\n", i % 7, i % 5, i % 3 ? "<u>" : "&&");
  ck_assert_int_eq(fclose(table), 0);
  write_model("t.cfg", "[2]", "{ type = \"linear\"; name = \"out\"; units = 2; }",
              "loss = \"cross_entropy\";");
  shell_check(RUN "--backend cpu --data t.csv --label '<i>' --report e1 ./t.cfg", 0, "report  e1");
  check_page("e1");
  check_contains("e1/index.html", "<td>&lt;u&gt;</td>");
  shell_check(RUN "--backend cpu --data t.csv --targets '</svg>' --set 'input=[3]' --set "
                  "out.units=1 --set loss=mae --report e2 ./t.cfg",
              0, "report  e2");
  check_page("e2");
  check_balance("e2/scatter-1.svg");
  check_contains("e2/scatter-1.svg", "true &lt;/svg&gt;");
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
  tcase_add_test(tests, values_have_a_scatter);
  tcase_add_test(tests, tables_have_rows_of_mistakes);
  tcase_add_test(tests, sequences_are_lines);
  tcase_add_test(tests, an_autoencoder_has_a_sheet);
  tcase_add_test(tests, colour_is_shown_in_colour);
  tcase_add_test(tests, names_are_escaped);
  tcase_add_test(tests, runs_are_compared);
  tcase_add_loop_test(tests, command_lines, 0, sizeof lines / sizeof *lines);
  int status = suite_main("report", tests);
  shell_close();
  return status;
}
