/**
 * How people write the ten digits: for each digit several hands, for each hand the strokes of the
 * pen in a few forms, between which a writer may lie anywhere.
 */
#ifndef DG_DIGITS_HANDS_H
#define DG_DIGITS_HANDS_H

#include <stdint.h>

/** A point of a stroke in hundredths of the digit's height, y downwards. */
typedef struct {
  int8_t x, y;
} dg_knot;

/** How the pen passes a knot, as the characters of a hand's `pen`. */
typedef enum {
  DG_PEN_SMOOTH = '~', /**< without a corner; also the start of a stroke */
  DG_PEN_CORNER = '^', /**< turning sharply */
  DG_PEN_LIFT = '.',   /**< the end of a stroke */
} dg_pen_mark;

/** One way to write a digit: a few drawings of the same strokes, which differ in shape. */
typedef struct {
  const dg_knot *knots; /**< [forms, count] */
  const char *pen;      /**< [count] dg_pen_mark: the last one lifts */
  uint8_t forms, count;
  uint8_t weight; /**< how often, relative to the digit's other hands */
} dg_hand;

enum { DG_HAND_MAX_KNOTS = 24 };

/** The hands of a digit, 0 to 9; `*count` says how many. */
const dg_hand *dg_hands_of(unsigned digit, unsigned *count);

#endif
