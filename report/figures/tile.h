/** Arrays of numbers as small pictures or lines: samples, targets, and what a network gives. */
#ifndef DG_TILE_H
#define DG_TILE_H

#include "digits/ndarray.h"
#include "report/figures/drawing.h"
#include "report/figures/picture.h"

typedef enum {
  TILE_GRAY,   /**< a picture of one channel, the lowest number white */
  TILE_COLOUR, /**< a picture of three channels, the lowest number dark */
  TILE_LINES,  /**< a sequence of a few features: lines over its steps */
  TILE_ROW,    /**< a row of a table */
} tile_kind;

/** How arrays of one shape are shown. */
typedef struct {
  tile_kind kind;
  uint32_t height, width; /**< of pictures */
  uint32_t steps, features;
  uint32_t numbers; /**< in the array */
  double low, high; /**< numbers from the first shade to the last */
} tile_form;

/** Numbers of an array: bytes or floats. */
typedef struct {
  dg_numbers_type type;
  const void *numbers;
} tile_array;

/**
 * The form of arrays [dim...]. A picture whose channels aren't 1 or 3 is shown as its first
 * channel; a sequence of more than eight features as a picture, a row for each step.
 */
tile_form tile_form_of(uint32_t rank, const uint32_t dim[3]);

/** Sets low and high to those of `count` arrays, one after the other: of bytes 0 and 255, of floats
    within 0..1 these, else the smallest and the largest. */
void tile_measure(tile_form *form, tile_array arrays, uint32_t count);

/** Array i of several, one after the other. */
tile_array tile_of(const tile_form *form, tile_array arrays, uint32_t i);

/** A number of an array. */
double tile_number(tile_array array, size_t index);

/** Paints a picture, grey or in colour; large ones are made smaller. The caller closes it. */
bool tile_paint(const tile_form *form, tile_array array, picture *p, dg_error *err);

/** The size of painted pictures, and their channels. */
void tile_size(const tile_form *form, uint32_t *height, uint32_t *width, uint32_t *channels);

/** A rectangle of a drawing. */
typedef struct {
  double x, y, width, height;
} tile_box;

/** How lines look. */
typedef enum {
  TILE_ALONE,
  TILE_BELOW, /**< pale, below others */
  TILE_OVER,  /**< dashed, over the pale ones */
} tile_style;

/** Draws a picture or lines into a box. Rows aren't drawn. */
void tile_draw(const tile_form *form, tile_array array, tile_box box, tile_style style, drawing *d);

#endif
