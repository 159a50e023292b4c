/* Sets of numpy's arrays, in .npz and .npy: what they become, and what a person is told. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/formats/archive.h"
#include "digits/data.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

static dg_error err;

enum { MOST = 6, ROOM = 4096 };

/** An array by its header and bytes. */
typedef struct {
  const char *name, *type, *shape, *order;
  const void *bytes;
  size_t size;
} array;

#define ARRAY(name, type, shape, ...)                                                              \
  { name, type, shape, "False", (__VA_ARGS__), sizeof(__VA_ARGS__) }

/** The bytes of a .npy file. */
static size_t make_npy(const array *a, unsigned char bytes[ROOM]) {
  const int length = snprintf((char *)bytes + 10, ROOM - 10,
                              "{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }\n", a->type,
                              a->order, a->shape);
  memcpy(bytes, "\x93NUMPY\1\0", 8);
  bytes[8] = (unsigned char)length;
  bytes[9] = 0;
  memcpy(bytes + 10 + length, a->bytes, a->size);
  return 10 + (size_t)length + a->size;
}

static const char *write_npz(const array *arrays) {
  static unsigned char bytes[MOST][ROOM];
  char names[MOST][32];
  dg_archive_entry entries[MOST];
  size_t count = 0;
  for (; count < MOST && arrays[count].name; count++) {
    snprintf(names[count], sizeof names[count], "%s.npy", arrays[count].name);
    entries[count] =
        (dg_archive_entry){names[count], bytes[count], make_npy(&arrays[count], bytes[count])};
  }
  const char *path = shell_path("set.npz");
  ck_assert_msg(dg_archive_write(path, entries, count, NULL, &err), "%s", err.message);
  return path;
}

static void write_npy(const char *name, const array *a) {
  unsigned char bytes[ROOM];
  const size_t size = make_npy(a, bytes);
  FILE *file = fopen(shell_path(name), "wb");
  ck_assert_ptr_nonnull(file);
  ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
  ck_assert_int_eq(fclose(file), 0);
}

static dg_dataset_options with_input(uint32_t rank, uint32_t a, uint32_t b, uint32_t c) {
  return (dg_dataset_options){.size = sizeof(dg_dataset_options), .rank = rank, .dim = {a, b, c}};
}

static dg_dataset *open_good(const char *path, const dg_dataset_options *options) {
  dg_dataset *set = dg_dataset_open_with(path, options, &err);
  ck_assert_msg(set, "%s", err.message);
  return set;
}

static void check_refused(const char *path, const dg_dataset_options *options, const char *says) {
  err = (dg_error){0};
  ck_assert_ptr_null(dg_dataset_open_with(path, options, &err));
  ck_assert_msg(strstr(err.message, says), "no \"%s\" in \"%s\"", says, err.message);
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
}

static void check_shape(const dg_part_view *part, uint32_t count, uint32_t rank, uint32_t a,
                        uint32_t b, uint32_t c) {
  ck_assert_uint_eq(part->count, count);
  ck_assert_uint_eq(part->rank, rank);
  ck_assert_uint_eq(part->dim[0], a);
  ck_assert_uint_eq(part->dim[1], b);
  ck_assert_uint_eq(part->dim[2], c);
}

/* ---- what is read ------------------------------------------------------- */

#define BYTES(...)                                                                                 \
  (const uint8_t[]) {                                                                              \
    __VA_ARGS__                                                                                    \
  }
#define FLOATS(...)                                                                                \
  (const float[]) {                                                                                \
    __VA_ARGS__                                                                                    \
  }
#define LONGS(...)                                                                                 \
  (const int64_t[]) {                                                                              \
    __VA_ARGS__                                                                                    \
  }

