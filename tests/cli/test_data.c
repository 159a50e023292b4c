/* digits-data as a user meets it: what it prints, writes and draws. */
#include <check.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/dataset.h"
#include "core/data/drawn/draw.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

#define FEW "--train 20 --test 10 "

static const shell_line lines[] = {
    {DATA "--help", 0, "Usage: digits-data [options] stats"},
    {DATA "--version", 0, "digits-data 0.1.0"},
    {DATA, 2, "give a command: stats, write or sheet"},
    {DATA "stat", 2, "unknown command \"stat\"; did you mean \"stats\"?"},
    {DATA "transmogrify", 2, "there are stats, write and sheet"},
    {DATA "stats now", 2, "stats takes no further word"},
    {DATA "write", 2, "write takes a FOLDER"},
    {DATA "write a b", 2, "write takes a FOLDER"},
    {DATA "sheet", 2, "sheet takes a FILE.png"},
    {DATA "--bogus stats", 2, "unknown option --bogus"},
    {DATA "-h", 0, "Usage: digits-data [options] stats"},
    {DATA "-x stats", 2, "unknown option -x; see --help"},
    {DATA "--data '' stats", 2, "option --data needs a value"},
    {"DIGITS_DATA= " DATA FEW "stats", 0, "built-in digits: images of 28x28"},
    {DATA "stats --data", 2, "option --data needs a value"},
    {DATA "--gzip stats", 2, "--gzip doesn't go with stats"},
    {DATA "--scale 3 write x", 2, "--scale doesn't go with write"},
    {DATA "--part test --gzip sheet x.png", 2, "--gzip doesn't go with sheet"},
    {DATA "--part all sheet x.png", 2, "--part must be train or test, not \"all\""},
    {DATA "--class 256 sheet x.png", 2, "--class must be a whole number from 0 to 255"},
    {DATA "--count 0 sheet x.png", 2, "--count must be"},
    {DATA "--seed -1 stats", 2, "--seed must be"},
    {DATA "--train 0 stats", 2, "--train must be"},
    {DATA "--data nowhere stats", 2, "nowhere: no such file or folder"},
    {DATA "--data nowhere.csv --targets y stats", 2, "nowhere.csv: no such file or folder"},
    {"mkdir -p around/set && cp *-ubyte around/set && " DATA "--data around stats", 2,
     "around: the set is in a folder of this one: give around/set"},
    {DATA "--input 0,3 stats", 2, "--input must be 1 to 3 sizes, as in 3,32,32, not \"0,3\""},
    {DATA "--input 1,2,3,4 stats", 2, "--input must be 1 to 3 sizes"},
    {DATA "--data . --seed 2 stats", 2, "add --data builtin"},
    {"DIGITS_DATA=. " DATA "--test 5 stats", 2, "the data is .; add --data builtin"},
    {DATA "--data . --class 11 sheet x.png", 2, "none of the 300 images"},
    {DATA "--data . --from 300 sheet x.png", 2, "from --from 300 on"},
    {DATA "--data . --count 300 --columns 300 --scale 64 sheet x.png", 2, "is too large"},
    {DATA "--data . --augment m3 --count 4295 --columns 1000000 sheet x.png", 2, "is too large"},
    {DATA "--data . sheet none/x.png", 1, "none/x.png can't be written"},
    {DATA "--data . sheet /dev/full", 1, "/dev/full could not be written: No space left"},
    {DATA "--data . write none/x", 1, "none/x: the folder can't be made"},
    {DATA "--data . write .", 2, "train-images-idx3-ubyte is there already"},
    {DATA "--data . --augment m33 sheet x.png", 2, "did you mean \"m3\"?"},
    {DATA "--data . --augment m3 --part test sheet x.png", 2, "--augment shows training images"},
    {DATA "--data . --augment m3 stats", 2, "--augment doesn't go with stats"},
    {DATA "--data . stats > /dev/full", 1, "standard output could not be written"},
};

START_TEST(command_lines) {
  shell_check(lines[_i].command, lines[_i].status, lines[_i].says);
}
END_TEST

START_TEST(it_counts_and_measures) {
  shell_check(DATA "--data . stats", 0, ".: images of 28x28\n");
  ck_assert_ptr_nonnull(strstr(shell_printed(), "7                  30         10\n"));
  ck_assert_ptr_nonnull(strstr(shell_printed(), "all               300        100\n"));
  /* black and white in equal shares: mean 1/2, deviation 1/2 */
  shell_check("mkdir halves && cd halves && "
              "printf '\\0\\0\\10\\3\\0\\0\\0\\2\\0\\0\\0\\1\\0\\0\\0\\2\\0\\377\\377\\0' > "
              "train-images-idx3-ubyte && "
              "printf '\\0\\0\\10\\1\\0\\0\\0\\2\\4\\5' > train-labels-idx1-ubyte && "
              "cp train-images-idx3-ubyte t10k-images-idx3-ubyte && "
              "cp train-labels-idx1-ubyte t10k-labels-idx1-ubyte && " DATA "--data . stats",
              0, "data = { mean = 0.5000; std = 0.5000; };");
  ck_assert_ptr_nonnull(strstr(shell_printed(), "5                   1          1\n"));
  ck_assert_ptr_null(strstr(shell_printed(), "\n3 "));
}
END_TEST

