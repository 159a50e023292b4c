/* Folders of pictures by class: which pictures are read, in which order, and what a person is told.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits/data.h"
#include "digits/picture.h"
#include "tests/common/canvas.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

#define TRAIN RUN "--backend cpu --epochs 1 --set out.units=3 --set input=[1,8,10] "

enum { HEIGHT = 8, WIDTH = 10, PIXELS = HEIGHT * WIDTH };

static dg_error err;

/** Writes a picture of one gray, in the format that its name says. */
static void write_gray(const char *name, uint32_t height, uint32_t width, uint8_t gray) {
  dg_picture p = {height, width, malloc((size_t)height * width)};
  ck_assert_ptr_nonnull(p.pixels);
  memset(p.pixels, gray, (size_t)height * width);
  if (strstr(name, ".pgm"))
    canvas_write_pgm(&p, shell_path(name));
  else if (strstr(name, ".png"))
    canvas_write_png(&p, shell_path(name));
  else
    canvas_write_jpeg(&p, 100, shell_path(name));
  free(p.pixels);
}

/** Three classes: 11 pictures of "ant" with the grays 0 to 10, 2 of "bee", 1 of "cat". */
static void write_classes(const char *root) {
  char name[200];
  snprintf(name, sizeof name, "cd %s && mkdir ant bee cat .git && echo x > bee/notes.txt", root);
  ck_assert_int_eq(shell(name), 0);
  for (unsigned i = 0; i < 11; i++) {
    snprintf(name, sizeof name, "%s/ant/%02u.%s", root, i, i % 2 ? "png" : "PNG.pgm");
    write_gray(name, HEIGHT, WIDTH, (uint8_t)i);
  }
  snprintf(name, sizeof name, "%s/bee/a.jpeg", root);
  write_gray(name, 2 * HEIGHT, 3 * WIDTH, 100);
  snprintf(name, sizeof name, "%s/bee/b.jpg", root);
  write_gray(name, HEIGHT / 2, WIDTH / 2, 200);
  snprintf(name, sizeof name, "%s/cat/c.png", root);
  write_gray(name, HEIGHT, WIDTH, 255);
}

static void write_folders(void) {
  ck_assert_int_eq(shell("mkdir -p flat parted/train parted/test/bee parted/other"), 0);
  write_classes("flat");
  write_classes("parted/train");
  write_gray("parted/test/bee/x.png", HEIGHT, WIDTH, 50);
  ck_assert_int_eq(shell("mkdir -p none/a none/b && cp -r parted strange && "
                         "mkdir strange/test/dog && cp -r flat broken && "
                         "echo no > broken/bee/a.jpeg && mkdir -p large/a"),
                   0);
  write_gray("large/a/1.pgm", 1025, 10, 1);
}

static void check_image(const dg_part_view *part, uint32_t i, uint8_t label, int gray) {
  ck_assert_uint_eq(part->labels[i], label);
  for (uint32_t p = 0; p < PIXELS; p++)
    ck_assert_int_le(abs(part->images[(size_t)i * PIXELS + p] - gray), 1);
}

static dg_dataset *open_set(const char *name) {
  dg_dataset *set = dg_dataset_open(shell_path(name), 1, &err);
  ck_assert_msg(set, "%s", err.message);
  dg_part_view train = dg_dataset_part(set, DG_PART_TRAIN);
  ck_assert_uint_eq(train.height, HEIGHT);
  ck_assert_uint_eq(train.width, WIDTH);
  ck_assert_uint_eq(dg_dataset_classes(set)->count, 3);
  ck_assert_str_eq(dg_dataset_classes(set)->name[0], "ant");
  ck_assert_str_eq(dg_dataset_classes(set)->name[2], "cat");
  return set;
}

START_TEST(the_last_tenth_of_each_class_is_kept) {
  dg_dataset *set = open_set("flat");
  dg_part_view train = dg_dataset_part(set, DG_PART_TRAIN),
               test = dg_dataset_part(set, DG_PART_TEST);
  ck_assert_str_eq(dg_dataset_held_out(set), "the last tenth of each class");
  ck_assert_uint_eq(train.count, 12);
  ck_assert_uint_eq(test.count, 2);
  for (uint32_t i = 0; i < 10; i++) check_image(&train, i, 0, (int)i);
  check_image(&train, 10, 1, 100); /* made smaller */
  check_image(&train, 11, 2, 255);
  check_image(&test, 0, 0, 10);
  check_image(&test, 1, 1, 200); /* made larger */
  ck_assert(dg_dataset_merge(set, DG_PART_TRAIN, &err));
  ck_assert_uint_eq(dg_dataset_train_samples(set), 14);
  ck_assert_uint_eq(dg_dataset_test_samples(set), 0);
  dg_dataset_close(set);
}
END_TEST

