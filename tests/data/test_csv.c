/* CSV tables: what is read, what a person is told, and the answers that are written. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/data/csv/csv.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

#define PREDICT PROGRAM("digits-predict") "--backend cpu "
#define TRAIN RUN "--backend cpu --epochs 1 "

static dg_error err;

static const char *write_text(const char *text) {
  const char *path = shell_path("table.csv");
  FILE *file = fopen(path, "w");
  ck_assert_ptr_nonnull(file);
  ck_assert_int_ge(fputs(text, file), 0);
  ck_assert_int_eq(fclose(file), 0);
  return path;
}

static const char *write_gzip(const char *text) {
  const char *path = shell_path("table.csv");
  gzFile file = gzopen(path, "wb");
  ck_assert_ptr_nonnull(file);
  ck_assert_int_eq(gzputs(file, text), (int)strlen(text));
  ck_assert_int_eq(gzclose(file), Z_OK);
  return path;
}

/* ---- reading ------------------------------------------------------------ */

/** Reads two images of 2x2 and checks every value. */
static void check_good(const char *path, bool labelled) {
  static const uint8_t images[] = {0, 1, 20, 255, 7, 8, 9, 10}, labels[] = {3, 255};
  dg_samples s;
  ck_assert_msg(dg_csv_read(&s, path, &err), "%s", err.message);
  ck_assert_uint_eq(s.count, 2);
  ck_assert_uint_eq(s.kind.shape.dim[1], 2);
  ck_assert_uint_eq(s.kind.shape.dim[2], 2);
  ck_assert_mem_eq(s.inputs, images, sizeof images);
  ck_assert_int_eq(s.labels != NULL, labelled);
  if (labelled) ck_assert_mem_eq(s.labels, labels, sizeof labels);
  dg_samples_free(&s);
}

START_TEST(good_tables) {
  static const char plain[] = "label,pixel0,pixel1,pixel2,pixel3\n3,0,1,20,255\n255,7,8,9,10\n";
  check_good(write_text(plain), true);
  check_good(write_gzip(plain), true);
  check_good(write_text("\"label\",\"a\",\"b\",\"c\",\"d\"\r\n3,0,1,20,255\r\n255,7,8,9,10"), true);
  check_good(write_text("\xef\xbb\xbfLABEL,a,b,c,d\n\n3,0,01,20,255\n\r\n255,7,8,9,10\n\n"), true);
  check_good(write_text("pixel0,pixel1,pixel2,pixel3\n0,1,20,255\n7,8,9,10\n"), false);
  check_good(write_gzip("1x1,1x2,2x1,2x2\r\n0,1,20,255\r\n7,8,9,10\r\n"), false);
}
END_TEST

/** A table and what is said of it. */
static const struct {
  const char *text, *says;
} bad[] = {
    {"", ":1: it is empty"},
    {"\n1,2\n", ":1: it is empty"},
    {"1,2,3,4,5\n", ":1: numbers were found; a table begins with the names of its columns"},
    {"label,\n1,2\n", ":1: it is empty"},
    {"label,,b\n1,2\n", ":1: a name is empty"},
    {"label,a\x01,b\n1,2\n", ":1: it is no text"},
    {"label,a,b\n1,2,3\n", ":1: 2 columns of pixels behind the label make no square image"},
    {"a,b,c\n1,2,3\n", ":1: 3 columns of pixels make no square image"},
    {"label\n1\n", ":1: 0 columns of pixels behind the label"},
    {"label,a\n", "there is no row below the header"},
    {"label,a\n\n\n", "there is no row below the header"},
    {"label,a\n1,2\n3\n", ":3: the row has 1 values, but the header has 2 columns"},
    {"label,a\n1,2\n\n3", ":4: the row has 1 values, but the header has 2 columns"},
    {"label,a\n1,2\n3,4,5\n", ":3: the row has more than 2 values"},
    {"label,a\n1,2,\n", ":2: the row has more than 2 values"},
    {"label,a\n1,256\n", ":2: column 2: \"256\" is no whole number from 0 to 255"},
    {"label,a\n256,1\n", ":2: column 1: \"256\" is no whole number"},
    {"label,a\n1,-1\n", ":2: column 2: \"-1\" is no whole number"},
    {"label,a\n1,1.5\n", ":2: column 2: \"1.5\" is no whole number"},
    {"label,a\n1,\n", ":2: column 2: \"\" is no whole number"},
    {"label,a\n1, 2\n", ":2: column 2: \" 2\" is no whole number"},
    {"label,a\n1,two\x02\n", ":2: column 2: \"two?\" is no whole number"},
    {"label,a\n1,00000000000000000000000000000001\n",
     ":2: column 2: \"00000000000000000000000\" is no"},
    {"label,a\n1,abcdefghijklmnopqrstuvwxyz\n", ":2: column 2: \"abcdefghijklmnopqrstuvw\" is no"},
    {"label,a\n1,abcdefghijklmnopqrstuvwx\n", ":2: column 2: \"abcdefghijklmnopqrstuvw\" is no"},
    {"label,a\n1,4294967297\n", ":2: column 2: \"4294967297\" is no whole number"},
};

