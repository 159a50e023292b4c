/* IDX sets of other sizes and classes than MNIST's, and the names of classes: where they are read,
   shown and kept. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/dataset.h"
#include "core/data/idx/idx_folder.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

#define PREDICT PROGRAM("digits-predict") "--backend cpu "
#define TRAIN RUN "--backend cpu --epochs 1 "
/* what a run is followed by that is stopped after its first epoch */
#define STOPPED "> out & p=$!; " UNTIL_AN_EPOCH "kill -INT $p; wait $p; s=$?; cat out; exit $s"
#define LETTERS TRAIN "--data letters "

enum {
  HEIGHT = 9,
  WIDTH = 12,
  PIXELS = HEIGHT * WIDTH,
  IMAGES = 130,
  TESTS = 26,
  LETTERS_END = 26
};

static dg_error err;

/** Letters as bars: that of letter i is at column 4 i. Labels start at 1, as EMNIST's do. */
static dg_samples draw(uint32_t count) {
  dg_samples s = {.count = count,
                  .kind = dg_gray_kind(HEIGHT, WIDTH),
                  .inputs = calloc(count, PIXELS),
                  .labels = malloc(count)};
  ck_assert(s.inputs && s.labels);
  for (uint32_t i = 0; i < count; i++) {
    s.labels[i] = (uint8_t)(i % LETTERS_END + 1);
    memset(s.inputs + (size_t)i * PIXELS + 4 * (s.labels[i] - 1u), 255, 4);
  }
  return s;
}

static void write_letters(void) {
  dg_dataset *set = calloc(1, sizeof *set);
  ck_assert_ptr_nonnull(set);
  set->train = draw(IMAGES);
  set->test = draw(TESTS);
  ck_assert_msg(dg_dataset_write(set, shell_path("letters"), true, &err), "%s", err.message);
  dg_dataset_close(set);
}

static void write_names(void) {
  ck_assert_int_eq(
      shell(
          "(echo; printf '%s\\n' a b c d e f g h i j k l m n o p q r s t u v w x y z) > abc && "
          "printf '%s\\n' zero one two three four five six seven eight '<nine & \"more\">' > names"
          " && tail -n +2 abc > few && printf 'a\\0b\\n' > bytes && printf 'a\\377b\\n' > latin"
          " && : > empty && printf '%070d\\n' 1 > long && seq 257 > many"),
      0);
}

/* ---- sizes and numbers of classes --------------------------------------- */

static const shell_line lines[] = {
    {LETTERS "vanilla", 2, "the input is [1, 28, 28], but the images are of 9x12: input=[1,9,12]"},
    {LETTERS "--set input=[1,9,12] vanilla", 2,
     "the last layer has 10 outputs, but the labels go to 26: out.units=27"},
    {LETTERS "--set input=[1,9,12] --set out.units=27 --epochs 30 --quiet vanilla", 0, "test    "},
    {LETTERS "--set input=[1,9,12] --set out.units=27 --test-data . vanilla", 2,
     "but the images are of 28x28"},
    {DATA "--data letters stats", 0, "letters: images of 9x12\n"},
    {DATA "--data letters --classes abc stats", 0, "26                  5          1  z\n"},
    {DATA "--data letters --classes few stats", 2,
     "few names 26 classes, but the labels of letters go to 26: 27 names"},
    {DATA "--data letters --classes bytes stats", 2, "bytes: this is no text"},
    {DATA "--data letters --classes latin stats", 2, "latin: the name of class 0 must be a line"},
    {DATA "--data letters --classes long stats", 2, "long: the name of class 0 must be"},
    {DATA "--data letters --classes empty stats", 2, "empty: no name in it"},
    {DATA "--data letters --classes many stats", 2, "many: more than 256 classes"},
    {DATA "--data letters --classes none stats", 2, "none: No such file"},
    {TRAIN "--data . --classes none vanilla", 2, "none: No such file"},
    {TRAIN "--data . --classes empty vanilla", 2, "empty: no name in it"},
    {TRAIN "--data . --batch 10 --data-memory 100K vanilla", 2,
     "data.shuffle_block=7 would fit; --set sets it"},
    {TRAIN "--data . --batch 10 --data-memory 100K --set data.shuffle_block=7 --quiet vanilla", 0,
     "test    "},
    {TRAIN "--data . --data-memory 1K vanilla", 2, "--data-memory sets it"},
    {TRAIN "--data . --data-memory 100KB vanilla", 2, "--data-memory must be a number of bytes"},
    {TRAIN "--data . --data-memory 99999999999G vanilla", 2, "must be a number of bytes"},
    {TRAIN "--classes names --describe vanilla", 2, "--classes doesn't go with --describe"},
};

