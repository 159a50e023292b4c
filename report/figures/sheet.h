/** A contact sheet: images in rows and columns, each with a few characters below it. */
#ifndef DG_SHEET_H
#define DG_SHEET_H

#include "report/figures/picture.h"

typedef struct {
  uint32_t columns, rows;
  uint32_t image_height, image_width;
  uint32_t scale;    /**< side of the square for each pixel of an image */
  uint32_t channels; /**< of the sheet: 3 for colour; 0, 1: grey */
} sheet_layout;

typedef struct {
  sheet_layout layout;
  picture picture;
} sheet;

/** Characters that fit below an image. */
uint32_t sheet_label_capacity(const sheet_layout *layout);

/** Makes an empty sheet; the caller closes it. */
bool sheet_open(sheet *s, const sheet_layout *layout, dg_error *err);

/** Draws an image [image_height, image_width] (0 paper, 255 ink) at an index (row-major), with a
    label below it: digits, letters (as capitals), "-", ">", "%" and spaces. Other characters become
    spaces. Of a long label, the last characters are drawn. */
void sheet_put(sheet *s, uint32_t index, const uint8_t *image, const char *label);

/** The same with a picture [image_height, image_width], whose pixels are copied. */
void sheet_put_picture(sheet *s, uint32_t index, const picture *image, const char *label);

/** Frees the picture. */
void sheet_close(sheet *s);

#endif
