/* Tables of numbers: what becomes of their columns, and what a person is told. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/columns.h"
#include "core/data/csv/number.h"
#include "core/data/dataset.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

static dg_error err;

static const char *write_text(const char *name, const char *text) {
  const char *path = shell_path(name);
  FILE *file = fopen(path, "w");
  ck_assert_ptr_nonnull(file);
  ck_assert_int_ge(fputs(text, file), 0);
  ck_assert_int_eq(fclose(file), 0);
  return path;
}

/** Opens a text as a table. */
static dg_dataset *open_text(const char *text, dg_dataset_options options) {
  options.size = sizeof options;
  err = (dg_error){0};
  return dg_dataset_open_with(write_text("table.csv", text), &options, &err);
}

/** Checks the numbers of the first samples of a part. */
static void check_numbers(const dg_dataset *set, dg_part part, uint32_t columns,
                          const float *numbers, uint32_t count) {
  const dg_part_view view = dg_dataset_part(set, part);
  ck_assert_uint_eq(view.rank, 1);
  ck_assert_uint_eq(view.dim[0], columns);
  ck_assert_int_eq(view.type, DG_NUMBERS_FLOATS);
  ck_assert_uint_ge(view.count * columns, count);
  for (uint32_t i = 0; i < count; i++)
    ck_assert_float_eq(((const float *)view.inputs)[i], numbers[i]);
}

static void check_name(const dg_dataset *set, uint32_t index, const char *expected) {
  char name[300];
  const char *found = dg_dataset_feature_name(set, index, name, sizeof name);
  if (!expected)
    ck_assert_ptr_null(found);
  else
    ck_assert_str_eq(found, expected);
}

/* ---- forms -------------------------------------------------------------- */

/** The same table in several forms. */
static const struct {
  const char *text;
  bool comma;
} forms[] = {
    {"a,b,label\n1,-2.5,x\n3e2,+.5,y\n", false},
    {"a;b;label\n1;-2.5;x\n3e2;+.5;y\n", false},
    {"a\tb\tlabel\n1\t-2.5\tx\n3e2\t+.5\ty\n", false},
    {"\xef\xbb\xbf\"a\",\"b\",\"label\"\r\n\"1\",\"-2.5\",\"x\"\r\n\"3e2\",\"+.5\",\"y\"", false},
    {"a, b ,LABEL\n\n 1 , -2.5,x \r\n300 ,5E-1,y\n\n\n", false},
    {"a;b;label\n1;-2,5;x\n3e2;+,5;y\n", true},
    {"a\tb\tlabel\n1,\t-2,50\tx\n300,0\t0,5\ty\n", true},
    {"\"a\",\"b\",\"label\"\n1.0000000000000000000000,-2.5,x\n300,.5,y", false},
};

START_TEST(forms_are_the_same) {
  static const float first[] = {1, -2.5f}, second[] = {300, .5f};
  dg_dataset *set =
      open_text(forms[_i].text, (dg_dataset_options){.decimal_comma = forms[_i].comma});
  ck_assert_msg(set, "%s", err.message);
  check_numbers(set, DG_PART_TRAIN, 2, first, 2);
  check_numbers(set, DG_PART_TEST, 2, second, 2);
  ck_assert_str_eq(dg_dataset_held_out(set), "the last tenth");
  ck_assert_uint_eq(dg_dataset_part(set, DG_PART_TRAIN).labels[0], 0);
  ck_assert_uint_eq(dg_dataset_part(set, DG_PART_TEST).labels[0], 1);
  ck_assert_uint_eq(dg_dataset_classes(set)->count, 2);
  ck_assert_str_eq(dg_dataset_classes(set)->name[1], "y");
  check_name(set, 0, "a");
  check_name(set, 1, "b");
  check_name(set, 2, NULL);
  dg_dataset_close(set);
}
END_TEST

/* ---- columns ------------------------------------------------------------ */

