/* Pictures: the formats that are read, and files that are none. */
#include <check.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/base/file/file.h"
#include "digits/picture.h"
#include "tests/common/canvas.h"
#include "tests/common/suite.h"

enum { SIDE = 28, HEIGHT = 24, WIDTH = 40, CAPACITY = 1 << 16 };

static char folder[] = "/tmp/digits-picture-XXXXXX";

static const char *path_of(const char *name) {
  static char path[100];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

/* ---- formats ------------------------------------------------------------ */

/** A picture with soft changes, whose corners differ. */
static dg_picture soft_picture(void) {
  dg_picture p = {HEIGHT, WIDTH, malloc(HEIGHT * WIDTH)};
  for (uint32_t i = 0; i < HEIGHT * WIDTH; i++)
    p.pixels[i] = (uint8_t)(20 + 4 * (i % WIDTH) + 3 * (i / WIDTH));
  return p;
}

/** Checks that a file reads as a picture, each gray at most `off` apart. */
static void check_reads(const char *path, const dg_picture *expected, int off) {
  dg_picture got;
  dg_error err = {0};
  ck_assert_msg(dg_picture_read(&got, path, &err), "%s", err.message);
  ck_assert_uint_eq(got.height, expected->height);
  ck_assert_uint_eq(got.width, expected->width);
  for (uint32_t i = 0; i < got.height * got.width; i++)
    ck_assert_msg(abs(got.pixels[i] - expected->pixels[i]) <= off, "%s: pixel %u: %d, not %d", path,
                  i, got.pixels[i], expected->pixels[i]);
  dg_picture_free(&got);
}

START_TEST(the_formats_are_read) {
  dg_picture p = soft_picture();
  canvas_write_png(&p, path_of("soft.png"));
  check_reads(path_of("soft.png"), &p, 0);
  canvas_write_jpeg(&p, 95, path_of("soft.jpg"));
  check_reads(path_of("soft.jpg"), &p, 4);
  canvas_write_pgm(&p, path_of("soft.pgm"));
  check_reads(path_of("soft.pgm"), &p, 0);
  dg_picture_free(&p);
}
END_TEST

/** Writes a PNG of any of libpng's simple formats. */
static void write_png(const void *pixels, uint32_t height, uint32_t width, uint32_t format) {
  png_image image = {
      .version = PNG_IMAGE_VERSION, .width = width, .height = height, .format = format};
  ck_assert_msg(png_image_write_to_file(&image, path_of("x.png"), 0, pixels, 0, NULL), "%s",
                image.message);
}

START_TEST(colours_and_what_is_transparent_become_gray) {
  /* white, black, a gray and clear black: on white paper, since what shows is dark */
  static const uint8_t dark[] = {255, 255, 255, 255, 0, 0, 0, 255, 90, 90, 90, 255, 0, 0, 0, 0};
  static const uint8_t on_white[] = {255, 0, 90, 255};
  /* bright ink alone shows: black paper */
  static const uint8_t bright[] = {255, 255, 255, 255, 200, 200, 200, 255, 9, 9, 9, 0, 0, 0, 0, 0};
  static const uint8_t on_black[] = {255, 200, 0, 0};
  write_png(dark, 1, 4, PNG_FORMAT_RGBA);
  check_reads(path_of("x.png"), &(dg_picture){1, 4, (uint8_t *)on_white}, 1);
  write_png(bright, 1, 4, PNG_FORMAT_RGBA);
  check_reads(path_of("x.png"), &(dg_picture){1, 4, (uint8_t *)on_black}, 1);
}
END_TEST

/* ---- numbers, not light ------------------------------------------------- */

/** A form of PNG file, whose numbers are made of their places. */
typedef struct {
  int depth, colour, interlace;
  bool light; /**< it says what light its numbers mean, wrongly */
} png_form;

/** The number of a channel at a place, below 2^depth; that of an opacity is none, half or all. */
static unsigned number_at(const png_form *f, uint32_t y, uint32_t x, unsigned channel) {
  unsigned most = (1u << f->depth) - 1;
  bool opacity = (f->colour & PNG_COLOR_MASK_ALPHA) && channel == (f->colour & 2 ? 3u : 1u);
  if (opacity) return (x + y) % 3 * (most / 2) + ((x + y) % 3 == 2);
  unsigned number = (x * 1657 + y * 977 + channel * 7919) & most;
  return f->colour & PNG_COLOR_MASK_ALPHA ? number / 3 : number; /* dark ink: on white */
}

/** An entry of the palette. */
static png_color entry_of(unsigned i) {
  return (png_color){(png_byte)(i * 37), (png_byte)(255 - i * 11), (png_byte)(i * i)};
}

static unsigned gray_of(unsigned r, unsigned g, unsigned b) {
  return (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
}

static uint8_t expected_at(const png_form *f, uint32_t y, uint32_t x) {
  unsigned n[4], most = (1u << f->depth) - 1;
  for (unsigned c = 0; c < 4; c++) n[c] = (number_at(f, y, x, c) * 255 + most / 2) / most;
  if (f->colour == PNG_COLOR_TYPE_PALETTE) {
    png_color e = entry_of(number_at(f, y, x, 0));
    return (uint8_t)gray_of(e.red, e.green, e.blue);
  }
  unsigned gray = f->colour & PNG_COLOR_MASK_COLOR ? gray_of(n[0], n[1], n[2]) : n[0];
  unsigned alpha = f->colour & PNG_COLOR_MASK_ALPHA ? n[f->colour & 2 ? 3 : 1] : 255;
  return (uint8_t)((gray * alpha + 255 * (255 - alpha) + 127) / 255);
}

static void fill_rows(const png_form *f, unsigned channels, png_bytep rows[HEIGHT]) {
  for (uint32_t y = 0; y < HEIGHT; y++)
    for (uint32_t x = 0; x < WIDTH; x++)
      for (unsigned c = 0; c < channels; c++) {
        unsigned number = number_at(f, y, x, c), at = x * channels + c;
        if (f->depth == 16) rows[y][2 * at] = (png_byte)(number >> 8);
        rows[y][f->depth == 16 ? 2 * at + 1 : at] = (png_byte)number;
      }
}

static void write_form(const png_form *f, const char *path) {
  static png_byte bytes[HEIGHT][WIDTH * 8];
  png_bytep rows[HEIGHT];
  png_color palette[256];
  FILE *file = fopen(path, "wb");
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
  png_infop info = png_create_info_struct(png);
  ck_assert(file && png && info);
  png_init_io(png, file);
  png_set_IHDR(png, info, WIDTH, HEIGHT, f->depth, f->colour, f->interlace, 0, 0);
  for (unsigned i = 0; i < 256; i++) palette[i] = entry_of(i);
  if (f->colour == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette, 1 << f->depth);
  if (f->light) {
    png_set_gAMA(png, info, 1.0);
    png_set_cHRM(png, info, 0.3, 0.3, 0.7, 0.2, 0.2, 0.7, 0.1, 0.1);
  }
  png_write_info(png, info);
  if (f->depth < 8) png_set_packing(png);
  for (int y = 0; y < HEIGHT; y++) rows[y] = bytes[y];
  fill_rows(f, png_get_channels(png, info), rows);
  png_write_image(png, rows);
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  ck_assert_int_eq(fclose(file), 0);
}

START_TEST(pixels_are_the_numbers_of_a_file) {
  static const int depths[] = {1, 2, 4, 8, 16};
  static const int colours[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_PALETTE, PNG_COLOR_TYPE_RGB,
                                PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB_ALPHA};
  uint8_t expected[HEIGHT * WIDTH];
  for (int i = 0; i < 5 * 5 * 4; i++) {
    png_form f = {depths[i % 5], colours[i / 5 % 5], i / 25 % 2, i / 50};
    bool palette = f.colour == PNG_COLOR_TYPE_PALETTE;
    if ((palette && f.depth == 16) || (!palette && f.colour != 0 && f.depth < 8)) continue;
    write_form(&f, path_of("x.png"));
    for (uint32_t at = 0; at < HEIGHT * WIDTH; at++)
      expected[at] = expected_at(&f, at / WIDTH, at % WIDTH);
    printf("depth %d, colour type %d, interlace %d, light %d\n", f.depth, f.colour, f.interlace,
           f.light);
    check_reads(path_of("x.png"), &(dg_picture){HEIGHT, WIDTH, expected}, 0);
  }
}
END_TEST

static void write_file(const char *path, const void *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  ck_assert(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

START_TEST(all_forms_of_pgm_are_read) {
  static const uint8_t grays[] = {0, 128, 255, 51};
  static const dg_picture expected = {2, 2, (uint8_t *)grays};
  static const struct {
    const char *bytes;
    size_t size;
  } forms[] = {{"P2 # a comment\n2 2\n10 0 5\n10 2", 30},
               {"P5\n2 2 255\n\0\200\377\063", 15},
               {"P5\n2 2 65535\n\0\0\200\0\377\377\063\063", 21}};
  for (int i = 0; i < 3; i++) {
    write_file(path_of("x.pgm"), forms[i].bytes, forms[i].size);
    check_reads(path_of("x.pgm"), &expected, 0);
  }
}
END_TEST

/** Writes a JPEG file with an Exif segment behind its first two bytes: held in the way `how`; the
    odd ways in numbers whose high byte is first, behind a tag of another kind. */
static void write_turned(const dg_picture *p, uint8_t how) {
  const uint8_t high_first[] = {0xff, 0xe1, 0, 46, 'E', 'x', 'i', 'f', 0,    0,    'M', 'M',
                                0,    42,   0, 0,  0,   8,   0,   2,   0x01, 0x0f, 0,   2,
                                0,    0,    0, 4,  'd', 'i', 'g', 0,   0x01, 0x12, 0,   3,
                                0,    0,    0, 1,  0,   how, 0,   0,   0,    0,    0,   0};
  const uint8_t low_first[] = {0xff, 0xe1, 0, 46, 'E', 'x', 'i', 'f', 0,    0,    'I', 'I',
                               42,   0,    8, 0,  0,   0,   2,   0,   0x0f, 0x01, 2,   0,
                               4,    0,    0, 0,  'd', 'i', 'g', 0,   0x12, 0x01, 3,   0,
                               1,    0,    0, 0,  how, 0,   0,   0,   0,    0,    0,   0};
  const uint8_t *exif = how % 2 ? high_first : low_first;
  static uint8_t whole[CAPACITY];
  size_t size;
  dg_error err = {0};
  canvas_write_jpeg(p, 95, path_of("x.jpg"));
  char *bytes = dg_file_read(path_of("x.jpg"), CAPACITY - sizeof low_first, &size, &err);
  ck_assert_ptr_nonnull(bytes);
  memcpy(whole, bytes, 2);
  memcpy(whole + 2, exif, sizeof low_first);
  memcpy(whole + 2 + sizeof low_first, bytes + 2, size - 2);
  write_file(path_of("x.jpg"), whole, size + sizeof low_first);
  free(bytes);
}

START_TEST(photographs_are_turned_as_they_were_held) {
  /* grays of the corners, as they are seen: top left, top right, bottom left, bottom right; in the
     file they are about 20, 176, 89 and 245 */
  static const int corners[8][4] = {{20, 176, 89, 245}, {176, 20, 245, 89}, {245, 89, 176, 20},
                                    {89, 245, 20, 176}, {20, 89, 176, 245}, {89, 20, 245, 176},
                                    {245, 176, 89, 20}, {176, 245, 20, 89}};
  dg_picture p = soft_picture();
  for (uint8_t how = 1; how <= 8; how++) {
    dg_picture got;
    dg_error err = {0};
    write_turned(&p, how);
    ck_assert_msg(dg_picture_read(&got, path_of("x.jpg"), &err), "%s", err.message);
    ck_assert_uint_eq(got.height, how <= 4 ? HEIGHT : WIDTH);
    size_t last = (size_t)got.height * got.width - 1;
    size_t at[4] = {0, got.width - 1, last + 1 - got.width, last};
    for (int i = 0; i < 4; i++)
      ck_assert_msg(abs(got.pixels[at[i]] - corners[how - 1][i]) <= 8, "%u: corner %d: %d", how, i,
                    got.pixels[at[i]]);
    dg_picture_free(&got);
  }
  dg_picture_free(&p);
}
END_TEST

/* ---- what is no picture ------------------------------------------------- */

/** Reads a file and looks for digits; checks that this fails, and says so. */
static void check_fails(const char *path, const char *says) {
  dg_picture picture;
  dg_digits digits = {0};
  dg_error err = {0};
  bool ok = dg_picture_read(&picture, path, &err) &&
            dg_digits_find(&picture, path, SIDE, SIDE, &digits, &err);
  ck_assert_msg(!ok, "%s: %u digits", path, digits.count);
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  ck_assert_msg(strstr(err.message, says) && strstr(err.message, path), "expected \"%s\" in: %s",
                says, err.message);
  ck_assert_ptr_null(digits.images);
  dg_picture_free(&picture);
}

START_TEST(what_is_no_picture_is_refused) {
  static const struct {
    const char *text, *says;
  } files[] = {
      {"", "the file is empty"},
      {"hello", "no picture of a known kind"},
      {"P5", "no picture of a known kind"},
      {"P5 x", "damaged PGM file"},
      {"P5 3", "damaged PGM file"},
      {"P5 2 2 0\n1234", "damaged PGM file"},
      {"P5 2 2 65536\n12345678", "damaged PGM file"},
      {"P5 2 2 255\n123", "a gray of the 2 x 2 is missing"},
      {"P5 2 2 10\n1234", "above 10"},
      {"P2 2 2 10\n1 2 3", "is missing"},
      {"P2 2 2 10\n1 2 3 11", "above 10"},
      {"P2 2 2 10\n1 2 3 x", "is missing"},
      {"P5 0 2 255\n", "has no pixels"},
      {"P5 20000 20000 255\n", "20000 x 20000 pixels are too many"},
      {"P5 4294967296 4294967296 255\n", "damaged PGM file"},
      {"P5 100000000 100000000 255\n", "too many"},
      {"P5 1 1 255#\n1", "one white space is expected"},
      {"P5 1 1 255\n1", "1 x 1 pixels are too few"},
      {"\211PNG\r\n\032\n", "damaged PNG file"},
      {"\377\330\377", "Premature end of JPEG file"},
  };
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    write_file(path_of("x"), files[i].text, strlen(files[i].text));
    check_fails(path_of("x"), files[i].says);
  }
  check_fails("nowhere.png", "No such file");
  check_fails(folder, "expected a file, found a folder");
}
END_TEST

/** Puts a big-endian number into a file's bytes. */
static void put_number(char *bytes, uint32_t number, int length) {
  for (int i = 0; i < length; i++) bytes[i] = (char)(number >> 8 * (length - 1 - i));
}

START_TEST(large_pictures_are_refused_by_their_header) {
  dg_picture p = soft_picture();
  size_t size;
  dg_error err = {0};
  canvas_write_png(&p, path_of("x"));
  char *bytes = dg_file_read(path_of("x"), CAPACITY, &size, &err);
  put_number(bytes + 16, 20000, 4); /* behind the signature and "IHDR" */
  put_number(bytes + 20, 20000, 4);
  put_number(bytes + 29, (uint32_t)crc32(0, (const Bytef *)bytes + 12, 17), 4);
  write_file(path_of("x"), bytes, size);
  check_fails(path_of("x"), "20000 x 20000 pixels are too many");
  free(bytes);
  canvas_write_jpeg(&p, 90, path_of("x"));
  bytes = dg_file_read(path_of("x"), CAPACITY, &size, &err);
  size_t frame = 0;
  while (memcmp(bytes + frame, "\377\300", 2) != 0) frame++; /* where it starts */
  put_number(bytes + frame + 5, 20000, 2);
  put_number(bytes + frame + 7, 20000, 2);
  write_file(path_of("x"), bytes, size);
  check_fails(path_of("x"), "20000 x 20000 pixels are too many");
  free(bytes);
  dg_picture_free(&p);
}
END_TEST

START_TEST(cut_files_are_refused) {
  static const char *const says[] = {"damaged PNG file", "JPEG file", "damaged PGM file"};
  void (*const write[])(const dg_picture *, const char *) = {canvas_write_png, NULL,
                                                             canvas_write_pgm};
  dg_picture p = soft_picture();
  for (int i = 0; i < 3; i++) {
    size_t size;
    dg_error err = {0};
    if (write[i])
      write[i](&p, path_of("x"));
    else
      canvas_write_jpeg(&p, 90, path_of("x"));
    char *bytes = dg_file_read(path_of("x"), CAPACITY, &size, &err);
    for (size_t part = 1; part < 4; part++) {
      write_file(path_of("x"), bytes, 30 + (size - 30) * part / 4);
      check_fails(path_of("x"), says[i]);
    }
    free(bytes);
  }
  dg_picture_free(&p);
}
END_TEST

START_TEST(pictures_without_ink_are_refused) {
  static const canvas_light lights[] = {
      {255, 255, 0, 0, 0}, {0, 0, 0, 0, 0}, {90, 220, 0, 0, 0}, {200, 180, 0, 0, 12}};
  for (int i = 0; i < 4; i++) {
    canvas c = canvas_new(120, 160);
    if (i == 0) canvas_fill(&c, 30, 30, 2, 2); /* a speck */
    dg_picture p = canvas_picture(&c, &lights[i]);
    canvas_write_png(&p, path_of("x"));
    check_fails(path_of("x"), "no ink was found");
    dg_picture_free(&p);
    canvas_free(&c);
  }
}
END_TEST

int main(void) {
  suite_new_folder(folder);
  TCase *tests = tcase_create("picture");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, the_formats_are_read);
  tcase_add_test(tests, colours_and_what_is_transparent_become_gray);
  tcase_add_test(tests, pixels_are_the_numbers_of_a_file);
  tcase_add_test(tests, all_forms_of_pgm_are_read);
  tcase_add_test(tests, photographs_are_turned_as_they_were_held);
  tcase_add_test(tests, what_is_no_picture_is_refused);
  tcase_add_test(tests, large_pictures_are_refused_by_their_header);
  tcase_add_test(tests, cut_files_are_refused);
  tcase_add_test(tests, pictures_without_ink_are_refused);
  return suite_main("picture", tests);
}
