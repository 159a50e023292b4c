/* digits-infer, as a user meets it. */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits/data.h"
#include "digits/predict.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

#define INFER PROGRAM("digits-infer")
#define ON_CPU INFER "--backend cpu --threads 2 "

enum { COUNT = 203, PIXELS = 28 * 28, OUTPUTS = 10, HEADER = 128 };

static uint8_t images[COUNT * PIXELS];
static float expected[COUNT * OUTPUTS];

static const shell_line lines[] = {
    {INFER "--help", 0, "Usage: digits-infer [options] WEIGHTS INPUT [OUTPUT]"},
    {INFER "--version", 0, "digits-infer 0.1.0"},
    {INFER, 2, "no network was given"},
    {INFER "./w", 2, "no input was given after the network ./w"},
    {INFER "./w a.npy b.npy c.npy", 2, "one input and one output, not 4 words"},
    {INFER "--bogus ./w a.npy", 2, "unknown option --bogus"},
    {INFER "--output x ./w a.npy", 2, "must be logits, probabilities, classes or values, not"},
    {INFER "--part x ./w a.npy", 2, "--part must be test, train or all, not \"x\""},
    {INFER "--batch 0 ./w a.npy", 2, "--batch must be a whole number from 1"},
    {INFER "./w a.npy out.txt", 2, "out.txt: the output ends in .npy, .csv or .jsonl"},
    {INFER "./w a.npy a.npy", 2, "OUTPUT a.npy would write over a.npy, which the samples are read"},
    {"ln a.npy link.npy && " INFER "./w a.npy link.npy", 2, "would write over a.npy"},
    {ON_CPU "./w none.npy out.npy", 2, "none.npy: No such file"},
    {ON_CPU "./none a.npy", 2, "./none: No such file"},
    {ON_CPU "./w a.npy none/out.npy", 1, "none/out.npy can't be written"},
    {ON_CPU "--part all ./w a.npy", 2, "--part is for data sets, but a.npy has samples alone"},
    {ON_CPU "--output values ./w a.npy", 2, "gives logits, probabilities or classes: --output"},
    {ON_CPU "./w cut.npy out.npy", 2, "cut.npy: 159023 bytes follow its header"},
    {ON_CPU "./w text.npy out.npy", 2, "text.npy: no sound .npy array"},
    {ON_CPU "./w flat.npy out.npy", 2,
     "the network takes N samples as [N, 1, 28, 28], not as [N, 1, 14, 56]"},
    {ON_CPU "./w nan.npy out.npy", 2, "nan.npy[200, 3, 5] is NaN; numbers must be finite"},
    {ON_CPU "--classes two ./w a.npy", 2, "two names 2 classes, but the network has 10 outputs"},
    {"test ! -e out.npy && echo none", 0, "none"},
    {ON_CPU "./w a.npy > /dev/full", 1, "standard output could not be written"},
    {ON_CPU "--targets 0 --label 1 ./w builtin", 2, "--label doesn't go with --targets"},
};

/** Writes an array as numpy does. */
static void write_npy(const char *name, const char *type, const char *shape, const void *numbers,
                      size_t size) {
  char header[HEADER + 1] = "\x93NUMPY\x01";
  header[8] = HEADER - 10;
  int used = 10 + snprintf(header + 10, HEADER - 10,
                           "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", type, shape);
  while (used < HEADER - 1) header[used++] = ' ';
  header[used] = '\n';
  FILE *file = fopen(shell_path(name), "wb");
  ck_assert_ptr_nonnull(file);
  ck_assert(fwrite(header, 1, HEADER, file) == HEADER && fwrite(numbers, 1, size, file) == size);
  fclose(file);
}

static void draw_images(void) {
  dg_error err = {0};
  dg_dataset *data = dg_dataset_draw(COUNT, 1, 3, 1, &err);
  ck_assert_msg(data != NULL, "%s", err.message);
  memcpy(images, dg_dataset_part(data, DG_PART_TRAIN).images, sizeof images);
  dg_dataset_close(data);
}

