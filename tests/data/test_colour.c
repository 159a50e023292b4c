/* Folders of pictures in colour and of 16 bits. */
#include <check.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits/data.h"
#include "digits/picture.h"
#include "tests/common/canvas.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

enum { HEIGHT = 2, WIDTH = 3, PIXELS = HEIGHT * WIDTH };

static dg_error err;

/** Writes a PNG file whose pixels are all alike: `pixel` has the bytes of one, big-endian. */
static void write_png(const char *name, int type, int depth, bool interlaced, const uint8_t *pixel,
                      size_t bytes, uint32_t height, uint32_t width) {
  FILE *file = fopen(shell_path(name), "wb");
  ck_assert_ptr_nonnull(file);
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
  png_infop info = png_create_info_struct(png);
  png_color colours[2] = {{1, 2, 3}, {10, 20, 30}};
  uint8_t row[256];
  for (size_t i = 0; i < width * bytes; i++) row[i] = pixel[i % bytes];
  png_init_io(png, file);
  png_set_IHDR(png, info, width, height, depth, type,
               interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  if (type == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, colours, 2);
  png_write_info(png, info);
  const int passes = png_set_interlace_handling(png);
  for (int pass = 0; pass < passes; pass++)
    for (uint32_t y = 0; y < height; y++) png_write_row(png, row);
  png_write_end(png, NULL);
  png_destroy_write_struct(&png, &info);
  ck_assert_int_eq(fclose(file), 0);
}

static const struct {
  int type, depth;
  uint8_t pixel[8];
  size_t bytes;
  float colour[3]; /**< of 255 */
  float gray;      /**< of 65535, as floats have it */
} forms[] = {
    {PNG_COLOR_TYPE_RGB, 8, {10, 20, 30}, 3, {10, 20, 30}, 4665},
    {PNG_COLOR_TYPE_RGBA, 8, {10, 20, 255, 0}, 4, {255, 255, 255}, 65535},
    {PNG_COLOR_TYPE_RGBA, 8, {0, 255, 100, 51}, 4, {204, 255, 224}, 60708},
    {PNG_COLOR_TYPE_GRAY, 8, {7}, 1, {7, 7, 7}, 7 * 257},
    {PNG_COLOR_TYPE_GRAY_ALPHA, 8, {0, 51}, 2, {204, 204, 204}, 204 * 257},
    {PNG_COLOR_TYPE_PALETTE, 8, {1}, 1, {10, 20, 30}, 4665},
    {PNG_COLOR_TYPE_GRAY, 16, {0x12, 0x34}, 2, {18, 18, 18}, 0x1234},
    {PNG_COLOR_TYPE_RGB, 16, {1, 0, 2, 0, 3, 0}, 6, {1, 2, 3}, 465},
};

static void write_folder(int form, bool interlaced) {
  ck_assert_int_eq(shell("rm -rf c && mkdir -p c/a c/b"), 0);
  for (int i = 0; i < 2; i++)
    write_png(i ? "c/b/1.png" : "c/a/1.png", forms[form].type, forms[form].depth, interlaced,
              forms[form].pixel, forms[form].bytes, HEIGHT, WIDTH);
}

static dg_dataset *open_set(uint32_t channels, dg_numbers_type type) {
  const dg_dataset_options options = {.size = sizeof options,
                                      .rank = channels ? 3 : 0,
                                      .dim = {channels, HEIGHT, WIDTH},
                                      .type = type};
  dg_dataset *set = dg_dataset_open_with(shell_path("c"), &options, &err);
  ck_assert_msg(set, "%s", err.message);
  return set;
}

START_TEST(bytes_of_three_channels) {
  for (int interlaced = 0; interlaced < 2; interlaced++) {
    write_folder(_i, interlaced);
    dg_dataset *set = open_set(3, DG_NUMBERS_BYTES);
    dg_part_view part = dg_dataset_part(set, DG_PART_TRAIN);
    ck_assert_uint_eq(part.count, 2);
    ck_assert_uint_eq(part.channels, 3);
    ck_assert_uint_eq(part.height, HEIGHT);
    ck_assert_uint_eq(part.width, WIDTH);
    for (int i = 0; i < 2 * 3 * PIXELS; i++)
      ck_assert_float_eq(part.images[i], forms[_i].colour[i / PIXELS % 3]);
    dg_dataset_close(set);
  }
}
END_TEST

START_TEST(floats_keep_16_bits) {
  write_folder(_i, false);
  dg_dataset *set = open_set(1, DG_NUMBERS_FLOATS);
  dg_part_view part = dg_dataset_part(set, DG_PART_TRAIN);
  ck_assert_int_eq(part.type, DG_NUMBERS_FLOATS);
  ck_assert_uint_eq(part.dim[0], 1);
  for (int i = 0; i < 2 * PIXELS; i++) {
    const float value = ((const float *)part.inputs)[i] * 65535;
    if (forms[_i].depth == 16 && forms[_i].bytes == 2)
      ck_assert_float_eq(((const float *)part.inputs)[i], forms[_i].gray / 65535);
    ck_assert_float_eq_tol(value, forms[_i].gray, 1);
  }
  dg_dataset_close(set);
  set = open_set(3, DG_NUMBERS_FLOATS);
  part = dg_dataset_part(set, DG_PART_TRAIN);
  ck_assert_uint_eq(part.dim[0], 3);
  for (int i = 0; forms[_i].depth == 8 && i < 2 * 3 * PIXELS; i++)
    ck_assert_float_eq_tol(((const float *)part.inputs)[i], forms[_i].colour[i / PIXELS % 3] / 255,
                           1e-5f);
  dg_dataset_close(set);
}
END_TEST

/** Without a model, or with one of one channel, colour is gray as before. */
START_TEST(gray_stays_as_it_was) {
  dg_picture picture;
  write_folder(_i, false);
  ck_assert(dg_picture_read(&picture, shell_path("c/a/1.png"), &err));
  for (uint32_t channels = 0; channels < 2; channels++) {
    dg_dataset *set = open_set(channels, DG_NUMBERS_BYTES);
    dg_part_view part = dg_dataset_part(set, DG_PART_TRAIN);
    ck_assert_uint_eq(part.channels, 1);
    ck_assert_mem_eq(part.images, picture.pixels, PIXELS);
    dg_dataset_close(set);
  }
  dg_picture_free(&picture);
}
END_TEST

/** Other formats, sizes, and a picture that is held another way. */
START_TEST(other_formats_and_sizes) {
  uint8_t grays[PIXELS] = {100, 100, 100, 100, 100, 100};
  const dg_picture gray = {HEIGHT, WIDTH, grays};
  static const uint8_t pixel[] = {50, 100, 200};
  ck_assert_int_eq(shell("rm -rf c && mkdir -p c/a c/b"), 0);
  canvas_write_jpeg(&gray, 100, shell_path("c/a/1.jpg"));
  ck_assert_int_eq(shell("printf 'P5 6 4 65535\\n' > c/a/2.pgm && head -c 48 /dev/zero | "
                         "tr '\\0' '\\100' >> c/a/2.pgm"),
                   0);
  write_png("c/b/1.png", PNG_COLOR_TYPE_RGB, 8, false, pixel, 3, 5, 7);
  dg_dataset *set = open_set(3, DG_NUMBERS_BYTES);
  dg_part_view train = dg_dataset_part(set, DG_PART_TRAIN),
               test = dg_dataset_part(set, DG_PART_TEST);
  ck_assert_uint_eq(train.count, 2);
  ck_assert_uint_eq(test.count, 1);
  for (int i = 0; i < 3 * PIXELS; i++) {
    ck_assert_int_le(abs(train.images[i] - 100), 1);
    ck_assert_uint_eq(train.images[3 * PIXELS + i], pixel[i / PIXELS]);
    ck_assert_uint_eq(test.images[i], 64);
  }
  dg_dataset_close(set);
  set = open_set(1, DG_NUMBERS_FLOATS);
  test = dg_dataset_part(set, DG_PART_TEST);
  ck_assert_float_eq_tol(((const float *)test.inputs)[0], 0x4040 / 65535.0f, 1e-6f);
  dg_dataset_close(set);
}
END_TEST

/** The folder and the IDX files that are written from it have the same bytes. */
START_TEST(written_as_idx) {
  for (int type = 0; type < 2; type++) {
    write_folder(0, false);
    write_png("c/a/2.png", PNG_COLOR_TYPE_RGB, 16, false, forms[7].pixel, 6, HEIGHT, WIDTH);
    dg_dataset *set = open_set(3, (dg_numbers_type)type);
    ck_assert_int_eq(shell("rm -rf idx"), 0);
    ck_assert_msg(dg_dataset_write(set, shell_path("idx"), false, &err), "%s", err.message);
    dg_dataset *again = dg_dataset_open(shell_path("idx"), 1, &err);
    ck_assert_msg(again, "%s", err.message);
    for (int p = 0; p < 2; p++) {
      dg_part_view a = dg_dataset_part(set, (dg_part)p), b = dg_dataset_part(again, (dg_part)p);
      ck_assert_uint_eq(a.count, b.count);
      ck_assert_mem_eq(a.dim, b.dim, sizeof a.dim);
      ck_assert_int_eq(a.type, b.type);
      ck_assert_mem_eq(a.inputs, b.inputs, a.count * 3 * PIXELS * (type ? sizeof(float) : 1));
      ck_assert_mem_eq(a.labels, b.labels, a.count);
    }
    dg_dataset_close(again);
    dg_dataset_close(set);
  }
}
END_TEST

/** Weights learned from a folder and from what digits-data wrote of it are the same. */
START_TEST(learned_from_either) {
  static const char model[] =
      "name = \"c\"; input = [3, 2, 3]; data = { mean = \"measure\"; std = \"measure\"; };"
      "layers = ({ type = \"flatten\"; }, { type = \"linear\"; units = 2; });"
      "train = { epochs = 3; batch = 4; };";
  ck_assert_int_eq(shell("rm -rf c && mkdir -p c/train/a c/train/b c/test/a c/test/b"), 0);
  for (int i = 0; i < 40; i++) {
    char name[40];
    const uint8_t pixel[] = {(uint8_t)(6 * i), (uint8_t)(i % 2 * 200), (uint8_t)(250 - 5 * i)};
    snprintf(name, sizeof name, "c/%s/%s/%d.png", i < 30 ? "train" : "test", i % 2 ? "a" : "b", i);
    write_png(name, PNG_COLOR_TYPE_RGB, 8, false, pixel, 3, HEIGHT, WIDTH);
  }
  FILE *file = fopen(shell_path("c.cfg"), "w");
  ck_assert_ptr_nonnull(file);
  fputs(model, file);
  ck_assert_int_eq(fclose(file), 0);
  shell_check("rm -rf idx; " DATA "--data c --input 3,2,3 write idx", 0, "30 images to train and 10");
  shell_check(RUN "--backend cpu --data c --save c.weights c.cfg && " RUN
                  "--backend cpu --data idx --save idx.weights c.cfg && cmp c.weights idx.weights",
              0, "of 10)");
  shell_check("rm -rf idx; " DATA "--data c write idx && " RUN "--backend cpu --data idx c.cfg", 2,
              "[3, 2, 3]");
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  TCase *tests = tcase_create("colour");
  tcase_add_loop_test(tests, bytes_of_three_channels, 0, sizeof forms / sizeof *forms);
  tcase_add_loop_test(tests, floats_keep_16_bits, 0, sizeof forms / sizeof *forms);
  tcase_add_loop_test(tests, gray_stays_as_it_was, 0, sizeof forms / sizeof *forms);
  tcase_add_test(tests, other_formats_and_sizes);
  tcase_add_test(tests, written_as_idx);
  tcase_add_test(tests, learned_from_either);
  int status = suite_main("colour", tests);
  shell_close();
  return status;
}
