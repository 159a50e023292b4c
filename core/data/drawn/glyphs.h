/**
 * How people write the ten digits. Each digit has several glyphs, and each glyph a few forms of the
 * same strokes, between which the forms of writers are interpolated.
 */
#ifndef DG_DIGITS_GLYPHS_H
#define DG_DIGITS_GLYPHS_H

#include <stdint.h>

/** A point of a stroke in hundredths of the digit's height, y downwards. */
typedef struct {
  int8_t x, y;
} dg_knot;

/** How the pen passes a knot: the characters of a glyph's `pen`. */
typedef enum {
  DG_PEN_SMOOTH = '~', /**< without a corner; also the start of a stroke */
  DG_PEN_CORNER = '^', /**< a corner */
  DG_PEN_LIFT = '.',   /**< the end of a stroke */
} dg_pen_mark;

/** One way to write a digit: a few drawings of the same strokes, which differ in shape. */
typedef struct {
  const dg_knot *knots; /**< [forms, count] */
  const char *pen;      /**< [count] dg_pen_mark; the last one is DG_PEN_LIFT */
  uint8_t forms, count;
  uint8_t weight; /**< how often, relative to the digit's other glyphs */
} dg_glyph;

enum { DG_GLYPH_MAX_KNOTS = 24 };

/** The glyphs of a digit, 0 to 9; `*count` says how many. */
const dg_glyph *dg_glyphs_of(unsigned digit, unsigned *count);

#endif