/** What the library gives for the images. */
static void expect_logits(void) {
  dg_error err = {0};
  draw_images();
  const char *weights = shell_path("w");
  const dg_predictor_options options = {.size = sizeof options, .weights = weights, .batch = 64};
  dg_device *device = dg_open("cpu", NULL, 2, &err);
  dg_model *model = dg_model_from_weights(weights, NULL, 0, &err);
  dg_predictor *p = device && model ? dg_predictor_new(model, device, &options, &err) : NULL;
  ck_assert_msg(p && dg_predictor_run(p, images, COUNT, expected, &err), "%s", err.message);
  dg_predictor_free(p);
  dg_model_free(model);
  dg_close(device);
}

START_TEST(prepare) {
  static float floats[COUNT * PIXELS];
  draw_images();
  for (size_t i = 0; i < COUNT * PIXELS; i++) floats[i] = (float)images[i] / 255;
  write_npy("a.npy", "|u1", "203, 28, 28", images, sizeof images);
  write_npy("rows.npy", "|u1", "203, 784", images, sizeof images);
  write_npy("last.npy", "|u1", "203, 28, 28, 1", images, sizeof images);
  write_npy("floats.npy", "<f4", "203, 1, 28, 28", floats, sizeof floats);
  write_npy("flat.npy", "|u1", "203, 14, 56", images, sizeof images);
  write_npy("cut.npy", "|u1", "203, 28, 28", images, sizeof images - 129);
  floats[200 * PIXELS + 3 * 28 + 5] = NAN;
  write_npy("nan.npy", "<f4", "203, 28, 28", floats, sizeof floats);
  shell_check("cp " WEIGHTS_OF_ZOO "cnn.safetensors w && echo text > text.npy && "
              "printf 'a\\nb\\n' > two && printf "
              "'zero\\none\\n\"two\"\\n3,3\\n4\\n5\\n6\\n7\\n8\\n9\\n' > names",
              0, "");
}
END_TEST

START_TEST(command_lines) {
  shell_check(lines[_i].command, lines[_i].status, lines[_i].says);
}
END_TEST

/** Checks a .npy file of [203, 10] floats. */
static void check_logits(const char *name, float most) {
  static float outputs[COUNT * OUTPUTS];
  static const char says[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (203, 10), }";
  char header[HEADER];
  FILE *file = fopen(shell_path(name), "rb");
  ck_assert_ptr_nonnull(file);
  ck_assert_uint_eq(fread(header, 1, HEADER, file), HEADER);
  ck_assert(memcmp(header, "\x93NUMPY\x01\0", 8) == 0 && header[8] == HEADER - 10);
  ck_assert(memcmp(header + 10, says, sizeof says - 1) == 0 && header[HEADER - 1] == '\n');
  ck_assert_uint_eq(fread(outputs, 1, sizeof outputs, file), sizeof outputs);
  ck_assert_int_eq(fgetc(file), EOF);
  fclose(file);
  for (uint32_t i = 0; i < COUNT * OUTPUTS; i++)
    ck_assert_msg(fabsf(outputs[i] - expected[i]) <= most, "%s: %u", name, i);
}

START_TEST(logits_are_those_of_the_library) {
  static const char *const inputs[] = {"a.npy", "rows.npy", "last.npy", "-"};
  char command[200];
  expect_logits();
  for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
    snprintf(command, sizeof command, "rm -f out.npy; " ON_CPU "./w - out.npy < a.npy");
    if (i < 3)
      snprintf(command, sizeof command, "rm -f out.npy; " ON_CPU "./w %s out.npy", inputs[i]);
    shell_check(command, 0, "");
    check_logits("out.npy", 0);
  }
  shell_check("cat a.npy | " ON_CPU "./w - pipe.npy", 0, "");
  check_logits("pipe.npy", 0);
  shell_check(ON_CPU "./w floats.npy floats.out.npy", 0, "");
  check_logits("floats.out.npy", 1e-4f);
  shell_check(ON_CPU "--batch 7 ./w a.npy seven.npy", 0, "");
  check_logits("seven.npy", 1e-4f);
}
END_TEST

static json_t *line_of(FILE *file) {
  char line[1024];
  ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
  json_t *object = json_loads(line, 0, NULL);
  ck_assert_msg(object != NULL, "%s", line);
  return object;
}

