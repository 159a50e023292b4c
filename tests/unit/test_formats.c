/* Pictures as people bring them: files with oddities, in CMYK, turned, of formats that are not
   read. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <zlib.h>

#include "core/base/file/file.h"
#include "digits/picture.h"
#include "tests/common/canvas.h"
#include "tests/common/suite.h"

enum { HEIGHT = 24, WIDTH = 40, PIXELS = HEIGHT * WIDTH, CAPACITY = 1 << 16, EXIF_SIZE = 26 };

static char folder[] = "/tmp/digits-formats-XXXXXX";

/** A file in memory. */
typedef struct {
  uint8_t bytes[CAPACITY];
  size_t size;
} content;

static const char *path_of(const char *name) {
  static char path[100];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

/** A picture with soft changes, whose corners differ: 20, 176, 89 and 245. */
static dg_picture soft_picture(void) {
  dg_picture p = {HEIGHT, WIDTH, malloc(PIXELS)};
  for (uint32_t i = 0; i < PIXELS; i++)
    p.pixels[i] = (uint8_t)(20 + 4 * (i % WIDTH) + 3 * (i / WIDTH));
  return p;
}

static void load(content *c, const char *path) {
  size_t size;
  char *bytes = dg_file_read(path, CAPACITY, &size, NULL);
  ck_assert_ptr_nonnull(bytes);
  memcpy(c->bytes, bytes, size);
  c->size = size;
  free(bytes);
}

static content *soft_jpeg(void) {
  static content c;
  dg_picture p = soft_picture();
  canvas_write_jpeg(&p, 95, path_of("x.jpg"));
  dg_picture_free(&p);
  load(&c, path_of("x.jpg"));
  return &c;
}

static content *soft_png(void) {
  static content c;
  dg_picture p = soft_picture();
  canvas_write_png(&p, path_of("x.png"));
  dg_picture_free(&p);
  load(&c, path_of("x.png"));
  return &c;
}

static size_t find(const content *c, const char *bytes, size_t length) {
  size_t at = 0;
  while (at + length <= c->size && memcmp(c->bytes + at, bytes, length) != 0) at++;
  ck_assert_uint_le(at + length, c->size);
  return at;
}

static void insert(content *c, size_t at, const void *bytes, size_t length) {
  ck_assert_uint_le(c->size + length, CAPACITY);
  memmove(c->bytes + at + length, c->bytes + at, c->size - at);
  memcpy(c->bytes + at, bytes, length);
  c->size += length;
}

/** What was told, and how often. */
typedef struct {
  unsigned count;
  char last[300];
} told;

static void listen(void *user, const char *message) {
  told *t = user;
  t->count++;
  snprintf(t->last, sizeof t->last, "%s", message);
}

static bool decode(dg_picture *got, const content *c, told *t, dg_error *err) {
  const dg_picture_options options = {.size = sizeof options, .note = listen, .user = t};
  return dg_picture_decode_with(got, c->bytes, c->size, "a file", &options, err);
}

static void check_fails(const content *c, const char *says) {
  dg_picture got;
  dg_error err = {0};
  told t = {0};
  ck_assert(!decode(&got, c, &t, &err));
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  ck_assert_msg(strstr(err.message, says) && strstr(err.message, "a file"),
                "expected \"%s\" in: %s", says, err.message);
}

/* ---- JPEG --------------------------------------------------------------- */

/** Bytes that belong to nothing, before a table or behind the last row: the picture is whole. */
START_TEST(stray_bytes_before_a_marker_are_told) {
  static const char *const markers[] = {"\377\333", "\377\331"},
                           *const says[] = {"50 extraneous bytes before marker 0xdb",
                                            "extraneous bytes before marker 0xd9"};
  dg_picture clean;
  dg_error err = {0};
  told none = {0};
  ck_assert(decode(&clean, soft_jpeg(), &none, &err));
  ck_assert_uint_eq(none.count, 0);
  for (int i = 0; i < 2; i++) {
    dg_picture got;
    told t = {0};
    content *c = soft_jpeg();
    insert(c, find(c, markers[i], 2), "stray stray stray stray stray stray stray stray 12", 50);
    ck_assert_msg(decode(&got, c, &t, &err), "%d: %s", i, err.message);
    ck_assert_uint_eq(t.count, 1);
    ck_assert_ptr_nonnull(strstr(t.last, "a file: the JPEG file is not as it should be"));
    ck_assert_ptr_nonnull(strstr(t.last, says[i]));
    ck_assert_mem_eq(got.pixels, clean.pixels, PIXELS);
    dg_picture_free(&got);
    ck_assert(dg_picture_decode(&got, c->bytes, c->size, "a file", &err)); /* nobody listens */
    dg_picture_free(&got);
  }
  dg_picture_free(&clean);
}
END_TEST

START_TEST(a_damaged_jpeg_is_refused) {
  content *c = soft_jpeg();
  c->size -= 2;
  check_fails(c, "Premature end of JPEG file");
  c = soft_jpeg();
  c->size /= 2;
  check_fails(c, "damaged or unknown form of JPEG");
  c = soft_jpeg();
  c->bytes[find(c, "\377\300", 2) + 4] = 12;
  check_fails(c, "a JPEG file of 12 bits a sample; save it with 8");
  c = soft_jpeg();
  c->bytes[find(c, "\377\300", 2) + 1] = 0xc3;
  check_fails(c, "Unsupported JPEG process");
  c = soft_jpeg();
  c->bytes[find(c, "\377\300", 2) + 1] = 0xc9;
  check_fails(c, "arithmetic coding");
}
END_TEST

typedef struct {
  uint8_t ink[4]; /**< as stored */
  J_COLOR_SPACE space;
  bool adobe;
  int gray; /**< that follows */
} inks;

/** Files in CMYK: the inks in all pixels. */
static void write_cmyk(const inks *i, const char *path) {
  struct jpeg_compress_struct info;
  struct jpeg_error_mgr errors;
  uint8_t line[4 * WIDTH];
  JSAMPROW row = line;
  FILE *file = fopen(path, "wb");
  ck_assert_ptr_nonnull(file);
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  jpeg_stdio_dest(&info, file);
  info.image_height = HEIGHT;
  info.image_width = WIDTH;
  info.input_components = 4;
  info.in_color_space = JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, i->space);
  jpeg_set_quality(&info, 100, TRUE);
  info.write_Adobe_marker = i->adobe;
  jpeg_start_compress(&info, TRUE);
  for (int p = 0; p < 4 * WIDTH; p++) line[p] = i->ink[p % 4];
  while (info.next_scanline < HEIGHT) jpeg_write_scanlines(&info, &row, 1);
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  ck_assert_int_eq(fclose(file), 0);
}