START_TEST(command_lines) {
  shell_check(lines[_i].command, lines[_i].status, lines[_i].says);
}
END_TEST

START_TEST(letters_are_learned) {
  shell_check(LETTERS "--set input=[1,9,12] --set out.units=27 --epochs 30 --batch 26 --quiet "
                      "--classes abc --save letters.safetensors vanilla",
              0, "(26 of 26)");
}
END_TEST

/* ---- names -------------------------------------------------------------- */

START_TEST(names_lie_beside_the_files) {
  shell_check(DATA "--data . --classes names write named && cmp named/classes.txt names", 0,
              "named: 300 images to train");
  shell_check(DATA "--data named stats", 0, "3                  30         10  three\n");
  shell_check(DATA "--data named --class 1 --count 4 sheet named.png && " DATA
                   "--data . --class 1 --count 4 sheet plain.png; ! cmp -s named.png plain.png",
              0, "named.png: 4 images");
  shell_check("rm -f only/*; mkdir -p only && cp names only/classes.txt && " DATA
              "--data . write only",
              2, "only/classes.txt is there already");
  shell_check("cp names named/classes.txt && echo ten >> named/classes.txt && " DATA
              "--data named stats && head -n 5 names > named/classes.txt && ! " DATA
              "--data named stats && cp names named/classes.txt",
              0, "named/classes.txt names 5 classes, but the labels of named go to 9");
}
END_TEST

START_TEST(names_travel_with_the_weights) {
  shell_check(TRAIN "--data . --classes names --quiet --save n.safetensors vanilla && " CONVERT
                    "n.safetensors again.safetensors",
              0, "again.safetensors: written");
  const char *const files[] = {"n.safetensors", "again.safetensors"};
  for (int i = 0; i < 2; i++) {
    dg_classes classes;
    ck_assert_msg(dg_classes_from_weights(&classes, shell_path(files[i]), &err), "%s", err.message);
    ck_assert_uint_eq(classes.count, 10);
    ck_assert_str_eq(classes.name[0], "zero");
    ck_assert_str_eq(classes.name[9], "<nine & \"more\">");
  }
  shell_check("sed s/three/drei/ names > others; " RUN
              "--backend cpu --data . --classes others --test --load n.safetensors",
              2, "class 3 is \"three\", but \"drei\" in .; a test needs the classes");
  shell_check(TRAIN "--data . --classes others --load n.safetensors --quiet vanilla", 0, "test");
}
END_TEST

START_TEST(a_class_without_a_name_is_a_number) {
  char number[DG_CLASS_SIZE];
  dg_classes classes;
  ck_assert(dg_classes_read(&classes, shell_path("abc"), &err));
  ck_assert_uint_eq(classes.count, 27);
  ck_assert_str_eq(dg_class_name(&classes, 0, number), "0");
  ck_assert_str_eq(dg_class_name(&classes, 26, number), "z");
  ck_assert_str_eq(dg_class_name(&classes, 200, number), "200");
}
END_TEST

START_TEST(a_report_shows_them) {
  shell_check(TRAIN "--data . --classes names --quiet --report page vanilla && "
                    "grep -c 'taken for' page/confusion.svg",
              0, "test");
  shell_check("cat page/confusion.svg", 0, ">seven</text>");
  shell_check("cat page/confusion.svg", 0, "&lt;nine &amp;");
  shell_check("grep -o '<b>[a-z]*</b> taken for' page/index.html | head -n 1", 0, "</b> taken for");
}
END_TEST

