#include "report/figures/sheet.h"

#include <ctype.h>
#include <string.h>

/* Sizes in pixels of the images, before they are magnified. */
enum { GAP = 3, DIGIT_HEIGHT = 5, DIGIT_WIDTH = 3, LABEL_GREY = 110, PAPER = 255 };

enum { MAX_SIDE = 1 << 16 };

/** The font: rows of three dots from the top, the highest bit at the left. */
static const char known[] = "0123456789>%ABCDEFGHIJKLMNOPQRSTUVWXYZ-";
static const uint8_t shapes[][DIGIT_HEIGHT] = {
    {7, 5, 5, 5, 7}, {2, 6, 2, 2, 7}, {7, 1, 7, 4, 7}, {7, 1, 7, 1, 7}, {5, 5, 7, 1, 1},
    {7, 4, 7, 1, 7}, {7, 4, 7, 5, 7}, {7, 1, 2, 2, 2}, {7, 5, 7, 5, 7}, {7, 5, 7, 1, 7},
    {4, 2, 1, 2, 4}, {5, 1, 2, 4, 5}, {2, 5, 7, 5, 5}, {6, 5, 6, 5, 6}, {3, 4, 4, 4, 3},
    {6, 5, 5, 5, 6}, {7, 4, 6, 4, 7}, {7, 4, 6, 4, 4}, {3, 4, 5, 5, 3}, {5, 5, 7, 5, 5},
    {7, 2, 2, 2, 7}, {1, 1, 1, 5, 2}, {5, 5, 6, 5, 5}, {4, 4, 4, 4, 7}, {5, 7, 7, 5, 5},
    {6, 5, 5, 5, 5}, {2, 5, 5, 5, 2}, {6, 5, 6, 4, 4}, {2, 5, 5, 6, 3}, {6, 5, 6, 5, 5},
    {3, 4, 2, 1, 6}, {7, 2, 2, 2, 2}, {5, 5, 5, 5, 7}, {5, 5, 5, 5, 2}, {5, 5, 7, 7, 5},
    {5, 5, 2, 5, 5}, {5, 5, 2, 2, 2}, {7, 1, 2, 4, 7}, {0, 0, 7, 0, 0}};

static uint64_t cell_height(const sheet_layout *l) {
  return (uint64_t)l->image_height + DIGIT_HEIGHT + 2 * GAP;
}

static uint64_t cell_width(const sheet_layout *l) {
  return (uint64_t)l->image_width + GAP;
}

uint32_t sheet_label_capacity(const sheet_layout *layout) {
  return (layout->image_width + 1) / (DIGIT_WIDTH + 1);
}

bool sheet_open(sheet *s, const sheet_layout *layout, dg_error *err) {
  uint64_t height = layout->rows * cell_height(layout),
           width = layout->columns * cell_width(layout);
  height = (height + GAP) * layout->scale;
  width = (width + GAP) * layout->scale;
  *s = (sheet){.layout = *layout};
  if (height > MAX_SIDE || width > MAX_SIDE)
    return dg_fail(err, DG_ERR_INPUT,
                   "a sheet of %llu x %llu pixels is too large: %d is the longest side; take fewer "
                   "images or columns, or a smaller scale",
                   (unsigned long long)width, (unsigned long long)height, MAX_SIDE);
  return picture_open(&s->picture, (uint32_t)height, (uint32_t)width, layout->channels == 3 ? 3 : 1,
                      PAPER, err);
}

/** Paints the magnified pixel at row y, column x. */
static void dot(sheet *s, uint32_t y, uint32_t x, const uint8_t colour[3]) {
  const uint32_t scale = s->layout.scale, channels = s->picture.channels;
  for (uint32_t row = y * scale; row < (y + 1) * scale; row++)
    for (uint32_t column = x * scale; column < (x + 1) * scale; column++)
      memcpy(s->picture.pixels + ((size_t)row * s->picture.width + column) * channels, colour,
             channels);
}

static void dot_grey(sheet *s, uint32_t y, uint32_t x, uint8_t grey) {
  dot(s, y, x, (const uint8_t[]){grey, grey, grey});
}

static void put_character(sheet *s, uint32_t top, uint32_t left, char character) {
  const char *found = strchr(known, toupper((unsigned char)character));
  if (!found || !*found) return;
  const uint8_t *rows = shapes[found - known];
  for (uint32_t y = 0; y < DIGIT_HEIGHT; y++)
    for (uint32_t x = 0; x < DIGIT_WIDTH; x++)
      if (rows[y] >> (DIGIT_WIDTH - 1 - x) & 1) dot_grey(s, top + y, left + x, LABEL_GREY);
}

/** Writes a label below the middle of an image. */
static void put_label(sheet *s, uint32_t top, uint32_t left, const char *label) {
  uint32_t length = (uint32_t)strlen(label), most = sheet_label_capacity(&s->layout);
  if (length > most) {
    label += length - most;
    length = most;
  }
  left += (s->layout.image_width + 1 - length * (DIGIT_WIDTH + 1)) / 2;
  for (uint32_t i = 0; i < length; i++)
    put_character(s, top, left + i * (DIGIT_WIDTH + 1), label[i]);
}

/** Where the image of an index begins. */
static void corner(const sheet_layout *l, uint32_t index, uint32_t *top, uint32_t *left) {
  *top = GAP + index / l->columns * (uint32_t)cell_height(l);
  *left = GAP + index % l->columns * (uint32_t)cell_width(l);
}

void sheet_put(sheet *s, uint32_t index, const uint8_t *image, const char *label) {
  const sheet_layout *l = &s->layout;
  uint32_t top, left;
  corner(l, index, &top, &left);
  for (uint32_t y = 0; y < l->image_height; y++)
    for (uint32_t x = 0; x < l->image_width; x++)
      dot_grey(s, top + y, left + x, (uint8_t)(PAPER - image[(size_t)y * l->image_width + x]));
  put_label(s, top + l->image_height + 1, left, label);
}

void sheet_put_picture(sheet *s, uint32_t index, const picture *image, const char *label) {
  const sheet_layout *l = &s->layout;
  uint32_t top, left;
  corner(l, index, &top, &left);
  for (uint32_t y = 0; y < l->image_height; y++)
    for (uint32_t x = 0; x < l->image_width; x++) {
      const uint8_t *pixel = image->pixels + ((size_t)y * image->width + x) * image->channels;
      if (image->channels == 3)
        dot(s, top + y, left + x, pixel);
      else
        dot_grey(s, top + y, left + x, *pixel);
    }
  put_label(s, top + l->image_height + 1, left, label);
}

void sheet_close(sheet *s) {
  picture_close(&s->picture);
}