START_TEST(texts_become_numbers) {
  static const float numbers[] = {1, 0, 1, 1, 0, .5f, 2, 1, 0, 0, 1, 1};
  dg_dataset *set = open_text("age,colour,kind,\"say \"\"hi\"\"\",y\n1,red,10,\"a,b\",.5\n"
                              "2,blue,9,\"c d\",1\n3,red,-1,\"a,b\",2\n",
                              (dg_dataset_options){.label = "kind", .keep_all = true});
  ck_assert_msg(set, "%s", err.message);
  check_numbers(set, DG_PART_TRAIN, 6, numbers, 12);
  static const char *const names[] = {
      "age", "colour=blue", "colour=red", "say \"hi\"=a,b", "say \"hi\"=c d", "y"};
  for (uint32_t i = 0; i < 6; i++) check_name(set, i, names[i]);
  /* whole numbers are sorted as such */
  const uint8_t *labels = dg_dataset_part(set, DG_PART_TRAIN).labels;
  ck_assert_mem_eq(labels, ((uint8_t[]){2, 1, 0}), 3);
  ck_assert_str_eq(dg_dataset_classes(set)->name[0], "-1");
  ck_assert_str_eq(dg_dataset_classes(set)->name[2], "10");
  ck_assert_ptr_null(dg_dataset_held_out(set));
  dg_dataset_close(set);
}
END_TEST

START_TEST(targets_are_as_listed) {
  dg_dataset *set =
      open_text("y,a,z\n1,2,3\n4,5,6\n", (dg_dataset_options){.targets = "z,y", .keep_all = true});
  ck_assert_msg(set, "%s", err.message);
  const dg_part_view train = dg_dataset_part(set, DG_PART_TRAIN);
  static const float targets[] = {3, 1, 6, 4};
  check_numbers(set, DG_PART_TRAIN, 1, (float[]){2, 5}, 2);
  ck_assert_uint_eq(train.targets, 2);
  ck_assert_int_eq(train.targets_type, DG_NUMBERS_FLOATS);
  ck_assert_ptr_null(train.labels);
  ck_assert_mem_eq(train.target_numbers, targets, sizeof targets);
  ck_assert_str_eq(dg_dataset_target_name(set, 0), "z");
  ck_assert_str_eq(dg_dataset_target_name(set, 1), "y");
  ck_assert_ptr_null(dg_dataset_target_name(set, 2));
  dg_dataset_close(set);
}
END_TEST

START_TEST(empty_fields_get_the_mean) {
  /* The last of twelve rows is held out; it is no part of the mean. */
  static const char text[] = "a,c,label\n1,x,0\n,y,1\n3,,0\n5,x,1\n3,x,0\n3,x,1\n3,x,0\n3,x,1\n3,x,"
                             "0\n3,x,1\n3,x,1\n100,x,1\n";
  dg_dataset *set = open_text(text, (dg_dataset_options){.missing = DG_MISSING_MEAN});
  ck_assert_msg(set, "%s", err.message);
  check_numbers(set, DG_PART_TRAIN, 3, (float[]){1, 1, 0, 3, 0, 1, 3, .9f, .1f}, 9);
  check_numbers(set, DG_PART_TEST, 3, (float[]){100, 1, 0}, 3);
  dg_dataset_options follow = {.missing = DG_MISSING_MEAN, .like = set};
  dg_dataset *test = open_text("label,c,a\n1,y,\n0,,8\n", follow);
  ck_assert_msg(test, "%s", err.message);
  check_numbers(test, DG_PART_TEST, 3, (float[]){3, 0, 1, 8, .9f, .1f}, 6);
  dg_dataset_close(test);
  dg_dataset_close(set);
}
END_TEST

static void take_note(void *user, const char *message) {
  snprintf(user, 400, "%s", message);
}