START_TEST(keras_names_are_found) {
  const array arrays[MOST] = {ARRAY("x_test", "|u1", "1, 2, 2", BYTES(9, 8, 7, 6)),
                              ARRAY("x_train", "|u1", "2, 2, 2", BYTES(0, 1, 2, 3, 4, 5, 6, 255)),
                              ARRAY("y_train", "<i8", "2,", LONGS(3, 255)),
                              ARRAY("y_test", "|u1", "1, 1", BYTES(7))};
  dg_dataset *set = open_good(write_npz(arrays), NULL);
  dg_part_view train = dg_dataset_part(set, DG_PART_TRAIN);
  dg_part_view test = dg_dataset_part(set, DG_PART_TEST);
  check_shape(&train, 2, 3, 1, 2, 2);
  check_shape(&test, 1, 3, 1, 2, 2);
  ck_assert_int_eq(train.type, DG_NUMBERS_BYTES);
  ck_assert_mem_eq(train.images, arrays[1].bytes, 8);
  ck_assert_mem_eq(train.labels, (BYTES(3, 255)), 2);
  ck_assert_mem_eq(test.images, arrays[0].bytes, 4);
  ck_assert_uint_eq(test.labels[0], 7);
  ck_assert_ptr_null(dg_dataset_held_out(set));
  dg_dataset_close(set);
}
END_TEST

/** Types of one number each, all of which are 1, and which type they become. */
static const struct {
  const char *type;
  const void *bytes;
  size_t size;
  dg_numbers_type becomes;
} types[] = {
    {"|u1", "\1", 1, DG_NUMBERS_BYTES},
    {"|b1", "\1", 1, DG_NUMBERS_FLOATS},
    {"|i1", "\1", 1, DG_NUMBERS_FLOATS},
    {"<i2", "\1\0", 2, DG_NUMBERS_FLOATS},
    {">i2", "\0\1", 2, DG_NUMBERS_FLOATS},
    {"<u4", "\1\0\0\0", 4, DG_NUMBERS_FLOATS},
    {">i8", "\0\0\0\0\0\0\0\1", 8, DG_NUMBERS_FLOATS},
    {"<f2", "\0\x3c", 2, DG_NUMBERS_FLOATS},
    {">f2", "\x3c\0", 2, DG_NUMBERS_FLOATS},
    {"<f4", "\0\0\x80\x3f", 4, DG_NUMBERS_FLOATS},
    {">f4", "\x3f\x80\0\0", 4, DG_NUMBERS_FLOATS},
    {"<f8", "\0\0\0\0\0\0\xf0\x3f", 8, DG_NUMBERS_FLOATS},
    {">f8", "\x3f\xf0\0\0\0\0\0\0", 8, DG_NUMBERS_FLOATS},
};

START_TEST(all_types_are_read) {
  const array arrays[MOST] = {
      {"X", types[_i].type, "1, 1", "False", types[_i].bytes, types[_i].size},
      {"y", types[_i].type, "1,", "False", types[_i].bytes, types[_i].size}};
  dg_dataset *set = open_good(write_npz(arrays), NULL);
  dg_part_view all = dg_dataset_part(set, DG_PART_TRAIN);
  check_shape(&all, 1, 1, 1, 0, 0);
  ck_assert_int_eq(all.type, types[_i].becomes);
  if (all.type)
    ck_assert_float_eq(((const float *)all.inputs)[0], 1);
  else
    ck_assert_uint_eq(((const uint8_t *)all.inputs)[0], 1);
  ck_assert_uint_eq(all.labels[0], 1);
  dg_dataset_close(set);
}
END_TEST