START_TEST(bad_tables) {
  dg_samples s;
  for (int packed = 0; packed < 2; packed++) {
    const char *path = packed ? write_gzip(bad[_i].text) : write_text(bad[_i].text);
    err = (dg_error){0};
    ck_assert(!dg_csv_read(&s, path, &err));
    ck_assert_int_eq(err.kind, DG_ERR_INPUT);
    ck_assert_ptr_null(s.inputs);
    ck_assert_msg(strstr(err.message, bad[_i].says) && strstr(err.message, path),
                  "no \"%s\" in \"%s\"", bad[_i].says, err.message);
  }
}
END_TEST

START_TEST(a_cut_gzip_file) {
  const char *path = write_gzip("label,a\n1,2\n3,4\n5,6\n7,8\n");
  shell_check("head -c 30 table.csv > cut.csv && mv cut.csv table.csv", 0, "");
  dg_samples s;
  ck_assert(!dg_csv_read(&s, path, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "its gzip stream is damaged"));
}
END_TEST

/* ---- as sets ------------------------------------------------------------ */

/** Writes the drawn set's images as a table, with labels or without. */
static void write_table(const char *name, dg_part part, bool labelled) {
  dg_dataset *set = dg_dataset_open(shell_path(""), 1, &err);
  ck_assert_msg(set, "%s", err.message);
  dg_part_view view = dg_dataset_part(set, part);
  FILE *file = fopen(shell_path(name), "w");
  ck_assert_ptr_nonnull(file);
  if (labelled) fputs("label,", file);
  for (int i = 0; i < 784; i++) fprintf(file, "pixel%d%c", i, i < 783 ? ',' : '\n');
  for (uint32_t i = 0; i < view.count; i++) {
    if (labelled) fprintf(file, "%u,", view.labels[i]);
    for (uint32_t p = 0; p < 784; p++)
      fprintf(file, "%u%c", view.images[i * 784 + p], p < 783 ? ',' : '\n');
  }
  ck_assert_int_eq(fclose(file), 0);
  dg_dataset_close(set);
}

static void write_tables(void) {
  write_table("train.csv", DG_PART_TRAIN, true);
  write_table("test.csv", DG_PART_TEST, false);
  write_table("labelled.csv", DG_PART_TEST, true);
  ck_assert_int_eq(shell("gzip -kf test.csv && " TRAIN "--data . --save w.safetensors vanilla"), 0);
}

START_TEST(the_last_tenth_is_kept) {
  dg_dataset *whole = dg_dataset_open(shell_path(""), 1, &err);
  dg_dataset *set = dg_dataset_open(shell_path("train.csv"), 1, &err);
  ck_assert_msg(set && whole, "%s", err.message);
  dg_part_view all = dg_dataset_part(whole, DG_PART_TRAIN),
               train = dg_dataset_part(set, DG_PART_TRAIN),
               test = dg_dataset_part(set, DG_PART_TEST);
  ck_assert_uint_eq(train.count, 270);
  ck_assert_uint_eq(test.count, 30);
  ck_assert_str_eq(dg_dataset_held_out(set), "the last tenth");
  ck_assert_ptr_null(dg_dataset_held_out(whole));
  ck_assert_mem_eq(train.images, all.images, 270 * 784);
  ck_assert_mem_eq(test.images, all.images + 270 * 784, 30 * 784);
  ck_assert_mem_eq(test.labels, all.labels + 270, 30);
  ck_assert(dg_dataset_merge(set, DG_PART_TEST, &err));
  test = dg_dataset_part(set, DG_PART_TEST);
  ck_assert_uint_eq(test.count, 300);
  ck_assert_uint_eq(dg_dataset_train_samples(set), 0);
  ck_assert_mem_eq(test.images, all.images, 300 * 784);
  ck_assert_mem_eq(test.labels, all.labels, 300);
  ck_assert(dg_dataset_merge(whole, DG_PART_TEST, &err)); /* it has a test part of its own */
  ck_assert_uint_eq(dg_dataset_test_samples(whole), 100);
  dg_dataset_close(set);
  dg_dataset_close(whole);
}
END_TEST