START_TEST(json_lines_say_the_same) {
  expect_logits();
  shell_check(ON_CPU "--classes names ./w a.npy > lines && " ON_CPU
                     "--output classes --classes names ./w a.npy classes.jsonl && " ON_CPU
                     "--output probabilities ./w a.npy p.jsonl",
              0, "");
  FILE *logits = fopen(shell_path("lines"), "r");
  FILE *classes = fopen(shell_path("classes.jsonl"), "r");
  FILE *likely = fopen(shell_path("p.jsonl"), "r");
  ck_assert(logits && classes && likely);
  for (uint32_t i = 0; i < COUNT; i++) {
    json_t *l = line_of(logits), *c = line_of(classes), *p = line_of(likely);
    double best = -INFINITY, sum = 0;
    uint32_t label = 0;
    for (uint32_t k = 0; k < OUTPUTS; k++) {
      const double logit = json_real_value(json_array_get(json_object_get(l, "logits"), k));
      ck_assert_double_eq((double)(float)logit, (double)expected[i * OUTPUTS + k]);
      sum += json_number_value(json_array_get(json_object_get(p, "probabilities"), k));
      if (logit > best) best = logit, label = k;
    }
    ck_assert_double_eq_tol(sum, 1, 1e-5);
    ck_assert_int_eq(json_integer_value(json_object_get(l, "sample")), i);
    ck_assert_int_eq(json_integer_value(json_object_get(c, "class")), label);
    if (label == 2) ck_assert_str_eq(json_string_value(json_object_get(c, "name")), "\"two\"");
    json_decref(l), json_decref(c), json_decref(p);
  }
  ck_assert(fgetc(logits) == EOF && fgetc(classes) == EOF);
  fclose(logits), fclose(classes), fclose(likely);
}
END_TEST

START_TEST(csv_has_names) {
  shell_check(
      ON_CPU "--classes names ./w a.npy l.csv && head -1 l.csv && wc -l < l.csv", 0,
      "sample,\"zero\",\"one\",\"\"\"two\"\"\",\"3,3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"\n"
      "204\n");
  shell_check(ON_CPU "--output classes --classes names ./w a.npy c.csv && head -1 c.csv && "
                     "grep -c '^[0-9]*,3,\"3,3\"$' c.csv > threes && " ON_CPU
                     "--output classes ./w a.npy | grep -c '\"class\":3' | cmp - threes && "
                     "echo same",
              0, "sample,class,name\nsame\n");
}
END_TEST

/** A part of a set gives what an array of its images does. */
START_TEST(sets_have_parts) {
  shell_check(ON_CPU "./w . test.jsonl && wc -l < test.jsonl", 0, "100\n");
  shell_check(ON_CPU "--part train ./w . train.jsonl && wc -l < train.jsonl", 0, "300\n");
  shell_check(ON_CPU "--part all ./w . all.jsonl && "
                     "cut -d, -f2- train.jsonl test.jsonl > both && cut -d, -f2- all.jsonl | "
                     "cmp - both && echo same",
              0, "same\n");
}
END_TEST