/** Columns that travelled as text, as with weights. */
START_TEST(a_table_by_learned_columns) {
  char note[400] = "";
  dg_dataset *set = open_text("a,colour,kind\n1,red,dog\n4,blue,cat\n4,red,dog\n",
                              (dg_dataset_options){.label = "kind", .keep_all = true});
  ck_assert_msg(set, "%s", err.message);
  char *text = dg_columns_text(set->columns, &err);
  dg_columns *columns = dg_columns_parse(text, "here", &err);
  free(text);
  dg_dataset_close(set);
  const dg_dataset_options how = {.columns = columns,
                                  .label = "truth",
                                  .missing = DG_MISSING_MEAN,
                                  .keep_all = true,
                                  .note = take_note,
                                  .user = note};
  set = open_text("note,truth,colour,a\nx,cat,blue,7\n\"\",dog,,\n", how);
  ck_assert_msg(set, "%s", err.message);
  ck_assert_str_eq(note + strlen(note) - 35, ": left out, since not learned: note");
  check_numbers(set, DG_PART_TRAIN, 3, (float[]){7, 1, 0, 3, 1 / 3.f, 2 / 3.f}, 6);
  ck_assert_uint_eq(dg_dataset_part(set, DG_PART_TRAIN).labels[0], 0);
  ck_assert_uint_eq(set->columns->count, 3);
  check_name(set, 0, "a");
  dg_dataset_close(set);
  ck_assert_ptr_null(open_text("a,colour\n1,red\n", (dg_dataset_options){.columns = columns}));
  ck_assert_msg(strstr(err.message, "there is no column \"kind\"") != NULL, "%s", err.message);
  ck_assert_ptr_null(open_text("a,colour,kind\n1,red,dog\n",
                               (dg_dataset_options){.columns = columns, .targets = "kind"}));
  ck_assert_msg(strstr(err.message, "labels were learned, not targets"), "%s", err.message);
  dg_columns_free(columns);
}
END_TEST

START_TEST(learned_columns_may_be_hostile) {
  static const char *const texts[] = {
      "[{\"name\":\"a\",\"role\":\"number\",\"means\":[1]},"
      "{\"name\":\"a\",\"role\":\"number\",\"means\":[1]},"
      "{\"name\":\"label\",\"role\":\"label\",\"texts\":[\"0\"]}]",
      "[{\"name\":\"label\",\"role\":\"label\",\"texts\":[\"0\"]}]"};
  static const char *const says[] = {"\"a\" is the name of two learned columns",
                                     "no column is left to make samples of"};
  for (int i = 0; i < 2; i++) {
    dg_columns *columns = dg_columns_parse(texts[i], "here", &err);
    ck_assert_msg(columns, "%s", err.message);
    ck_assert_ptr_null(open_text("a,label\n1,0\n", (dg_dataset_options){.columns = columns}));
    ck_assert_msg(strstr(err.message, says[i]), "%s", err.message);
    dg_columns_free(columns);
  }
}
END_TEST

