/* .npy files of samples that are read piece by piece. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digits/data.h"
#include "tests/common/suite.h"

enum { HEADER = 128, COUNT = 7 };
static char path[] = "/tmp/digits-samples-XXXXXX";

static void write_npy(const char *type, bool fortran, const char *shape, const void *numbers,
                      size_t size) {
  char header[HEADER + 1] = "\x93NUMPY\x01";
  header[8] = HEADER - 10;
  int used = 10 + snprintf(header + 10, HEADER - 10,
                           "{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }", type,
                           fortran ? "True" : "False", shape);
  while (used < HEADER - 1) header[used++] = ' ';
  header[used] = '\n';
  FILE *file = fopen(path, "wb");
  ck_assert_ptr_nonnull(file);
  ck_assert(fwrite(header, 1, HEADER, file) == HEADER && fwrite(numbers, 1, size, file) == size);
  fclose(file);
}

static dg_sample_file *open_for(uint32_t rank, uint32_t a, uint32_t b, uint32_t c, dg_error *err) {
  const dg_dataset_options options = {.size = sizeof options, .rank = rank, .dim = {a, b, c}};
  return dg_sample_file_open(path, &options, err);
}

/** Reads all samples in pieces of `most` and compares them with floats. */
static void check_floats(dg_sample_file *f, uint32_t most, const float *expected, uint32_t each) {
  dg_error err = {0};
  dg_ndarray piece;
  uint32_t seen = 0;
  ck_assert_msg(f != NULL, "it was not opened");
  ck_assert_uint_eq(dg_sample_file_shape(f).dim[0], COUNT);
  while (dg_sample_file_next(f, most, &piece, &err) && piece.dim[0]) {
    ck_assert_int_eq(piece.type, DG_NUMBERS_FLOATS);
    ck_assert_uint_eq(piece.dim[0], COUNT - seen < most ? COUNT - seen : most);
    ck_assert_mem_eq(piece.numbers, expected + seen * each, piece.dim[0] * each * sizeof(float));
    seen += piece.dim[0];
  }
  ck_assert_msg(seen == COUNT, "%u samples: %s", seen, err.message);
  ck_assert(dg_sample_file_next(f, most, &piece, &err) && piece.dim[0] == 0);
  dg_sample_file_close(f);
}

/** 3 columns, as doubles of both orders of bytes, and by columns. */
START_TEST(every_order_is_read_in_pieces) {
  double rows[COUNT][3], columns[3][COUNT];
  uint8_t big[sizeof rows];
  float expected[COUNT * 3];
  dg_error err = {0};
  for (int i = 0; i < COUNT * 3; i++) {
    rows[i / 3][i % 3] = columns[i % 3][i / 3] = i * 0.25 - 2;
    expected[i] = (float)i * 0.25f - 2;
  }
  for (size_t i = 0; i < sizeof rows; i++) big[i] = ((const uint8_t *)rows)[i ^ 7];
  for (uint32_t most = 1; most < 10; most += 2) {
    write_npy("<f8", false, "7, 3", rows, sizeof rows);
    check_floats(open_for(1, 3, 0, 0, &err), most, expected, 3);
    write_npy(">f8", false, "7, 3", big, sizeof big);
    check_floats(open_for(1, 3, 0, 0, &err), most, expected, 3);
    write_npy("<f8", true, "7, 3", columns, sizeof columns);
    check_floats(open_for(1, 3, 0, 0, &err), most, expected, 3);
  }
}
END_TEST

/** Channels come first, in every piece. */
START_TEST(channels_are_moved) {
  uint8_t last[COUNT][2][2][3], first[COUNT][3][2][2];
  dg_error err = {0};
  dg_ndarray piece;
  for (int i = 0; i < COUNT * 12; i++)
    last[i / 12][i / 6 % 2][i / 3 % 2][i % 3] = first[i / 12][i % 3][i / 6 % 2][i / 3 % 2] =
        (uint8_t)(3 * i);
  write_npy("|u1", false, "7, 2, 2, 3", last, sizeof last);
  dg_sample_file *f = open_for(3, 3, 2, 2, &err);
  ck_assert_msg(f != NULL, "%s", err.message);
  for (uint32_t at = 0; at < COUNT; at += 3) {
    ck_assert_msg(dg_sample_file_next(f, 3, &piece, &err), "%s", err.message);
    ck_assert(piece.type == DG_NUMBERS_BYTES && piece.rank == 4 && piece.dim[1] == 3);
    ck_assert_mem_eq(piece.numbers, first[at], piece.dim[0] * sizeof *first);
  }
  dg_sample_file_close(f);
}
END_TEST