static const shell_line lines[] = {
    {TRAIN "--data train.csv vanilla", 0,
     "train.csv: 270 to train, 0 to validate, 30 to test (the last tenth)"},
    {TRAIN "--data train.csv --test-data labelled.csv vanilla", 0,
     "train.csv: 300 to train, 0 to validate, 100 to test from labelled.csv\n"},
    {TRAIN "--data test.csv vanilla", 2, "test.csv:1: no column `label` is first"},
    {TRAIN "--data none.csv vanilla", 2, "none.csv: no such file or folder"},
    {"head -n 2 train.csv > one.csv; " TRAIN "--data one.csv vanilla", 2,
     "one.csv: too few images to keep some for the test; add --test-data"},
    {"head -n 2 train.csv > one.csv; " TRAIN "--data one.csv --test-data . vanilla", 0,
     "one.csv: 1 to train"},
    {"sed '17s/,[0-9]*$//' train.csv > short.csv; " TRAIN "--data short.csv vanilla", 2,
     "short.csv:17: the row has 784 values, but the header has 785 columns"},
    {DATA "--data train.csv stats", 0, "train.csv: images of 28x28; to test: the last tenth"},
    {PREDICT "--submission a.csv ./w.safetensors test.csv", 0, "a.csv: 100 answers"},
    {PREDICT "--submission b.csv ./w.safetensors test.csv.gz && cmp a.csv b.csv", 0, "b.csv: 100"},
    {PREDICT "--submission b.csv ./w.safetensors labelled.csv && cmp a.csv b.csv", 0, "b.csv: 100"},
    {"head -n 2 a.csv && wc -l < a.csv", 0, "ImageId,Label\n1,"},
    {"tail -n 1 a.csv", 0, "100,"},
    {PREDICT "--submission b.csv ./w.safetensors test.csv test.csv", 2, "one table, not of 2"},
    {PREDICT "--submission b.csv --json ./w.safetensors test.csv", 2, "--json doesn't go with"},
    {PREDICT "--submission b.csv --top 2 ./w.safetensors test.csv", 2, "--top doesn't go with"},
    {PREDICT "--submission test.csv ./w.safetensors test.csv", 2,
     "would write over test.csv, which the table is read from"},
    {PREDICT "--submission w.safetensors ./w.safetensors test.csv", 2,
     "which the weights are read from"},
    {PREDICT "--submission none/b.csv ./w.safetensors test.csv", 1, "none/b.csv can't be written"},
    {PREDICT "--submission /dev/full ./w.safetensors test.csv", 1,
     "/dev/full could not be written"},
    {"printf 'a,b,c,d\\n1,2,3,4\\n' > small.csv; " PREDICT
     "--submission b.csv ./w.safetensors small.csv",
     2, "small.csv: its images are of 2x2, but the network takes 28x28"},
};

START_TEST(command_lines) {
  shell_check(lines[_i].command, lines[_i].status, lines[_i].says);
}
END_TEST

/** How many labels of the submission are those of digits-run's test. */
START_TEST(answers_are_those_of_the_test) {
  dg_dataset *set = dg_dataset_open(shell_path(""), 1, &err);
  ck_assert_msg(set, "%s", err.message);
  dg_part_view test = dg_dataset_part(set, DG_PART_TEST);
  FILE *file = fopen(shell_path("a.csv"), "r");
  ck_assert_ptr_nonnull(file);
  unsigned id, label, correct = 0;
  ck_assert_int_eq(fscanf(file, "ImageId,Label "), 0);
  for (uint32_t i = 0; i < test.count; i++) {
    ck_assert_int_eq(fscanf(file, "%u,%u ", &id, &label), 2);
    ck_assert_uint_eq(id, i + 1);
    correct += label == test.labels[i];
  }
  fclose(file);
  dg_dataset_close(set);
  char says[40];
  snprintf(says, sizeof says, "(%u of 100)", correct);
  shell_check(RUN "--backend cpu --data . --test --load w.safetensors", 0, says);
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  TCase *tests = tcase_create("csv");
  tcase_set_timeout(tests, 120);
  tcase_add_unchecked_fixture(tests, write_tables, NULL);
  tcase_add_test(tests, good_tables);
  tcase_add_loop_test(tests, bad_tables, 0, sizeof bad / sizeof *bad);
  tcase_add_test(tests, a_cut_gzip_file);
  tcase_add_test(tests, the_last_tenth_is_kept);
  tcase_add_loop_test(tests, command_lines, 0, sizeof lines / sizeof *lines);
  tcase_add_test(tests, answers_are_those_of_the_test);
  int status = suite_main("csv", tests);
  shell_close();
  return status;
}