START_TEST(a_table_like_another) {
  dg_dataset *set = open_text("a,colour,label\n1,red,dog\n2,blue,cat\n3,green,dog\n",
                              (dg_dataset_options){.keep_all = true});
  ck_assert_msg(set, "%s", err.message);
  dg_dataset *test = open_text("label,colour,a\ndog,red,7\n", (dg_dataset_options){.like = set});
  ck_assert_msg(test, "%s", err.message);
  check_numbers(test, DG_PART_TEST, 4, (float[]){7, 0, 0, 1}, 4);
  ck_assert_uint_eq(dg_dataset_part(test, DG_PART_TEST).labels[0], 1);
  ck_assert_uint_eq(dg_dataset_train_samples(test), 0);
  dg_dataset *one = dg_dataset_select(test, (uint32_t[]){0}, 1, &err);
  dg_dataset_close(test);
  check_name(one, 3, "colour=red");
  dg_dataset_close(one);
  static const char *const bad[][2] = {
      {"label,colour,a\ndog,pink,7\n",
       ":2: column 2 (colour): \"pink\" is a text that the table to train has not; known are blue, "
       "green, red"},
      {"label,colour,a\nrat,red,7\n",
       ":2: column 1 (label): \"rat\" is a label that the table to train has not; known are cat, "
       "dog"},
      {"label,Colour,COLOUR,a\ndog,red,blue,7\n", ":1: there is no column \"colour\", which"},
      {"label,colour\ndog,red\n", ":1: there is no column \"a\", which the table to train has"},
      {"label,colour,a\ndog,red,x\n", ":2: column 3 (a): \"x\" is no number"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    ck_assert_ptr_null(open_text(bad[i][0], (dg_dataset_options){.like = set}));
    ck_assert_msg(strstr(err.message, bad[i][1]) != NULL, "%s", err.message);
  }
  dg_dataset_close(set);
}
END_TEST

/* ---- pixels or numbers -------------------------------------------------- */

/** Tables, the model's input, and whether they are of pixels then. */
static const struct {
  const char *text;
  uint32_t rank, dim[3];
  bool pixels;
} kinds[] = {
    {"label,a,b,c,d\n1,2,3,4,5\n", 0, {0}, true},
    {"label,a,b,c,d\n1,2,3,4,5\n", 1, {4}, false},
    {"label,a,b,c,d\n1,2,3,4,5\n", 3, {1, 2, 2}, true},
    {"label,a,b,c,d\n1,2,3,4,5\n", 2, {2, 2}, true},
    {"label,a,b,c,d\n1,2,3,4,5\n", 2, {4, 1}, false},
    {"label,a,b,c,d\n1,2,3,4,5\n", 3, {4, 1, 1}, false},
    {"label,a,b,c,d\n1,2,3,4,5.5\n", 0, {0}, false},
    {"label,a,b,c,d\n1,2,3,4,256\n", 0, {0}, false},
    {"label,a,b,c\n1,2,3,4\n", 0, {0}, false},
    {"label,pixel0,pixel1,pixel2,pixel3\n1,2,3,4,5\n", 1, {4}, true},
    {"label,1x1,1x2,2x1,2x2\n1,2,3,4,5\n", 1, {4}, true},
};

START_TEST(kinds_of_tables) {
  dg_dataset_options options = {.rank = kinds[_i].rank};
  memcpy(options.dim, kinds[_i].dim, sizeof options.dim);
  dg_dataset *set = open_text(kinds[_i].text, options);
  ck_assert_msg(set, "%s", err.message);
  const dg_part_view view = dg_dataset_part(set, DG_PART_TRAIN);
  ck_assert_int_eq(view.type == DG_NUMBERS_BYTES, kinds[_i].pixels);
  ck_assert_uint_eq(view.rank, kinds[_i].pixels ? 3 : 1);
  dg_dataset_close(set);
}
END_TEST

/* ---- errors ------------------------------------------------------------- */

static const struct {
  const char *text;
  dg_dataset_options options;
  const char *says;
  dg_remedy remedy;
} bad[] = {
    {"a,b\n1.5,2\n",
     {0},
     ":1: which column has the labels? None is called label; there are a, b",
     DG_REMEDY_COLUMN},
    {"a,b\n1,2\n", {.label = "weight"}, ":1: there is no column \"weight\"; there are a, b", 0},
    {"alpha,b\n1,2\n", {.label = "alhpa"}, "did you mean \"alpha\"?", 0},
    {"a,b\n1,2\n", {.targets = "a,c"}, ":1: there is no column \"c\"", 0},
    {"a,b\n1,2\n", {.targets = "a,a"}, "the target \"a\" is named twice", 0},
    {"a,b\n1,2\n", {.targets = "a,"}, "targets are names of columns", 0},
    {"a,b\n1,2\n", {.targets = "a,b"}, ":1: there is no other column to learn from", 0},
    {"a,b\n1,2\n", {.label = "a", .targets = "b"}, "labels or targets, not both", 0},
    {"a,b,b,label\n1,2,3,4\n", {.label = "label"}, ":1: two columns are called \"b\"", 0},
    {"a,,label\n1,2,3\n", {.label = "label"}, ":1: column 2: its name is empty", 0},
    {"1.5,2,3\n1,2,3\n", {.label = "3"}, ":1: column 1: a number was found", 0},
    {"", {.label = "a"}, ":1: it is empty", 0},
    {"a,b\n", {.label = "a"}, "there is no row below the header", 0},
    {"a,b\n1,2\n3,\n", {.label = "a"}, ":3: column 2 (b): the field is empty", DG_REMEDY_MISSING},
    {"a,b\n1,2\n,2\n",
     {.label = "a", .missing = DG_MISSING_MEAN},
     ":3: column 1 (a): the field is empty; give it a value",
     0},
    {"a,b\n1,2\n,2\n",
     {.targets = "a", .missing = DG_MISSING_MEAN},
     ":3: column 1 (a): the field is empty; give it a value",
     0},
    {"a,b\n1,\n2,\n", {.label = "a", .missing = DG_MISSING_MEAN}, "column 2 (b) is empty", 0},
    {"a,b\n1,2\n3,nan\n",
     {.label = "a"},
     ":3: column 2 (b): \"nan\" is no number",
     DG_REMEDY_MISSING},
    {"a,b\n1,2\n3,-Inf\n",
     {.label = "a"},
     ":3: column 2 (b): \"-Inf\" is no number",
     DG_REMEDY_MISSING},
    {"a,b\nnan,2\n", {.targets = "a"}, ":2: column 1 (a): \"nan\" is not finite", 0},
    {"a,b\n1,1e39\n", {.label = "a"}, ":2: column 2 (b): \"1e39\" is too large for a float", 0},
    {"a,b\n1,2\n2,two\n", {.label = "a"}, ":3: column 2 (b): \"two\" is a text among numbers", 0},
    {"a,b\n1,0x10\n1,2\n", {.label = "a"}, ":2: column 2 (b): \"0x10\" is a text among numbers", 0},
    {"a;b\n1;1,5\n",
     {.label = "a"},
     ":2: column 2 (b): \"1,5\" is no decimal number",
     DG_REMEDY_COMMA},
    {"a;b\n1;1.5\n",
     {.label = "a", .decimal_comma = true},
     ":2: column 2 (b): \"1.5\" is no number with a decimal comma",
     0},
    {"a,b\nx,y\n", {.targets = "a"}, ":2: column 1 (a): \"x\" is no number", 0},
    {"a,b\n1.5,2\n", {.label = "a"}, ":2: column 1 (a): \"1.5\" is no class", DG_REMEDY_COLUMN},
    {"a,b\n1,2\n3\n", {.label = "a"}, ":3: the row has 1 values, but the header has 2 columns", 0},
    {"a,b\n1,2,3\n", {.label = "a"}, ":2: the row has more than 2 values", 0},
    {"a,b\n1,\"2\n", {.label = "a"}, ":2: column 2: the quote that begins here has no end", 0},
    {"a,b\n1,\"2\"3\n", {.label = "a"}, ":2: column 2: something follows the closing quote", 0},
    {"a,b\n1,\xff\n", {.label = "a"}, ":2: column 2: a value is not UTF-8", 0},
    {"a,b\n1,\x01\n", {.label = "a"}, ":2: column 2: a value holds a control character", 0},
    {"a,b;c\n1\n", {.label = "a"}, ":1: commas, semicolons or tabs could separate", 0},
    {"label,a\n1,2\n3,4.5\n", {0}, ":3: column 2: \"4.5\" is no whole number", DG_REMEDY_COLUMN},
};

START_TEST(bad_tables) {
  ck_assert_ptr_null(open_text(bad[_i].text, bad[_i].options));
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  ck_assert_msg(strstr(err.message, bad[_i].says) != NULL, "no \"%s\" in \"%s\"", bad[_i].says,
                err.message);
  ck_assert_int_eq(err.remedy, bad[_i].remedy);
}
END_TEST

/** A table of one column of `count` different texts. */
static char *many_texts(unsigned count) {
  char *text = calloc(count + 2, 16);
  ck_assert_ptr_nonnull(text);
  size_t used = (size_t)sprintf(text, "c,label\n");
  for (unsigned i = 0; i < count; i++) used += (size_t)sprintf(text + used, "t%u,%u\n", i, i % 2);
  return text;
}

START_TEST(at_most_256_texts) {
  char *few = many_texts(256), *many = many_texts(257);
  dg_dataset *set = open_text(few, (dg_dataset_options){0});
  ck_assert_msg(set, "%s", err.message);
  ck_assert_uint_eq(dg_dataset_part(set, DG_PART_TRAIN).dim[0], 256);
  dg_dataset_close(set);
  ck_assert_ptr_null(open_text(many, (dg_dataset_options){0}));
  ck_assert_ptr_nonnull(strstr(err.message, "more than 256 different texts"));
  ck_assert_ptr_null(open_text(many, (dg_dataset_options){.label = "c"}));
  ck_assert_ptr_nonnull(strstr(err.message, "\"t256\" is one label too many"));
  free(few);
  free(many);
}
END_TEST

/* ---- numbers ------------------------------------------------------------ */

/** Every number is the nearest float, as the C library has it. */
START_TEST(numbers_are_the_nearest_floats) {
  static const char *const texts[] = {"0",
                                      "-0",
                                      "1.",
                                      ".1",
                                      "16777217",
                                      "16777217.0000001",
                                      "3.4028235e38",

                                      "1e-45",
                                      "7.0064923e-46",
                                      "1.17549435e-38",
                                      "9007199791611905",
                                      "0.30000001192092896",
                                      "123456789012345678901234567890e-20",
                                      "1e22",
                                      "1e23",
                                      "8.5e-23",
                                      "000000000000000000000001.5",
                                      "1.00000005960464477539062500",
                                      "1.00000005960464477539062501"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    const char *at = texts[i];
    float value;
    ck_assert_int_eq(dg_number_read(&at, '.', &value), DG_NUMBER_READ);
    ck_assert_int_eq(*at, '\0');
    const float expected = strtof(texts[i], NULL);
    ck_assert_msg(memcmp(&value, &expected, sizeof value) == 0, "%s: %a, not %a", texts[i],
                  (double)value, (double)expected);
  }
  uint32_t state = 1;
  for (int i = 0; i < 200000; i++) {
    char text[64];
    state = state * 1664525u + 1013904223u;
    uint32_t bits = state;
    float number;
    memcpy(&number, &bits, sizeof number);
    if (!isfinite(number)) continue;
    snprintf(text, sizeof text, i % 2 ? "%.9g" : "%.17g", (double)number * (i % 3 ? 1 : 1.0000001));
    const char *at = text;
    float value;
    if (dg_number_read(&at, '.', &value) != DG_NUMBER_READ) continue;
    ck_assert_float_eq(value, strtof(text, NULL));
  }
}
END_TEST

/* ---- what goes with weights --------------------------------------------- */

START_TEST(columns_as_text) {
  dg_dataset *set =
      open_text("a,c,y,z\n.1,p,1,2\n7,\"q \"\"\",2,3\n", (dg_dataset_options){.targets = "z,y"});
  ck_assert_msg(set, "%s", err.message);
  char *text = dg_columns_text(set->columns, &err);
  dg_columns *again = dg_columns_parse(text, "here", &err);
  ck_assert_msg(again, "%s", err.message);
  char *second = dg_columns_text(again, &err);
  ck_assert_str_eq(text, second);
  ck_assert_uint_eq(dg_columns_features(again), 3);
  ck_assert_str_eq(dg_columns_target(again, 0), "z");
  ck_assert_float_eq(again->at[0].means[0], .1f);
  free(text);
  free(second);
  dg_columns_free(again);
  dg_dataset_close(set);
}
END_TEST

START_TEST(damaged_columns) {
  static const char *const texts[] = {
      "",
      "{}",
      "[]",
      "[",
      "[1]",
      "[{\"name\":\"a\"}]",
      "[{\"name\":\"a\",\"role\":\"number\"}]",
      "[{\"name\":\"a\",\"role\":\"number\",\"means\":[\"1\"]}]",
      "[{\"name\":\"a\",\"role\":\"number\",\"means\":[1e300]}]",
      "[{\"name\":\"a\",\"role\":\"number\",\"means\":[1,2]}]",
      "[{\"name\":\"\",\"role\":\"target\"}]",
      "[{\"name\":\"a\",\"role\":\"text\",\"means\":[]}]",
      "[{\"name\":\"a\",\"role\":\"text\",\"texts\":[\"x\",\"x\"],\"means\":[0,1]}]",
      "[{\"name\":\"a\",\"role\":\"target\",\"texts\":[\"x\"]}]",
      "[{\"name\":\"a\",\"role\":\"label\",\"texts\":[\"x\"]},"
      "{\"name\":\"b\",\"role\":\"label\",\"texts\":[\"x\"]}]",
      "[{\"name\":\"a\",\"role\":\"label\",\"texts\":[\"x\"]},{\"name\":\"b\",\"role\":\"target\"}"
      "]",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    err = (dg_error){0};
    ck_assert_msg(!dg_columns_parse(texts[i], "here", &err), "%s", texts[i]);
    ck_assert_msg(strncmp(err.message, "here: ", 6) == 0, "%s", err.message);
  }
}
END_TEST

/* ---- programs ----------------------------------------------------------- */

#define TABLE "printf 'a;colour;kind;y\\n1,5;red;dog;2\\n2,5;;cat;3\\n4;blue;dog;4\\n' > t.csv; "
#define SQUARES "printf 'label,a,b,c,d\\n1,2,3,4,5\\n0,2,3,4,5\\n' > s.csv; "

/* weights of a.csv; b.csv has another text, c.csv another column, d.csv another order and one
   more */
#define LEARNED                                                                                    \
  "printf 'c,d,label\\nred,1,0\\ngreen,2.5,1\\nred,3,0\\n' > a.csv; sed s/green/pink/ a.csv > "    \
  "b.csv; cut -d, -f1,3 a.csv > d2.csv; cut -d, -f2 a.csv | paste -d, - d2.csv d2.csv | "          \
  "sed '1s/,c,label$/,x,y/' > d.csv; "                                                             \
  "sed 1s/d,/e,/ a.csv > c.csv; " RUN                                                              \
  "--backend cpu --data a.csv --set input=[3] --set out.units=2 --set data.validation=0 "          \
  "--set train.keep=last --epochs 1 --quiet --save w.safetensors table > a.log; " RUN              \
  "--backend cpu --test --load w.safetensors --quiet --data "

static const shell_line lines[] = {
    {LEARNED "a.csv", 0, "test    loss"},
    {LEARNED "b.csv", 2,
     "b.csv:3: column 1 (c): \"pink\" is a text that the table to train has not"},
    {LEARNED "c.csv", 2, "c.csv:1: there is no column \"d\", which the table to train has"},
    {LEARNED "d.csv", 0, "d.csv: left out, since not learned: x, y"},
    {LEARNED "a.csv > one; " RUN "--backend cpu --test --load w.safetensors --quiet --data d.csv > "
             "two 2> note; cmp one two && echo same",
     0, "same"},
    {TABLE DATA "--data t.csv stats", 2,
     "t.csv:1: which column has the labels? None is called label; there are a, colour, kind, y; "
     "--label COLUMN, or --targets COLUMN,... for values, reads a table of numbers\n"},
    {TABLE DATA "--data t.csv --label kind stats", 2,
     "column 1 (a): \"1,5\" is no decimal number; --decimal-comma reads 1,5 as a number\n"},
    {TABLE DATA "--data t.csv --label kind --decimal-comma stats", 2,
     "t.csv:3: column 2 (colour): the field is empty; --missing mean fills it with the mean of its "
     "column\n"},
    {TABLE DATA "--data t.csv --label kind --decimal-comma --missing mean stats", 0,
     "t.csv: samples of [4] floats; to test: the last tenth\n\n"
     "class           train       test\n"
     "0                   1          0  cat\n"
     "1                   1          1  dog\n"
     "all                 2          1\n\n"
     "column                          least      largest         mean    deviation\n"
     "a                                 1.5          2.5            2          0.5\n"
     "colour=blue                         0            0            0            0\n"
     "colour=red                          1            1            1            0\n"
     "y                                   2            3          2.5          0.5\n"},
    {TABLE DATA "--data t.csv --targets y,a --decimal-comma --missing mean stats", 0,
     "target                          least      largest         mean    deviation\n"
     "y                                   2            3          2.5          0.5\n"
     "a                                 1.5          2.5            2          0.5\n"},
    {TABLE DATA "--data t.csv --missing none stats", 2, "--missing must be mean or error"},
    {TABLE DATA "--data t.csv --label a --targets y stats", 2, "--label doesn't go with --targets"},
    {TABLE DATA "--data t.csv --label kind --decimal-comma --missing mean sheet x.png", 2,
     "t.csv: a sheet shows images of one channel with labels"},
    {"printf 'label,a,\\n1,2,3\\n' > h.csv; " DATA "--data h.csv stats", 2,
     "h.csv:1: column 3: its name is empty"},
    {SQUARES DATA "--data s.csv stats", 0, "s.csv: images of 2x2"},
    {SQUARES DATA "--data s.csv --label label stats", 0, "s.csv: samples of [4] floats"},
    {SQUARES RUN "--backend cpu --data s.csv --label b vanilla", 2, "the samples are of 4 columns"},
    {SQUARES RUN "--backend cpu --data s.csv --test-data s.csv --set input=[3] --label a vanilla",
     2, "but the samples are of 4 columns: input=[4] would fit"},
    {SQUARES BENCH "--backend cpu --data s.csv --label b vanilla", 2,
     "the samples are of 4 columns"},
};

START_TEST(command_lines) {
  shell_check(lines[_i].command, lines[_i].status, lines[_i].says);
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  TCase *tests = tcase_create("tables");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, forms_are_the_same, 0, sizeof forms / sizeof *forms);
  tcase_add_test(tests, texts_become_numbers);
  tcase_add_test(tests, targets_are_as_listed);
  tcase_add_test(tests, empty_fields_get_the_mean);
  tcase_add_test(tests, a_table_by_learned_columns);
  tcase_add_test(tests, learned_columns_may_be_hostile);
  tcase_add_test(tests, a_table_like_another);
  tcase_add_loop_test(tests, kinds_of_tables, 0, sizeof kinds / sizeof *kinds);
  tcase_add_loop_test(tests, bad_tables, 0, sizeof bad / sizeof *bad);
  tcase_add_test(tests, at_most_256_texts);
  tcase_add_test(tests, numbers_are_the_nearest_floats);
  tcase_add_test(tests, columns_as_text);
  tcase_add_test(tests, damaged_columns);
  tcase_add_loop_test(tests, command_lines, 0, sizeof lines / sizeof *lines);
  int status = suite_main("tables", tests);
  shell_close();
  return status;
}