/** The place of a number is that in the file, not in the piece. */
START_TEST(faults_are_named_by_their_place) {
  float rows[COUNT][3] = {{0}};
  int64_t whole[COUNT][3] = {{0}};
  dg_error err = {0};
  dg_ndarray piece;
  rows[5][1] = NAN;
  whole[6][2] = ((int64_t)1 << 24) + 1;
  write_npy("<f4", false, "7, 3", rows, sizeof rows);
  dg_sample_file *f = open_for(1, 3, 0, 0, &err);
  for (int i = 0; i < 2; i++) ck_assert(dg_sample_file_next(f, 2, &piece, &err));
  ck_assert(!dg_sample_file_next(f, 2, &piece, &err));
  ck_assert_msg(strstr(err.message, "[5, 1] is NaN") != NULL, "%s", err.message);
  dg_sample_file_close(f);
  write_npy("<i8", false, "7, 3", whole, sizeof whole);
  f = open_for(1, 3, 0, 0, &err);
  ck_assert(dg_sample_file_next(f, 6, &piece, &err) && !dg_sample_file_next(f, 6, &piece, &err));
  ck_assert_msg(strstr(err.message, "[6, 2] is 16777217, which a float") != NULL, "%s",
                err.message);
  dg_sample_file_close(f);
}
END_TEST

START_TEST(what_is_no_array_of_samples_is_refused) {
  static const struct {
    const char *type, *shape, *says;
  } cases[] = {
      {"|u1", "7, 3", "84 bytes follow its header"},
      {"<f4", "7, 4", "84 bytes follow its header"},
      {"<f4", "1000000000000000000, 3", "84 bytes follow its header"},
      {"<f4", "0, 3", "its shape holds no number"},
      {"<f4", "", "it has 0 dimensions"},
      {"<c8", "7, 3", "numbers of the type \"<c8\" are not read"},
      {"<f4", "1, 1, 7, 1, 3", "it has 5 dimensions"},
  };
  static const float rows[21];
  dg_error err = {0};
  write_npy(cases[_i].type, false, cases[_i].shape, rows, sizeof rows);
  ck_assert_ptr_null(open_for(1, 3, 0, 0, &err));
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  ck_assert_msg(strstr(err.message, cases[_i].says) != NULL, "%s", err.message);
}
END_TEST

/** A file that becomes shorter while it is read is an error. */
START_TEST(a_file_may_become_shorter) {
  static const float rows[COUNT][3];
  dg_error err = {0};
  dg_ndarray piece;
  write_npy("<f4", false, "7, 3", rows, sizeof rows);
  ck_assert(dg_is_sample_file(path) && dg_is_sample_file("x.npy") && !dg_is_sample_file("/tmp"));
  dg_sample_file *f = open_for(1, 3, 0, 0, &err);
  ck_assert(dg_sample_file_next(f, 5, &piece, &err) && truncate(path, HEADER + 70) == 0);
  ck_assert(!dg_sample_file_next(f, 5, &piece, &err));
  ck_assert_msg(strstr(err.message, "it became shorter") != NULL, "%s", err.message);
  dg_sample_file_close(f);
  ck_assert(!dg_is_sample_file("/dev/null"));
  dg_sample_file_close(NULL);
}
END_TEST

int main(void) {
  suite_new_file(path);
  TCase *tests = tcase_create("sample files");
  tcase_add_test(tests, every_order_is_read_in_pieces);
  tcase_add_test(tests, channels_are_moved);
  tcase_add_test(tests, faults_are_named_by_their_place);
  tcase_add_loop_test(tests, what_is_no_array_of_samples_is_refused, 0, 7);
  tcase_add_test(tests, a_file_may_become_shorter);
  return suite_main("sample files", tests);
}
