/*
 * Files of up to 256 KB that unpack to far more: pictures, tables and sets. They are read within
 * two seconds and 512 MB, or refused.
 */
#include <check.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tests/common/shell.h"
#include "tests/common/suite.h"
#include "tests/stress/cost.h"

#define PREDICT PROGRAM("digits-predict") "--backend cpu " WEIGHTS_OF_ZOO "vanilla.safetensors "
#define STATS DATA "--data bomb stats"

enum { MEGABYTE = 1 << 20, LARGEST = 256 << 10 };

static FILE *open_file(const char *name) {
  FILE *file = fopen(shell_path(name), "wb");
  ck_assert_msg(file != NULL, "%s", name);
  return file;
}

static void close_file(FILE *file) {
  ck_assert_int_le(ftell(file), LARGEST);
  ck_assert_int_eq(fclose(file), 0);
}

/* ---- JPEG --------------------------------------------------------------- */

static void put_segment(FILE *file, int marker, const void *bytes, size_t size) {
  const int length = (int)size + 2;
  fputc(0xff, file);
  fputc(marker, file);
  fputc(length >> 8, file);
  fputc(length & 255, file);
  fwrite(bytes, 1, size, file);
}

/** Scans of nothing: each of a block's codes is a bit, or one code stands for 16 384 blocks. */
static void put_scans(FILE *file, int components, int scans) {
  enum { BLOCKS = 1024 * 1024, RUNS = BLOCKS / 16384, BITS = 15 };
  static const unsigned char zeros[RUNS * BITS / 8];
  const unsigned char all[] = {(unsigned char)components, 1, 0, 2, 0, 3, 0};
  unsigned char head[16];
  memcpy(head, all, 1 + 2 * (size_t)components);
  memset(head + 1 + 2 * components, 0, 3);
  put_segment(file, 0xda, head, 4 + 2 * (size_t)components);
  for (int i = 0; i < BLOCKS / 8 * components; i++) fputc(0, file);
  for (int i = 0, low = 13, at = 1; i < scans; i++, at = at % 63 + 1) {
    if (i && at == 1) low--;
    const unsigned char some[] = {1,
                                  1,
                                  0,
                                  (unsigned char)at,
                                  (unsigned char)at,
                                  (unsigned char)(low < 13 ? (low + 1) << 4 | low : low)};
    put_segment(file, 0xda, some, sizeof some);
    fwrite(zeros, 1, sizeof zeros, file);
  }
}

/** A progressive picture of 8192 x 8192, all gray. */
static void write_jpeg(int frame, int scans) {
  unsigned char steps[65] = {0}, codes[18] = {0, 1};
  const unsigned char size[] = {8, 32, 0, 32, 0, 1, 1, 0x11, 0};
  FILE *file = open_file("bomb");
  memset(steps + 1, 1, 64);
  fwrite("\377\330", 1, 2, file);
  put_segment(file, 0xdb, steps, sizeof steps);
  put_segment(file, frame, size, sizeof size);
  put_segment(file, 0xc4, codes, sizeof codes);
  codes[0] = 0x10, codes[17] = 0xe0;
  put_segment(file, 0xc4, codes, sizeof codes);
  put_scans(file, 1, scans);
  fwrite("\377\331", 1, 2, file);
  close_file(file);
}

START_TEST(progressive_pictures) {
  write_jpeg(0xc2, 14);
  cost_check("JPEG, 15 scans", PREDICT "bomb", 2, "no ink was found");
  write_jpeg(0xc2, 16);
  cost_check("JPEG, 17 scans", PREDICT "bomb", 2, "too many scans for its size");
  write_jpeg(0xc2, 498);
  cost_check("JPEG, 499 scans", PREDICT "bomb", 2, "too many scans for its size");
  write_jpeg(0xca, 1);
  cost_check("JPEG, arithmetic coding", PREDICT "bomb", 2, "arithmetic coding");
}
END_TEST

/** Exif data of 5000 pointers to the directory that they are in, before the tag of how the picture
    was held. */