/** A table of numbers, whose targets come back in their own units. */
START_TEST(values_have_their_own_units) {
  static const char model[] =
      "name = \"t\"; input = [2]; loss = \"mse\"; data = { mean = \"measure\"; std = \"measure\"; "
      "targets = \"measure\"; }; layers = ({ type = \"linear\"; name = \"out\"; units = 1; }); "
      "train = { epochs = 40; batch = 8; optimizer = { type = \"sgd\"; lr = 0.1; }; };";
  FILE *file = fopen(shell_path("t.cfg"), "w");
  fputs(model, file);
  fclose(file);
  file = fopen(shell_path("t.csv"), "w");
  fputs("a,b,y\n", file);
  for (int i = 0; i < 100; i++)
    fprintf(file, "%d,%d,%d\n", i % 10, i * 7 % 13, 5000 + 20 * (i % 10));
  fclose(file);
  shell_check(RUN "--backend cpu --quiet --data t.csv --targets y --save ./t.safetensors ./t.cfg",
              0, "");
  shell_check(ON_CPU "./t.safetensors t.csv | wc -l", 0, "100\n");
  shell_check("cut -d, -f2 t.csv | paste -d, - t.csv | cut -d, -f1,2 > turned.csv; " ON_CPU
              "./t.safetensors turned.csv turned.jsonl && " ON_CPU
              "./t.safetensors t.csv straight.jsonl && cmp turned.jsonl straight.jsonl && " ON_CPU
              "./t.safetensors - < turned.csv | cmp - straight.jsonl && echo same",
              0, "same\n");
  shell_check("printf 'b\\n1\\n' > b.csv; " ON_CPU "./t.safetensors b.csv out.csv", 2,
              "b.csv:1: there is no column \"a\", which the table to train has; there are b");
  shell_check("printf 'b,z,a\\n1,x,\\n' > b.csv; " ON_CPU "--missing mean ./t.safetensors b.csv", 0,
              "digits-infer: note: b.csv: left out, since not learned: z");
  shell_check(ON_CPU "./t.safetensors b.csv", 2,
              "b.csv:2: column 3 (a): the field is empty; --missing mean fills it");
  shell_check(ON_CPU "--part test --targets y ./t.safetensors t.csv v.csv && head -2 v.csv", 0,
              "sample,0\n0,");
  shell_check(ON_CPU "--part all --targets y ./t.safetensors t.csv | wc -l", 0, "100\n");
  file = fopen(shell_path("v.csv"), "r");
  ck_assert(file && fscanf(file, "sample,0\n") == 0);
  int sample;
  double value;
  for (int i = 90; i < 100; i++) {
    ck_assert_int_eq(fscanf(file, "%d,%lf\n", &sample, &value), 2);
    ck_assert_double_eq_tol(value, 5000 + 20 * (i % 10), 1);
  }
  fclose(file);
  shell_check(ON_CPU "--output classes --targets y ./t.safetensors t.csv", 2,
              "gives values: --output can't be classes");
  shell_check(PROGRAM("digits-predict") "--backend cpu ./t.safetensors t.csv", 2,
              "images need [1, HEIGHT, WIDTH]");
}
END_TEST

/** Rows of a table for weights without columns, which learned an array. */
START_TEST(plain_tables_have_as_many_columns) {
  float numbers[20][2] = {0};
  for (int i = 0; i < 20; i++) numbers[i][i % 2] = 1;
  write_npy("X.npy", "<f4", "20, 2", numbers, sizeof numbers);
  int64_t labels[20];
  for (int i = 0; i < 20; i++) labels[i] = i % 2;
  write_npy("y.npy", "<i8", "20", labels, sizeof labels);
  shell_check("mkdir -p set; mv X.npy y.npy set; printf 'name = \"p\"; input = [2]; layers = ({ "
              "type = \"linear\"; name = \"out\"; units = 2; });' > p.cfg; " RUN
              "--backend cpu --quiet --epochs 1 --data set --save ./p.safetensors ./p.cfg",
              0, "");
  shell_check(
      "printf 'u,v\\n1,0\\n0,1\\n' > p.csv; printf 'label,u,v\\n1,1,0\\n0,0,1\\n' > l.csv; " ON_CPU
      "./p.safetensors set/X.npy all.jsonl; " ON_CPU "./p.safetensors p.csv p.jsonl; " ON_CPU
      "./p.safetensors l.csv | cmp - p.jsonl && head -2 all.jsonl | cmp - p.jsonl && echo "
      "same",
      0, "same\n");
  shell_check("sed '1s/u/P2 bar/' p.csv > q.csv; " ON_CPU
              "./p.safetensors q.csv | cmp - p.jsonl && echo same",
              0, "same\n");
  shell_check("printf 'u,v,w\\n1,0,2\\n' > p.csv; " ON_CPU "./p.safetensors p.csv", 2,
              "the network takes N samples as [N, 2], not as [N, 3]");
  shell_check(ON_CPU "--missing mean ./p.safetensors l.csv", 2,
              "the weights carry no columns of a table");
  shell_check("printf 'u,v\\n1,x\\n' > p.csv; " ON_CPU "./p.safetensors p.csv", 2,
              "p.csv:2: column 2 (v): \"x\" is no number");
}
END_TEST