/** The name that JSON gives a picture's only digit. */
static void check_json_name(const char *command) {
  ck_assert_int_eq(shell(command), 0);
  json_t *root = json_loads(shell_printed(), 0, NULL);
  json_t *digit = json_array_get(json_object_get(root, "digits"), 0);
  const char *name = json_string_value(json_object_get(digit, "name"));
  dg_classes classes;
  ck_assert(dg_classes_read(&classes, shell_path("names"), &err));
  ck_assert_ptr_nonnull(name);
  ck_assert_str_eq(name, classes.name[json_integer_value(json_object_get(digit, "label"))]);
  json_decref(root);
}

START_TEST(predictions_are_named) {
  shell_check(TRAIN
              "--data . --epochs 20 --classes names --quiet --save p.safetensors vanilla && " TRAIN
              "--data . --epochs 20 --quiet --save q.safetensors vanilla",
              0, "test");
  shell_check(
      "(echo P5 28 28 255; tail -c +17 train-images-idx3-ubyte | head -c 784) > d.pgm; " PREDICT
      "./q.safetensors d.pgm",
      0, "d.pgm: ");
  shell_check(PREDICT "--top 10 ./p.safetensors d.pgm", 0, "  seven ");
  shell_check(PREDICT "--top 10 --classes names ./q.safetensors d.pgm", 0, "  seven ");
  shell_check(PREDICT "--show named.png ./p.safetensors d.pgm && " PREDICT
                      "--show plain.png ./q.safetensors d.pgm; ! cmp -s named.png plain.png",
              0, "d.pgm: ");
  check_json_name(PREDICT "--json ./p.safetensors d.pgm");
  check_json_name(PREDICT "--json --classes names ./q.safetensors d.pgm");
  shell_check(PREDICT "--classes abc ./p.safetensors d.pgm", 2,
              "abc names 27 classes, but the network has 10");
  shell_check(PREDICT "--classes none ./p.safetensors d.pgm", 2, "none: No such file");
}
END_TEST

/** A name in Latin-1: a link to the set is the way that the error tells, from training to resume.
 */
START_TEST(a_set_whose_name_is_no_text_is_reached_by_a_link) {
  shell_check("bad=$(printf 'Z\\374ge') && mkdir $bad && cp *-ubyte $bad && " TRAIN
              "--data $bad vanilla",
              2, "not UTF-8; give a link to it");
  shell_check("ln -s $(printf 'Z\\374ge') link; rm -f out; " RUN
              "--backend cpu --data link --log l "
              "--save l.safetensors --epochs 100000 vanilla " STOPPED,
              130, "--resume");
  shell_check("rm out; (cd / && exec " RUN "--backend cpu --resume $OLDPWD/l.safetensors) " STOPPED,
              130, "/link: ");
  shell_check("grep -c '\"data\":\"link\"' l", 0, "1");
}
END_TEST

START_TEST(a_path_that_is_too_long_is_refused) {
  shell_check(TRAIN "--data $(printf './%0300d/%0300d' 1 2) vanilla", 2,
              "is longer than 511 bytes; give a link to it");
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  TCase *tests = tcase_create("sets");
  tcase_set_timeout(tests, 120);
  tcase_add_unchecked_fixture(tests, write_letters, NULL);
  tcase_add_unchecked_fixture(tests, write_names, NULL);
  tcase_add_loop_test(tests, command_lines, 0, sizeof lines / sizeof *lines);
  tcase_add_test(tests, letters_are_learned);
  tcase_add_test(tests, names_lie_beside_the_files);
  tcase_add_test(tests, names_travel_with_the_weights);
  tcase_add_test(tests, a_class_without_a_name_is_a_number);
  tcase_add_test(tests, a_report_shows_them);
  tcase_add_test(tests, predictions_are_named);
  tcase_add_test(tests, a_set_whose_name_is_no_text_is_reached_by_a_link);
  tcase_add_test(tests, a_path_that_is_too_long_is_refused);
  int status = suite_main("sets", tests);
  shell_close();
  return status;
}