static void write_pointers(void) {
  enum { POINTERS = 5000, ENTRY = 12 };
  static unsigned char exif[6 + 8 + 2 + (POINTERS + 1) * ENTRY + 4];
  const unsigned char head[] = {'E', 'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0};
  const unsigned char pointers[2][ENTRY] = {{0x25, 0x88, 4, 0, 1, 0, 0, 0, 8, 0, 0, 0},
                                            {0x69, 0x87, 4, 0, 1, 0, 0, 0, 8, 0, 0, 0}};
  const unsigned char held[] = {0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0};
  const unsigned char size[] = {8, 0, 8, 0, 16, 1, 1, 0x11, 0};
  const unsigned char codes[] = {0, 1, [17] = 0}, scan[] = {1, 1, 0, 0, 63, 0};
  unsigned char steps[65] = {0}, *at = exif + sizeof head;
  memset(steps + 1, 1, 64);
  memcpy(exif, head, sizeof head);
  *at++ = (POINTERS + 1) & 255;
  *at++ = (POINTERS + 1) >> 8;
  for (int i = 0; i < POINTERS; i++, at += ENTRY) memcpy(at, pointers[i % 2], ENTRY);
  memcpy(at, held, ENTRY);
  FILE *file = open_file("bomb");
  fwrite("\377\330", 1, 2, file);
  put_segment(file, 0xe1, exif, sizeof exif);
  put_segment(file, 0xdb, steps, sizeof steps);
  put_segment(file, 0xc0, size, sizeof size);
  put_segment(file, 0xc4, codes, sizeof codes);
  put_segment(file, 0xc4, "\20\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 18);
  put_segment(file, 0xda, scan, sizeof scan);
  fwrite("\17\377\331", 1, 3, file);
  close_file(file);
}

START_TEST(photographs_that_point_to_themselves) {
  write_pointers();
  cost_check("JPEG, Exif data of 5000 pointers", PREDICT "bomb", 2, "no ink was found");
}
END_TEST

/* ---- PNG ---------------------------------------------------------------- */

/** A picture of zeros, whose rows are filtered by the slowest filter, with a chunk before them. */
static void write_png(uint32_t side, int depth, int colour, int interlace, const char *chunk,
                      uLong inflated) {
  FILE *file = open_file("bomb");
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
  png_infop info = png_create_info_struct(png);
  ck_assert(png && info);
  png_init_io(png, file);
  png_set_compression_level(png, 9);
  png_set_filter(png, 0, PNG_FILTER_PAETH);
  png_set_IHDR(png, info, side, side, depth, colour, interlace, 0, 0);
  png_write_info(png, info);
  if (chunk) {
    uLong packed_size = compressBound(inflated);
    Bytef *zeros = calloc(1, inflated), *packed = malloc(packed_size + 3);
    ck_assert(zeros && packed);
    memcpy(packed, "a\0", 3);
    ck_assert_int_eq(compress2(packed + 3, &packed_size, zeros, inflated, 9), Z_OK);
    png_write_chunk(png, (png_const_bytep)chunk, packed, packed_size + 3);
    free(zeros);
    free(packed);
  }
  png_bytep row = calloc(side, 8);
  ck_assert_ptr_nonnull(row);
  for (int passes = png_set_interlace_handling(png); passes > 0; passes--)
    for (uint32_t y = 0; y < side; y++) png_write_row(png, row);
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  free(row);
  close_file(file);
}

START_TEST(pictures_that_inflate) {
  write_png(8192, 1, PNG_COLOR_TYPE_GRAY, 0, NULL, 0);
  cost_check("PNG, 64 megapixels in 8 KB", PREDICT "bomb", 2, "no ink was found");
  write_png(8192, 1, PNG_COLOR_TYPE_GRAY, 1, NULL, 0);
  cost_check("PNG, interlaced", PREDICT "bomb", 2, "no ink was found");
  write_png(5600, 8, PNG_COLOR_TYPE_RGB_ALPHA, 0, NULL, 0);
  cost_check("PNG, 125 MB of rows", PREDICT "bomb", 2, "it is too short for its size");
  write_png(5000, 8, PNG_COLOR_TYPE_RGB_ALPHA, 0, NULL, 0);
  cost_check("PNG, 100 MB of rows", PREDICT "bomb", 2, "no ink was found");
  write_png(16, 8, PNG_COLOR_TYPE_GRAY, 0, "zTXt", 64 * MEGABYTE);
  cost_check("PNG, a text of 64 MB", PREDICT "bomb", 2, "no ink was found");
  write_png(16, 8, PNG_COLOR_TYPE_GRAY, 0, "iCCP", 64 * MEGABYTE);
  cost_check("PNG, a profile of 64 MB", PREDICT "bomb", 2, "no ink was found");
}
END_TEST

/* ---- ink ---------------------------------------------------------------- */

static void fill(uint8_t *pixels, uint32_t side, uint32_t y, uint32_t x, uint32_t height,
                 uint32_t width, uint8_t value) {
  for (uint32_t row = y; row < y + height; row++) memset(pixels + row * side + x, value, width);
}

/** Half a million specks, and as many digits as there may be. */
START_TEST(specks) {
  enum { PIXELS = 2048 };
  uint8_t *pixels = calloc(PIXELS, PIXELS);
  ck_assert_ptr_nonnull(pixels);
  for (uint32_t y = 0; y < PIXELS; y += 3)
    for (uint32_t x = 0; x < PIXELS; x += 3) pixels[y * PIXELS + x] = 255;
  for (uint32_t y = 4; y + 32 < PIXELS; y += 32)
    for (uint32_t x = 4; x + 16 < PIXELS; x += 32) {
      fill(pixels, PIXELS, y, x, 13, 13, 0);
      fill(pixels, PIXELS, y + 4, x + 4, 5, 4, 255);
    }
  fill(pixels, PIXELS, PIXELS - 30, 0, 20, 9, 0);
  fill(pixels, PIXELS, PIXELS - 30, 4, 20, 2, 255);
  png_image image = {
      .version = PNG_IMAGE_VERSION, .width = PIXELS, .height = PIXELS, .format = PNG_FORMAT_GRAY};
  ck_assert(png_image_write_to_file(&image, shell_path("bomb"), 0, pixels, 0, NULL));
  free(pixels);
  cost_check("PNG, specks and digits", PREDICT "bomb | grep -c . && true", 0, "");
}
END_TEST

/* ---- tables and sets ---------------------------------------------------- */

/** A gzipped file of a head and, so often that it unpacks to so many megabytes, a part. */
static void write_gzip(const char *name, const void *head, size_t size, const char *part,
                       size_t part_size, unsigned megabytes) {
  gzFile file = gzopen(shell_path(name), "wb9");
  char *piece = malloc(MEGABYTE);
  ck_assert(file && piece);
  size_t length = MEGABYTE / part_size * part_size;
  for (size_t i = 0; i < length; i++) piece[i] = part[i % part_size];
  ck_assert_int_eq(gzwrite(file, head, (unsigned)size), (int)size);
  for (unsigned i = 0; i < megabytes; i++)
    ck_assert_int_eq(gzwrite(file, piece, (unsigned)length), (int)length);
  ck_assert_int_eq(gzclose(file), Z_OK);
  free(piece);
}

START_TEST(tables_that_inflate) {
  static const char head[] = "label,a\n", one[] = "label,a\n0,";
  write_gzip("bomb", head, sizeof head - 1, "0,0\n", 4, 100);
  cost_check("CSV, rows", STATS, 2, "are more than 67108864 when they are unpacked");
  write_gzip("bomb", one, sizeof one - 1, "0", 1, 100);
  cost_check("CSV, a value", STATS, 2, "bomb:2: a value of more than 255 characters");
  write_gzip("bomb", head, sizeof head - 1, "\n", 1, 100);
  cost_check("CSV, empty lines", STATS, 2, "more than 64 empty lines");
  write_gzip("bomb", "label", 5, ",a", 2, 100);
  cost_check("CSV, columns", STATS, 2, "are more than 67108864 when they are unpacked");
}
END_TEST

START_TEST(sets_that_inflate) {
  enum { IMAGES = 240 };
  /* IMAGES of 1024 x 1024; then all but so many as the file can hold */
  static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, IMAGES, 0, 0, 4, 0, 0, 0, 4, 0};
  static const unsigned char more[] = {0, 0, 8, 3, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4, 0};
  static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, IMAGES};
  ck_assert_int_eq(shell("rm -rf bomb && mkdir bomb"), 0);
  write_gzip("bomb/train-images-idx3-ubyte.gz", images, sizeof images, "", 1, IMAGES);
  gzFile file = gzopen(shell_path("bomb/train-labels-idx1-ubyte.gz"), "wb");
  ck_assert(file && gzwrite(file, labels, sizeof labels) && gzseek(file, 8 + IMAGES, SEEK_SET) > 0);
  ck_assert_int_eq(gzclose(file), Z_OK);
  cost_check("IDX, 240 MB", STATS, 2, "t10k-images");
  write_gzip("bomb/train-images-idx3-ubyte.gz", more, sizeof more, "", 1, 1);
  cost_check("IDX, 1 GB of a file of 1 KB", STATS, 2, "can hold");
  write_gzip("bomb/train-images-idx3-ubyte.gz", images, sizeof images, "", 1, IMAGES + 1);
  cost_check("IDX, more than its header says", STATS, 2, "but more follow them");
}
END_TEST