/** Adobe's files say how much ink is missing, others how much there is. Red is 76, cyan 179. */
START_TEST(cmyk_becomes_gray) {
  static const inks all[] = {
      {{255, 255, 255, 255}, JCS_CMYK, true, 255}, {{255, 255, 255, 0}, JCS_CMYK, true, 0},
      {{90, 90, 90, 255}, JCS_CMYK, true, 90},     {{255, 0, 0, 255}, JCS_CMYK, true, 76},
      {{0, 255, 255, 255}, JCS_CMYK, true, 179},   {{255, 255, 255, 100}, JCS_YCCK, true, 100},
      {{200, 200, 200, 128}, JCS_YCCK, true, 100}, {{255, 0, 0, 255}, JCS_YCCK, true, 76},
      {{0, 0, 0, 0}, JCS_CMYK, false, 255},        {{0, 0, 0, 155}, JCS_CMYK, false, 100},
      {{0, 255, 255, 0}, JCS_CMYK, false, 76},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    dg_picture got;
    dg_error err = {0};
    write_cmyk(&all[i], path_of("x.jpg"));
    ck_assert_msg(dg_picture_read(&got, path_of("x.jpg"), &err), "%s", err.message);
    ck_assert_uint_eq(got.height * got.width, PIXELS);
    for (uint32_t p = 0; p < PIXELS; p++)
      ck_assert_msg(abs(got.pixels[p] - all[i].gray) <= 2, "%zu: %d", i, got.pixels[p]);
    dg_picture_free(&got);
  }
}
END_TEST

/* ---- PNG ---------------------------------------------------------------- */

static void put_number(uint8_t *at, uint32_t number) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(number >> (24 - 8 * i));
}

/** Inserts a chunk. */
static void put_chunk(content *c, size_t at, const char *type, const void *data, uint32_t size) {
  uint8_t chunk[100];
  put_number(chunk, size);
  memcpy(chunk + 4, type, 4);
  memcpy(chunk + 8, data, size);
  put_number(chunk + 8 + size, (uint32_t)crc32(0, chunk + 4, size + 4));
  insert(c, at, chunk, size + 12);
}