START_TEST(a_written_set_is_the_set) {
  shell_check(DATA "--data . --gzip write packed && " DATA "--data packed write plain", 0,
              "plain: 300 images to train and 100 to test, from packed");
  shell_check("ls packed", 0,
              "t10k-images-idx3-ubyte.gz\nt10k-labels-idx1-ubyte.gz\n"
              "train-images-idx3-ubyte.gz\ntrain-labels-idx1-ubyte.gz\n");
  shell_check("for f in t*-ubyte; do cmp $f plain/$f || exit 1; done", 0, "");
}
END_TEST

/** Pictures in colour, and a table of targets, as IDX files. */
START_TEST(other_kinds_are_written) {
  shell_check("mkdir -p colours/a colours/b", 0, "");
  for (int i = 0; i < 8; i++) {
    char name[40];
    uint8_t pixels[2 * 2 * 3];
    png_image png = {
        .version = PNG_IMAGE_VERSION, .width = 2, .height = 2, .format = PNG_FORMAT_RGB};
    for (int k = 0; k < 12; k++) pixels[k] = (uint8_t)(k % 3 * 100 + i);
    snprintf(name, sizeof name, "colours/%s/%d.png", i % 2 ? "b" : "a", i);
    ck_assert(png_image_write_to_file(&png, shell_path(name), 0, pixels, 0, NULL));
  }
  shell_check(DATA "--data colours --input 3,2,2 write rgb && " DATA "--data rgb stats", 0,
              "rgb: 6 images to train and 2 to test, from colours\n"
              "rgb: samples of [3, 2, 2] bytes");
  ck_assert_ptr_nonnull(strstr(shell_printed(), "1                                 100"));
  shell_check(DATA "--data colours stats", 0, "colours: images of 2x2");
  shell_check("printf 'a,y\\n1,2\\n3,4\\n' > v.csv; " DATA "--data v.csv --targets y write v && "
              "ls v",
              0,
              "v: 1 samples to train and 1 to test, from v.csv\nt10k-images-idx2-float\n"
              "t10k-targets-idx2-float\n");
}
END_TEST

/** Names of many columns take no time that grows with their square. */
START_TEST(wide_tables_are_described) {
  shell_check(
      "for i in $(seq 20000); do printf 'c%d,' $i; done > wide.csv; echo label >> wide.csv; "
      "for k in 0 1 1; do yes 0.5 | head -20000 | tr '\\n' ,; echo $k; done >> wide.csv; " DATA
      "--data wide.csv stats | tail -2 | cut -c1-6",
      0, "c20000");
}
END_TEST

START_TEST(a_seed_draws_a_set) {
  shell_check(DATA "--seed 1 " FEW "write one && " DATA "--seed 2 " FEW "write two", 0,
              "two: 20 images to train and 10 to test, from built-in digits");
  shell_check("head -c 15696 train-images-idx3-ubyte | tail -c 15680 > a; "
              "tail -c 15680 one/train-images-idx3-ubyte > b; cmp a b",
              0, "");
  shell_check("cmp one/train-images-idx3-ubyte two/train-images-idx3-ubyte", 1, "differ");
}
END_TEST

/** Reads a grey picture; the caller frees it. */
static uint8_t *read_picture(const char *name, png_image *picture) {
  *picture = (png_image){.version = PNG_IMAGE_VERSION};
  ck_assert_msg(png_image_begin_read_from_file(picture, shell_path(name)), "%s", picture->message);
  picture->format = PNG_FORMAT_GRAY;
  uint8_t *pixels = malloc(PNG_IMAGE_SIZE(*picture));
  ck_assert(png_image_finish_read(picture, NULL, pixels, 0, NULL));
  return pixels;
}

enum { SIDE = 28, SCALE = 3, GAP = 3, COLUMNS = 3, LABEL = 6 };
enum { CELL_HEIGHT = SIDE + 5 + 2 * GAP, CELL_WIDTH = SIDE + GAP };