/** A set of two classes, whose first picture has 1024 x 1024 pixels. */
static void begin_folders(const char *set) {
  char line[200];
  ck_assert_int_eq(shell("rm -rf bomb"), 0);
  write_png(1024, 1, PNG_COLOR_TYPE_GRAY, 0, NULL, 0);
  snprintf(line, sizeof line, "mkdir -p %s/a %s/b && cp bomb %s/a/0.png && cp bomb %s/b/0.png", set,
           set, set, set);
  ck_assert_int_eq(shell(line), 0);
}

START_TEST(folders_that_inflate) {
  begin_folders("small");
  for (int i = 1; i <= 1000; i++) {
    char name[32];
    snprintf(name, sizeof name, "small/a/%d.pgm", i);
    FILE *file = open_file(name);
    fputs("P5 1 1 255 x", file);
    close_file(file);
  }
  cost_check("pictures of a pixel, enlarged", DATA "--data small stats", 2,
             "more pixels of a byte");
  begin_folders("large");
  write_png(8192, 1, PNG_COLOR_TYPE_GRAY, 0, NULL, 0);
  ck_assert_int_eq(shell("for i in $(seq 10 39); do cp bomb large/a/$i.png; done"), 0);
  cost_check("pictures of 64 megapixels", DATA "--data large stats", 2, "more pixels of a byte");
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  TCase *tests = tcase_create("bombs");
  tcase_set_timeout(tests, 300);
  tcase_add_test(tests, progressive_pictures);
  tcase_add_test(tests, photographs_that_point_to_themselves);
  tcase_add_test(tests, pictures_that_inflate);
  tcase_add_test(tests, specks);
  tcase_add_test(tests, tables_that_inflate);
  tcase_add_test(tests, sets_that_inflate);
  tcase_add_test(tests, folders_that_inflate);
  int status = suite_main("bombs", tests);
  shell_close();
  return status;
}