/** Shapes of bytes (b) or floats (f), the model's input, and the shape of a sample. */
static const struct {
  const char *type, *shape;
  uint32_t input[4], rank, dim[3];
  bool turned; /**< channels were last */
  const char *says;
} shapes[] = {
    {"|u1", "1, 12", {0}, 1, {12}, false, NULL},
    {"|u1", "1, 12", {3, 1, 3, 4}, 3, {1, 3, 4}, false, NULL},
    {"<f4", "1, 12", {2, 6, 2}, 2, {6, 2}, false, NULL},
    {"<f4", "1, 12", {2, 5, 2}, 1, {12}, false, NULL},
    {"|u1", "1, 3, 4", {0}, 3, {1, 3, 4}, false, NULL},
    {"|u1", "1, 3, 4", {2, 3, 4}, 2, {3, 4}, false, NULL},
    {"<f4", "1, 3, 4", {0}, 2, {3, 4}, false, NULL},
    {"<f4", "1, 3, 4", {3, 1, 3, 4}, 3, {1, 3, 4}, false, NULL},
    {"|u1", "1, 2, 2, 3", {0}, 3, {3, 2, 2}, true, NULL},
    {"<f4", "1, 2, 2, 3", {0}, 3, {3, 2, 2}, true, NULL},
    {"|u1", "1, 3, 2, 2", {0}, 3, {3, 2, 2}, false, NULL},
    {"|u1", "1, 1, 4, 3", {3, 1, 4, 3}, 3, {1, 4, 3}, false, NULL},
    {"|u1", "1, 2, 3, 2", {3, 2, 3, 2}, 3, {2, 3, 2}, false, NULL},
    {"|u1", "1, 2, 2, 3", {3, 2, 2, 3}, 3, {2, 2, 3}, false, NULL},
    {"|u1", "1, 6, 2, 1", {0}, 3, {1, 6, 2}, false, NULL},
    {"|u1", "1, 3, 4, 1", {0}, 0, {0}, false, "[1, 3, 4, 1] may have its channels in the first"},
    {"|u1", "1, 3, 4, 1", {3, 3, 9, 1}, 3, {3, 4, 1}, false, NULL},
    {"|u1", "1, 2, 3, 2", {0}, 0, {0}, false, "neither in the first nor in the last dimension"},
    {"|u1", "1, 2, 3, 2", {3, 3, 2, 2}, 0, {0}, false, "input (3) neither in the first nor in"},
    {"|u1", "1, 12, 1, 1", {3, 12, 1, 1}, 3, {12, 1, 1}, false, NULL},
    {"|u1", "12", {0}, 1, {1}, false, NULL},
};

START_TEST(dimensions_are_told_apart) {
  uint8_t bytes[12], labels[12] = {0};
  float floats[12];
  for (unsigned i = 0; i < 12; i++) bytes[i] = (uint8_t)i, floats[i] = (float)i;
  const bool is_bytes = types[0].type[1] == shapes[_i].type[1];
  const uint32_t *in = shapes[_i].input;
  const dg_dataset_options options = with_input(in[0], in[1], in[2], in[3]);
  const bool flat = !strchr(shapes[_i].shape, ',');
  const array arrays[MOST] = {{"X", shapes[_i].type, shapes[_i].shape, "False",
                               is_bytes ? (void *)bytes : (void *)floats,
                               is_bytes ? sizeof bytes : sizeof floats},
                              {"y", "|u1", flat ? "12" : "1,", "False", labels, flat ? 12 : 1}};
  const char *path = write_npz(arrays);
  if (shapes[_i].says) return check_refused(path, &options, shapes[_i].says);
  dg_dataset *set = open_good(path, &options);
  dg_part_view all = dg_dataset_part(set, DG_PART_TRAIN);
  const uint32_t *dim = shapes[_i].dim;
  check_shape(&all, flat ? 11 : 1, shapes[_i].rank, dim[0], dim[1], dim[2]);
  for (unsigned i = 0; i < (flat ? 11 : 12); i++) {
    const float value =
        is_bytes ? ((const uint8_t *)all.inputs)[i] : ((const float *)all.inputs)[i];
    ck_assert_float_eq(value, shapes[_i].turned ? i % 4 * 3 + i / 4 : i);
  }
  dg_dataset_close(set);
}
END_TEST