/** Where the chunk of a type begins. */
static size_t chunk_at(const content *c, const char *type) {
  return find(c, type, 4) - 4;
}

/** As with photographs in JPEG: the corners as they are seen. Other numbers turn nothing. */
START_TEST(a_png_is_turned_as_it_was_held) {
  static const int corners[8][4] = {{20, 176, 89, 245}, {176, 20, 245, 89}, {245, 89, 176, 20},
                                    {89, 245, 20, 176}, {20, 89, 176, 245}, {89, 20, 245, 176},
                                    {245, 176, 89, 20}, {176, 245, 20, 89}};
  for (uint8_t how = 0; how <= 9; how++)
    for (int behind = 0; behind < 2; behind++) {
      const uint8_t exif[EXIF_SIZE] = {'M', 'M', 0, 42, 0, 0, 0,   8, 0, 1, 0x01, 0x12, 0,
                                       3,   0,   0, 0,  1, 0, how, 0, 0, 0, 0,    0,    0};
      dg_picture got;
      dg_error err = {0};
      told t = {0};
      content *c = soft_png();
      put_chunk(c, chunk_at(c, behind ? "IEND" : "IDAT"), "eXIf", exif, EXIF_SIZE);
      ck_assert_msg(decode(&got, c, &t, &err), "%s", err.message);
      ck_assert_uint_eq(got.height, how >= 5 && how <= 8 ? WIDTH : HEIGHT);
      const int *expected = corners[how >= 1 && how <= 8 ? how - 1 : 0];
      const size_t last = PIXELS - 1, at[4] = {0, got.width - 1, last + 1 - got.width, last};
      for (int i = 0; i < 4; i++) ck_assert_int_eq(got.pixels[at[i]], expected[i]);
      dg_picture_free(&got);
    }
}
END_TEST

START_TEST(a_wrong_checksum_matters_where_pixels_are) {
  dg_picture got;
  dg_error err = {0};
  told t = {0};
  content *c = soft_png();
  size_t at = chunk_at(c, "IDAT");
  put_chunk(c, at, "tEXt", "a\0b", 3);
  c->bytes[at + 8 + 3] ^= 1;
  ck_assert_msg(decode(&got, c, &t, &err), "%s", err.message);
  dg_picture_free(&got);
  c = soft_png();
  c->bytes[chunk_at(c, "IEND") - 1] ^= 1;
  check_fails(c, "damaged PNG file");
  c = soft_png();
  c->size = chunk_at(c, "IEND");
  check_fails(c, "damaged PNG file (it is cut off)");
}
END_TEST

/* ---- others ------------------------------------------------------------- */

START_TEST(other_formats_are_named) {
  static const struct {
    const char *bytes;
    size_t size;
    const char *says;
  } files[] = {
      {"BM\0\0\0\0", 6, "a BMP file, which is not read; save it as PNG or JPEG"},
      {"GIF89a", 6, "a GIF file"},
      {"RIFF\0\0\0\0WEBPVP8 ", 16, "a WebP file"},
      {"II*\0\10\0\0\0", 8, "a TIFF file"},
      {"MM\0*\0\0\0\10", 8, "a TIFF file"},
      {"\0\0\0\30ftypheic", 12, "a HEIC or AVIF file"},
      {"\0\0\0\14jP  \r\n\207\n", 12, "a JPEG 2000 file"},
      {"\377\12xx", 4, "a JPEG XL file"},
      {"%PDF-1.7", 8, "a PDF file"},
      {"<svg xmlns", 10, "a SVG file"},
      {"P6 1 1 255\nabc", 14, "a PPM file"},
      {"RIFF", 4, "no picture of a known kind"},
      {"B", 1, "no picture of a known kind"},
  };
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    content c = {.size = files[i].size};
    memcpy(c.bytes, files[i].bytes, c.size);
    check_fails(&c, files[i].says);
  }
}
END_TEST

int main(void) {
  suite_new_folder(folder);
  TCase *tests = tcase_create("formats");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, stray_bytes_before_a_marker_are_told);
  tcase_add_test(tests, a_damaged_jpeg_is_refused);
  tcase_add_test(tests, cmyk_becomes_gray);
  tcase_add_test(tests, a_png_is_turned_as_it_was_held);
  tcase_add_test(tests, a_wrong_checksum_matters_where_pixels_are);
  tcase_add_test(tests, other_formats_are_named);
  return suite_main("formats", tests);
}