/** Checks that a sheet shows an image in a cell, with an 8 below it. */
static void check_cell(const uint8_t *pixels, uint32_t cell, const uint8_t *image) {
  uint32_t width = (COLUMNS * CELL_WIDTH + GAP) * SCALE, wrong = 0, label = 0;
  uint32_t top = (GAP + cell / COLUMNS * CELL_HEIGHT) * SCALE;
  uint32_t left = (GAP + cell % COLUMNS * CELL_WIDTH) * SCALE;
  for (uint32_t y = 0; y < (SIDE + LABEL) * SCALE; y++)
    for (uint32_t x = 0; x < SIDE * SCALE; x++) {
      uint8_t grey = pixels[(top + y) * width + left + x];
      if (y < SIDE * SCALE)
        wrong += grey != 255 - image[y / SCALE * SIDE + x / SCALE];
      else
        label += grey != 255;
    }
  ck_assert_uint_eq(wrong, 0);
  ck_assert_uint_eq(label, 13 * SCALE * SCALE); /* the dots of an 8 */
}

START_TEST(a_sheet_shows_the_images) {
  shell_check(DATA "--data . --part test --class 8 --from 20 --count 5 --columns 3 --scale 3 "
                   "sheet s.png",
              0, "s.png: 5 images, 288x243 pixels");
  png_image picture;
  uint8_t *pixels = read_picture("s.png", &picture);
  ck_assert_uint_eq(picture.width, (COLUMNS * CELL_WIDTH + GAP) * SCALE);
  ck_assert_uint_eq(picture.height, (2 * CELL_HEIGHT + GAP) * SCALE);
  dg_dataset *set = dg_dataset_draw(300, 100, 1, 1, NULL);
  uint32_t cell = 0;
  for (uint32_t i = 20; i < 100 && cell < 5; i++)
    if (set->test.labels[i] == 8)
      check_cell(pixels, cell++, set->test.inputs + (size_t)i * SIDE * SIDE);
  ck_assert_uint_eq(cell, 5);
  dg_dataset_close(set);
  free(pixels);
}
END_TEST

START_TEST(a_seed_draws_the_augmentation) {
  shell_check("for s in 1 2; do " DATA "--data . --augment m3 --seed $s sheet s$s.png; done; " DATA
              "--data . --augment m3 sheet s.png; cmp s.png s1.png && ! cmp s1.png s2.png",
              0, "s1.png s2.png differ");
}
END_TEST

/** Cells of a row that show its first image again. */
static int copies(const uint8_t *pixels, uint32_t columns, uint32_t row) {
  size_t width = (columns * CELL_WIDTH + GAP) * SCALE;
  const uint8_t *first = pixels + (row * CELL_HEIGHT + GAP) * SCALE * width + GAP * SCALE;
  int found = 0;
  for (uint32_t column = 1; column < columns; column++) {
    const uint8_t *cell = first + column * CELL_WIDTH * SCALE;
    uint32_t same = 0;
    while (same < SIDE * SCALE && !memcmp(first + same * width, cell + same * width, SIDE * SCALE))
      same++;
    found += same == SIDE * SCALE;
  }
  return found;
}

START_TEST(a_sheet_shows_how_a_recipe_augments) {
  static const char *const models[] = {"cnn", "m3"};
  const int expected[] = {4, 0}; /* copies of an image in a row of five */
  for (int i = 0; i < 2; i++) {
    char command[300];
    snprintf(command, sizeof command,
             DATA "--data . --augment %s --count 3 --columns 5 --scale 3 sheet augmented.png",
             models[i]);
    shell_check(command, 0, "augmented.png: 15 images");
    png_image picture;
    uint8_t *pixels = read_picture("augmented.png", &picture);
    for (uint32_t row = 0; row < 3; row++) ck_assert_int_eq(copies(pixels, 5, row), expected[i]);
    free(pixels);
  }
}
END_TEST

START_TEST(a_sheet_is_no_larger_than_its_images) {
  shell_check(DATA "--data . --class 3 --from 290 --scale 1 sheet few.png", 0,
              "few.png: 1 images, 34x42 pixels");
  shell_check("ls", 0, "few.png\n");
  ck_assert_ptr_null(strstr(shell_printed(), "few.png."));
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  TCase *tests = tcase_create("data");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, command_lines, 0, sizeof lines / sizeof *lines);
  tcase_add_test(tests, it_counts_and_measures);
  tcase_add_test(tests, a_written_set_is_the_set);
  tcase_add_test(tests, other_kinds_are_written);
  tcase_add_test(tests, wide_tables_are_described);
  tcase_add_test(tests, a_seed_draws_a_set);
  tcase_add_test(tests, a_sheet_shows_the_images);
  tcase_add_test(tests, a_sheet_shows_how_a_recipe_augments);
  tcase_add_test(tests, a_seed_draws_the_augmentation);
  tcase_add_test(tests, a_sheet_is_no_larger_than_its_images);
  int status = suite_main("data", tests);
  shell_close();
  return status;
}