START_TEST(train_and_test_are_apart) {
  dg_dataset *set = open_set("parted");
  dg_part_view train = dg_dataset_part(set, DG_PART_TRAIN),
               test = dg_dataset_part(set, DG_PART_TEST);
  ck_assert_ptr_null(dg_dataset_held_out(set));
  ck_assert_uint_eq(train.count, 14);
  ck_assert_uint_eq(test.count, 1);
  check_image(&train, 10, 0, 10);
  check_image(&test, 0, 1, 50);
  dg_dataset_close(set);
}
END_TEST

/** A picture whose left third is dark and whose rest is bright keeps its shape when scaled. */
START_TEST(scaling_keeps_what_is_where) {
  dg_picture p = {3, 60, malloc(180)};
  ck_assert_ptr_nonnull(p.pixels);
  for (uint32_t i = 0; i < 180; i++) p.pixels[i] = i % 60 < 20 ? 0 : 240;
  ck_assert_int_eq(shell("mkdir -p scaled/a"), 0);
  write_gray("scaled/a/0.png", HEIGHT, WIDTH, 1);
  write_gray("scaled/a/2.png", HEIGHT, WIDTH, 1);
  canvas_write_png(&p, shell_path("scaled/a/1.png"));
  free(p.pixels);
  dg_dataset *set = dg_dataset_open(shell_path("scaled"), 1, &err);
  ck_assert_msg(set, "%s", err.message);
  const uint8_t *image = dg_dataset_part(set, DG_PART_TRAIN).images + PIXELS;
  static const uint8_t line[WIDTH] = {0, 0, 0, 160, 240, 240, 240, 240, 240, 240};
  for (uint32_t y = 0; y < HEIGHT; y++)
    for (uint32_t x = 0; x < WIDTH; x++) ck_assert_int_le(abs(image[y * WIDTH + x] - line[x]), 1);
  dg_dataset_close(set);
}
END_TEST

static const shell_line lines[] = {
    {TRAIN "--data flat vanilla", 0,
     "flat: 12 to train, 0 to validate, 2 to test (the last tenth of each class)"},
    {TRAIN "--data parted vanilla", 0, "parted: 14 to train, 0 to validate, 1 to test\n"},
    {TRAIN "--data parted --test-data flat vanilla", 0, "14 to test from flat\n"},
    {TRAIN "--data flat --test-data parted vanilla", 0, "flat: 14 to train"},
    {DATA "--data flat stats", 0, "flat: images of 8x10; to test: the last tenth of each class"},
    {DATA "--data flat stats", 0, "2                   1          0  cat\n"},
    {DATA "--data flat write idx && cat idx/classes.txt", 0, "ant\nbee\ncat\n"},
    {TRAIN "--data idx --test-data flat vanilla", 0, "12 to train"},
    {"mv flat/cat flat/dog; " TRAIN "--data parted --test-data flat vanilla; e=$?; "
     "mv flat/dog flat/cat; exit $e",
     2, "class 2 is \"cat\", but \"dog\" in flat"},
    {TRAIN "--data none vanilla", 2, "none/a: no picture (.png, .jpg, .jpeg, .pgm) is in it"},
    {TRAIN "--data flat/ant vanilla", 2, "put MNIST's four files there, or a folder of pictures"},
    {TRAIN "--data strange vanilla", 2, "strange/test/dog: the training pictures have no such"},
    {TRAIN "--data broken vanilla", 2, "broken/bee/a.jpeg: this is no picture of a known kind"},
    {TRAIN "--data large vanilla", 2, "large/a/1.pgm: 1025x10 pixels are too many"},
    {TRAIN "--set input=[1,28,28] --data flat vanilla", 2, "the images are of 8x10: input="},
    {"mkdir one one/a one/b && cp flat/cat/c.png one/a && cp flat/cat/c.png one/b && " TRAIN
     "--data one vanilla",
     2, "one: too few images to keep some for the test; add --test-data"},
};

START_TEST(command_lines) {
  shell_check(lines[_i].command, lines[_i].status, lines[_i].says);
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  TCase *tests = tcase_create("folders");
  tcase_set_timeout(tests, 120);
  tcase_add_unchecked_fixture(tests, write_folders, NULL);
  tcase_add_test(tests, the_last_tenth_of_each_class_is_kept);
  tcase_add_test(tests, train_and_test_are_apart);
  tcase_add_test(tests, scaling_keeps_what_is_where);
  tcase_add_loop_test(tests, command_lines, 0, sizeof lines / sizeof *lines);
  int status = suite_main("folders", tests);
  shell_close();
  return status;
}