/** Pictures give what their pixels in an array do, in the order of their names. */
START_TEST(pictures_have_names) {
  static const char *const names[] = {"10.pgm", "2.pgm", "a.pgm"};
  shell_check("mkdir -p loose", 0, "");
  for (size_t i = 0; i < 3; i++) {
    char name[40];
    snprintf(name, sizeof name, "loose/%s", names[i]);
    FILE *file = fopen(shell_path(name), "wb");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "P5 28 28 255\n");
    ck_assert_uint_eq(fwrite(images + i * PIXELS, 1, PIXELS, file), PIXELS);
    fclose(file);
  }
  shell_check(
      ON_CPU "./w loose loose.jsonl && sed 's/\"file\":\"[^\"]*\",//' loose.jsonl > bare; " ON_CPU
             "--batch 1 ./w a.npy | head -3 | cmp - bare && grep -o '\"file\":.*pgm\"' loose.jsonl",
      0, "\"file\":\"10.pgm\"\n\"file\":\"2.pgm\"\n\"file\":\"a.pgm\"\n");
  shell_check(ON_CPU "--output classes ./w loose/2.pgm one.csv && head -1 one.csv && grep -c "
                     "'^0,\"2.pgm\",' one.csv",
              0, "sample,file,class\n1\n");
  shell_check("cat loose/10.pgm | " ON_CPU "./w - | cut -d, -f2 | grep -c logits", 0, "1\n");
  shell_check("echo x > loose/b.png; " ON_CPU "./w loose out.npy", 2, "loose/b.png: ");
  shell_check(ON_CPU "--arrays X ./w loose", 2,
              "loose: an array is named, but only .npz files hold several");
  shell_check(ON_CPU "./p.safetensors loose/2.pgm", 2,
              "pictures are gray or have three colours, but the network takes");
}
END_TEST

/** Series of unequal length: the answers for the set are those for whole series that were filled
   with other numbers, cut to their lengths. */
START_TEST(series_have_lengths) {
  FILE *file = fopen(shell_path("l.cfg"), "w");
  ck_assert_ptr_nonnull(file);
  fputs("name = \"l\"; input = [6, 1]; lengths = true; layers = ({ type = \"gru\"; units = 3; }, "
        "{ type = \"linear\"; name = \"out\"; units = 2; }); train = { epochs = 1; };",
        file);
  fclose(file);
  shell_check("mkdir -p l && for i in 1 2 3 4; do printf '1\\t1\\t2\\t3\\tNaN\\tNaN\\tNaN\\n"
              "2\\t6\\t5\\t4\\t3\\t2\\t1\\n'; done | tee l/A_TRAIN.tsv > l/A_TEST.tsv",
              0, "");
  shell_check(RUN
              "--backend cpu --quiet --data l --save ./l.safetensors --set lengths=false ./l.cfg",
              2, "lengths=true would fit; --set sets it");
  shell_check(RUN "--backend cpu --quiet --data l --save ./l.safetensors ./l.cfg", 0, "");
  shell_check(ON_CPU "./l.safetensors l l.csv && sed -n 2p l.csv | cut -d, -f2-", 0, ",");
  shell_check(
      "sed 's/NaN/7/g' l/A_TRAIN.tsv > l/B_TRAIN.tsv; cp l/B_TRAIN.tsv l/B_TEST.tsv; " ON_CPU
      "./l.safetensors l/B_TRAIN.tsv b.csv; diff l.csv b.csv | grep -c '^<'",
      0, "4\n");
  shell_check(PROGRAM("digits-data") "--data l/A_TRAIN.tsv stats", 0,
              "train                               3            6          4.5");
  shell_check(PROGRAM("digits-data") "--data l/A_TRAIN.tsv write l.idx", 2,
              "unequal lengths, which IDX files can't hold");
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  TCase *tests = tcase_create("infer");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, prepare);
  tcase_add_loop_test(tests, command_lines, 0, sizeof lines / sizeof *lines);
  tcase_add_test(tests, logits_are_those_of_the_library);
  tcase_add_test(tests, json_lines_say_the_same);
  tcase_add_test(tests, csv_has_names);
  tcase_add_test(tests, sets_have_parts);
  tcase_add_test(tests, values_have_their_own_units);
  tcase_add_test(tests, plain_tables_have_as_many_columns);
  tcase_add_test(tests, pictures_have_names);
  tcase_add_test(tests, series_have_lengths);
  int status = suite_main("infer", tests);
  shell_close();
  return status;
}