START_TEST(targets_are_told_from_labels) {
  const struct {
    array y;
    uint32_t targets; /**< 0: labels */
  } cases[] = {
      {ARRAY("y", "<f4", "2,", FLOATS(0, 255)), 0},
      {ARRAY("y", "<f4", "2, 1", FLOATS(3, 4)), 0},
      {ARRAY("y", "<f4", "2,", FLOATS(0.5f, 2)), 1},
      {ARRAY("y", "<f4", "2,", FLOATS(-1, 1)), 1},
      {ARRAY("y", "<f4", "2,", FLOATS(1, 256)), 1},
      {ARRAY("y", "<f4", "2, 2", FLOATS(1, 0, 0, 1)), 2},
      {ARRAY("y", "|u1", "2, 2", BYTES(1, 0, 0, 1)), 2},
      {ARRAY("y", "|u1", "2, 1, 2", BYTES(1, 0, 0, 1)), 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const array arrays[MOST] = {ARRAY("X", "<f4", "2, 1", FLOATS(1, 2)), cases[i].y};
    for (int asked = 0; asked < 2; asked++) {
      dg_dataset_options options = {.size = sizeof options, .targets = asked ? "y" : NULL};
      dg_dataset *set = open_good(write_npz(arrays), &options);
      dg_part_view all = dg_dataset_part(set, DG_PART_TRAIN);
      ck_assert_uint_eq(all.targets, asked && !cases[i].targets ? 1 : cases[i].targets);
      ck_assert_int_eq(all.labels == NULL, all.targets > 0);
      if (all.targets) ck_assert_int_eq(all.targets_type, DG_NUMBERS_FLOATS);
      dg_dataset_close(set);
    }
  }
}
END_TEST

/** Inputs alone: of an .npz file without targets, or the one that is named. */
START_TEST(inputs_may_be_alone) {
  const array alone[MOST] = {ARRAY("x_test", "<f4", "2, 2", FLOATS(1, 2, 3, 4))};
  const array both[MOST] = {ARRAY("other", "<f4", "3, 1", FLOATS(5, 6, 7)),
                            ARRAY("X", "<f4", "2, 1", FLOATS(1, 2)),
                            ARRAY("y", "|u1", "2", BYTES(0, 1))};
  const dg_dataset_options options = {.size = sizeof options, .rank = 1, .dim = {2}};
  dg_dataset_options named = {.size = sizeof named, .arrays = "other"};
  dg_ndarray piece;
  err = (dg_error){0};
  ck_assert(dg_is_sample_file(write_npz(alone)));
  dg_sample_file *f = dg_sample_file_open(shell_path("set.npz"), &options, &err);
  ck_assert_msg(f && dg_sample_file_next(f, 1, &piece, &err), "%s", err.message);
  ck_assert(piece.dim[0] == 1 && piece.dim[1] == 2 && !dg_sample_file_name(f, 0));
  ck_assert(dg_sample_file_next(f, 9, &piece, &err) && piece.dim[0] == 1);
  ck_assert_mem_eq(piece.numbers, (FLOATS(3, 4)), 8);
  ck_assert(dg_sample_file_next(f, 9, &piece, &err) && piece.dim[0] == 0);
  dg_sample_file_close(f);
  ck_assert(!dg_is_sample_file(write_npz(both)) && !dg_is_table(shell_path("set.npz")));
  f = dg_sample_file_open(shell_path("set.npz"), &named, &err);
  ck_assert_msg(f && dg_sample_file_shape(f).dim[0] == 3, "%s", err.message);
  dg_sample_file_close(f);
  named.arrays = "none";
  ck_assert_ptr_null(dg_sample_file_open(shell_path("set.npz"), &named, &err));
  ck_assert_msg(strstr(err.message, "there is no array \"none\""), "%s", err.message);
}
END_TEST

/** Masks of two channels over pictures of 1x2, the channels last. */
START_TEST(masks_are_turned) {
  const struct {
    const char *x, *y;
    uint32_t output[3]; /**< 0: not known */
    float numbers[4];   /**< of the first mask; all 0: it is an error */
  } cases[] = {
      {"2, 1, 2, 1", "2, 1, 2, 2", {0}, {1, 3, 2, 4}},
      {"2, 1, 1, 2", "2, 1, 2, 2", {0}, {1, 3, 2, 4}},
      {"2, 1, 2, 1", "2, 1, 2, 2", {2, 1, 2}, {1, 3, 2, 4}},
      {"2, 1, 2, 1", "2, 2, 1, 2", {2, 1, 2}, {1, 2, 3, 4}},
      {"2, 1, 2, 1", "2, 2, 1, 2", {0}, {1, 2, 3, 4}},
      {"2, 1, 2, 1", "2, 4, 1, 1", {4, 1, 1}, {1, 2, 3, 4}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const uint32_t *out = cases[i].output;
    const array arrays[MOST] = {ARRAY("X", "<f4", cases[i].x, FLOATS(1, 2, 3, 4)),
                                ARRAY("y", "<f4", cases[i].y, FLOATS(1, 2, 3, 4, 5, 6, 7, 8))};
    const dg_dataset_options options = {.size = sizeof options,
                                        .rank = 3,
                                        .dim = {1, 1, 2},
                                        .output_rank = out[0] ? 3 : 0,
                                        .output_dim = {out[0], out[1], out[2]}};
    dg_dataset *set = open_good(write_npz(arrays), &options);
    const dg_part_view part = dg_dataset_part(set, DG_PART_TRAIN);
    ck_assert_uint_eq(part.targets, 4);
    ck_assert_mem_eq(part.target_numbers, cases[i].numbers, sizeof cases[i].numbers);
    dg_dataset_close(set);
  }
}
END_TEST

/** Where channels are first or last in a cube can't be seen. */
START_TEST(masks_may_be_ambiguous) {
  static const float cube[16] = {1};
  const array arrays[MOST] = {{"X", "<f4", "2, 2, 2", "False", cube, 32},
                              {"y", "<f4", "2, 2, 2, 2", "False", cube, 64}};
  const dg_dataset_options options = {.size = sizeof options,
                                      .rank = 3,
                                      .dim = {1, 2, 2},
                                      .output_rank = 3,
                                      .output_dim = {2, 2, 2}};
  check_refused(write_npz(arrays), &options, "y: [2, 2, 2, 2] may have its channels in the first");
}
END_TEST

START_TEST(npy_files_in_fortran_order) {
  static const uint8_t columns[] = {0, 3, 1, 4, 2, 5};
  const array x = {"X", "|u1", "2, 3", "True", columns, sizeof columns};
  const array y = ARRAY("y", "|u1", "2,", BYTES(4, 5));
  ck_assert_int_eq(shell("mkdir -p npy"), 0);
  write_npy("npy/X.npy", &x);
  write_npy("npy/y.npy", &y);
  static const char *const paths[] = {"npy", "npy/X.npy"};
  for (int i = 0; i < 2; i++) {
    dg_dataset *set = open_good(shell_path(paths[i]), NULL);
    dg_part_view train = dg_dataset_part(set, DG_PART_TRAIN);
    dg_part_view test = dg_dataset_part(set, DG_PART_TEST);
    ck_assert_mem_eq(train.inputs, (BYTES(0, 1, 2)), 3);
    ck_assert_mem_eq(test.inputs, (BYTES(3, 4, 5)), 3);
    ck_assert_str_eq(dg_dataset_held_out(set), "the last tenth");
    dg_dataset_close(set);
  }
  check_refused(shell_path("npy/y.npy"), NULL, "npy/y.npy: targets belong to inputs");
}
END_TEST

/** Beyond a length, an array's numbers don't matter. */
START_TEST(lengths_of_sequences) {
  static const uint32_t train[] = {1, 2}, test[] = {2};
  static const float rows[] = {1, 2, 0, 0, 5, 6, 7, 8};
  const array arrays[MOST] = {
      ARRAY("x_train", "<f4", "2, 2, 2", FLOATS(1, 2, NAN, INFINITY, 5, 6, 7, 8)),
      ARRAY("y_train", "|u1", "2,", BYTES(0, 1)),
      ARRAY("x_test", "<f4", "1, 2, 2", FLOATS(1, 2, 3, 4)),
      ARRAY("y_test", "|u1", "1,", BYTES(1)),
      ARRAY("lengths_train", "<i8", "2,", LONGS(1, 2)),
      ARRAY("lengths_test", "<f4", "1, 1", FLOATS(2))};
  dg_dataset *set = open_good(write_npz(arrays), NULL);
  ck_assert_mem_eq(dg_dataset_lengths(set, DG_PART_TRAIN), train, sizeof train);
  ck_assert_mem_eq(dg_dataset_lengths(set, DG_PART_TEST), test, sizeof test);
  ck_assert_mem_eq(dg_dataset_part(set, DG_PART_TRAIN).inputs, rows, sizeof rows);
  dg_dataset_close(set);
  ck_assert_int_eq(shell("rm -rf npy && mkdir npy"), 0);
  write_npy("npy/X.npy", &arrays[0]);
  const array y = ARRAY("y", "|u1", "2,", BYTES(0, 1)), own = ARRAY("", "|u1", "2,", BYTES(1, 2));
  write_npy("npy/y.npy", &y);
  write_npy("npy/lengths.npy", &own);
  set = open_good(shell_path("npy"), NULL);
  ck_assert_uint_eq(dg_dataset_lengths(set, DG_PART_TRAIN)[0], 1);
  ck_assert_uint_eq(dg_dataset_lengths(set, DG_PART_TEST)[0], 2);
  dg_dataset_close(set);
}
END_TEST

START_TEST(compressed_by_numpy) {
  if (shell("python3 -c 'import numpy as n; n.savez_compressed(\"c.npz\", a=n.zeros((50, 40)), "
            "b=n.arange(50))' 2> /dev/null") != 0)
    return;
  const dg_dataset_options options = {.size = sizeof options, .arrays = "a,b"};
  dg_dataset *set = open_good(shell_path("c.npz"), &options);
  dg_part_view train = dg_dataset_part(set, DG_PART_TRAIN);
  check_shape(&train, 45, 1, 40, 0, 0);
  ck_assert_uint_eq(train.labels[44], 44);
  dg_dataset_close(set);
}
END_TEST

/* ---- what is refused ---------------------------------------------------- */

#define X2 ARRAY("X", "<f4", "2, 1", FLOATS(1, 2))
#define Y2 ARRAY("y", "|u1", "2,", BYTES(1, 2))

static const struct {
  array arrays[MOST];
  const char *names, *says;
} bad[] = {
    {{Y2}, NULL, "no array x_train, X_train, train_images, X or x is in it"},
    {{X2}, NULL, "there is no array \"y\" in it"},
    {{X2, Y2}, "X,z", "there is no array \"z\" in it"},
    {{X2, Y2}, "X", "must name two arrays"},
    {{X2, Y2}, "X,y,", "must name two arrays"},
    {{X2, Y2}, "X,y,X", "must name two arrays"},
    {{X2, Y2}, "X,y,X,y,X", "must name two arrays"},
    {{X2, Y2, ARRAY("lengths", "|u1", "2,", BYTES(1, 2))},
     NULL,
     "lengths[1] is 2; lengths are whole numbers from 1 to the 1 steps"},
    {{X2, Y2, ARRAY("lengths", "<f4", "2,", FLOATS(1, NAN))}, NULL, "lengths[1] is nan; lengths"},
    {{X2, Y2, ARRAY("lengths", "<i8", "2,", LONGS(0, 1))}, NULL, "lengths[0] is 0; lengths are"},
    {{X2, Y2, ARRAY("lengths", "|u1", "1,", BYTES(1))}, NULL, "X has 2 samples, but lengths has 1"},
    {{X2, Y2, ARRAY("lengths", "|u1", "2, 2", BYTES(1, 1, 1, 1))}, NULL, "lengths are one number"},
    {{X2, Y2, ARRAY("lengths_test", "|u1", "2,", BYTES(1, 1))},
     NULL,
     "there is lengths_test, but not an array of inputs to test"},
    {{X2, Y2, ARRAY("lengths_train", "|u1", "2,", BYTES(1, 1))},
     "X,y,X,y",
     "there is lengths_train, but not lengths_test"},
    {{ARRAY("X", "|u1", "1, 2, 2", BYTES(1, 2, 3, 4)), ARRAY("y", "|u1", "1,", BYTES(1)),
      ARRAY("lengths", "|u1", "1,", BYTES(1))},
     NULL,
     "lengths are those of sequences, [steps, features], but the samples are 2x2"},
    {{X2, ARRAY("y", "|u1", "1,", BYTES(1))}, NULL, "X: X has 2 samples, but y has 1"},
    {{X2, ARRAY("y", "<i8", "2,", LONGS(1, 256))}, NULL, "y[1] is 256; labels go from 0 to 255"},
    {{X2, ARRAY("y", "<i8", "2, 1", LONGS(-1, 0))}, NULL, "y[0, 0] is -1; labels go from"},
    {{ARRAY("X", "<f4", "2, 1", FLOATS(1, INFINITY)), Y2}, NULL, "set.npz: X[1, 0] is infinite"},
    {{ARRAY("X", "<f8", "1, 2", (const double[]){1, 1e300}), Y2}, NULL, "X has 1 samples"},
    {{ARRAY("X", "<f8", "2, 1", (const double[]){1, 1e300}), Y2}, NULL, "X[1, 0] is 1.0000000000"},
    {{ARRAY("X", "<i8", "2, 1", LONGS(1, 16777217)), Y2}, NULL, "X[1, 0] is 16777217, which a"},
    {{X2, ARRAY("y", "<f4", "2,", FLOATS(1.5f, NAN))}, NULL, "y[1] is NaN"},
    {{ARRAY("X", "<f4", "1, 2, 1, 3", FLOATS(1, 2, 3, 4, NAN, 6)),
      ARRAY("y", "|u1", "1,", BYTES(1))},
     NULL,
     "X[0, 1, 0, 1] is NaN"},
    {{ARRAY("X", "<c8", "2, 1", FLOATS(1, 2, 3, 4)), Y2}, NULL, "type \"<c8\" are not read"},
    {{ARRAY("X", "|O", "2, 1", FLOATS(1, 2, 3, 4)), Y2}, NULL, "type \"|O\" are not read"},
    {{ARRAY("X", "<f4", "", FLOATS(1)), Y2}, NULL, "it has 0 dimensions"},
    {{ARRAY("X", "<f4", "1, 1, 1, 1, 1", FLOATS(1)), Y2}, NULL, "it has 5 dimensions"},
    {{ARRAY("X", "<f4", "0, 1", FLOATS(1)), Y2}, NULL, "its shape holds no number"},
    {{ARRAY("X", "<f4", "3, 1", FLOATS(1)), Y2}, NULL, "not what its shape takes"},
    {{ARRAY("X", "<f4", "4294967296, 4294967296", FLOATS(1)), Y2}, NULL, "not what its shape"},
    {{ARRAY("X", "<f4", "1, 1", "nothing"), Y2}, NULL, "not what its shape takes"},
    {{X2, Y2, ARRAY("Z", "<f4", "2, 2", FLOATS(1, 2, 3, 4))},
     "X,y,Z,y",
     "Z: samples are of 2 columns (floats), but those to learn from of 1 column (floats)"},
    {{X2, Y2, ARRAY("Z", "|u1", "2, 1", BYTES(1, 2))}, "X,y,Z,y", "1 column (bytes), but"},
    {{X2, ARRAY("y", "<f4", "2,", FLOATS(1, 2.5f)), ARRAY("z", "<f4", "2, 2", FLOATS(1, 2, 3, 4))},
     "X,y,X,z",
     "z: 2 targets a sample, but 1 to learn from"},
};

START_TEST(bad_arrays) {
  const dg_dataset_options options = {.size = sizeof options, .arrays = bad[_i].names};
  check_refused(write_npz(bad[_i].arrays), &options, bad[_i].says);
  ck_assert_msg(strstr(err.message, "set.npz") || bad[_i].names, "%s", err.message);
}
END_TEST

START_TEST(a_broken_file) {
  ck_assert_int_eq(shell("echo no > bad.npz && echo no > X.npy && echo no > y.npy"), 0);
  check_refused(shell_path("bad.npz"), NULL, "bad.npz: no sound zip file");
  check_refused(shell_path("X.npy"), NULL, "X.npy: no sound .npy array");
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  TCase *tests = tcase_create("arrays");
  tcase_add_test(tests, keras_names_are_found);
  tcase_add_loop_test(tests, all_types_are_read, 0, sizeof types / sizeof *types);
  tcase_add_loop_test(tests, dimensions_are_told_apart, 0, sizeof shapes / sizeof *shapes);
  tcase_add_test(tests, targets_are_told_from_labels);
  tcase_add_test(tests, inputs_may_be_alone);
  tcase_add_test(tests, masks_are_turned);
  tcase_add_test(tests, masks_may_be_ambiguous);
  tcase_add_test(tests, npy_files_in_fortran_order);
  tcase_add_test(tests, lengths_of_sequences);
  tcase_add_test(tests, compressed_by_numpy);
  tcase_add_loop_test(tests, bad_arrays, 0, sizeof bad / sizeof *bad);
  tcase_add_test(tests, a_broken_file);
  int status = suite_main("arrays", tests);
  shell_close();
  return status;
}
