#include "tools/sheet.h"

#include <errno.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "core/support/file.h"

/* Sizes in pixels of the images, before they are magnified. */
enum { GAP = 3, DIGIT_HEIGHT = 5, DIGIT_WIDTH = 3, LABEL_GREY = 110, PAPER = 255 };

enum { LONGEST_SIDE = 1 << 16 };

/** The ten digits: rows of three dots from the top, the highest bit at the left. */
static const uint8_t digits[10][DIGIT_HEIGHT] = {
    {7, 5, 5, 5, 7}, {2, 6, 2, 2, 7}, {7, 1, 7, 4, 7}, {7, 1, 7, 1, 7}, {5, 5, 7, 1, 1},
    {7, 4, 7, 1, 7}, {7, 4, 7, 5, 7}, {7, 1, 2, 2, 2}, {7, 5, 7, 5, 7}, {7, 5, 7, 1, 7}};

static uint64_t cell_height(const sheet_layout *l) {
  return (uint64_t)l->image_height + DIGIT_HEIGHT + 2 * GAP;
}

static uint64_t cell_width(const sheet_layout *l) {
  return (uint64_t)l->image_width + GAP;
}

bool sheet_open(sheet *s, const sheet_layout *layout, dg_error *err) {
  uint64_t height = layout->rows * cell_height(layout),
           width = layout->columns * cell_width(layout);
  height = (height + GAP) * layout->scale;
  width = (width + GAP) * layout->scale;
  *s = (sheet){.layout = *layout, .height = (uint32_t)height, .width = (uint32_t)width};
  if (height > LONGEST_SIDE || width > LONGEST_SIDE)
    return dg_fail(err, DG_ERR_INPUT,
                   "a sheet of %llu x %llu pixels is too large: %d is the longest side; take fewer "
                   "images or columns, or a smaller scale",
                   (unsigned long long)width, (unsigned long long)height, LONGEST_SIDE);
  s->pixels = malloc((size_t)(height * width));
  if (!s->pixels) return dg_fail_memory(err, height * width);
  memset(s->pixels, PAPER, (size_t)(height * width));
  return true;
}

/** Paints the magnified pixel at row y, column x. */
static void dot(sheet *s, uint32_t y, uint32_t x, uint8_t grey) {
  uint32_t scale = s->layout.scale;
  for (uint32_t row = y * scale; row < (y + 1) * scale; row++)
    memset(s->pixels + (size_t)row * s->width + (size_t)x * scale, grey, scale);
}

static void put_digit(sheet *s, uint32_t top, uint32_t left, unsigned digit) {
  for (uint32_t y = 0; y < DIGIT_HEIGHT; y++)
    for (uint32_t x = 0; x < DIGIT_WIDTH; x++)
      if (digits[digit][y] >> (DIGIT_WIDTH - 1 - x) & 1) dot(s, top + y, left + x, LABEL_GREY);
}

/** Draws a number below the middle of an image, as many of its last digits as fit. */
static void put_number(sheet *s, uint32_t top, uint32_t left, uint32_t number) {
  uint32_t digit_count = 1, most = (s->layout.image_width + 1) / (DIGIT_WIDTH + 1);
  for (uint32_t rest = number / 10; rest > 0; rest /= 10) digit_count++;
  if (digit_count > most) digit_count = most;
  left += (s->layout.image_width + 1 - digit_count * (DIGIT_WIDTH + 1)) / 2;
  for (uint32_t i = digit_count; i-- > 0; number /= 10)
    put_digit(s, top, left + i * (DIGIT_WIDTH + 1), number % 10);
}

void sheet_put(sheet *s, uint32_t place, const uint8_t *image, uint32_t number) {
  const sheet_layout *l = &s->layout;
  uint32_t top = GAP + place / l->columns * (uint32_t)cell_height(l);
  uint32_t left = GAP + place % l->columns * (uint32_t)cell_width(l);
  for (uint32_t y = 0; y < l->image_height; y++)
    for (uint32_t x = 0; x < l->image_width; x++)
      dot(s, top + y, left + x, (uint8_t)(PAPER - image[(size_t)y * l->image_width + x]));
  put_number(s, top + l->image_height + 1, left, number);
}

bool sheet_write(const sheet *s, const char *path, dg_error *err) {
  png_image picture = {.version = PNG_IMAGE_VERSION,
                       .width = s->width,
                       .height = s->height,
                       .format = PNG_FORMAT_GRAY};
  dg_new_file file;
  if (!dg_file_begin(&file, path, err)) return false;
  errno = 0; /* libpng says "Write Error" alone */
  if (png_image_write_to_stdio(&picture, file.stream, 0, s->pixels, 0, NULL))
    return dg_file_commit(&file, err);
  dg_fail(err, DG_ERR_RUNTIME, "%s could not be written: %s", path,
          errno ? strerror(errno) : picture.message);
  dg_file_abandon(&file);
  return false;
}

void sheet_close(sheet *s) {
  free(s->pixels);
  s->pixels = NULL;
}
