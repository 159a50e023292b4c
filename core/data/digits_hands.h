/**
 * How people write the ten digits: for each digit several hands, for each hand the strokes of the
 * pen in a few forms, between which a writer may lie anywhere.
 */
#ifndef DG_DIGITS_HANDS_H
#define DG_DIGITS_HANDS_H

#include <stdint.h>

/** How the pen passes a knot. */
typedef enum { SMOOTH, CORNER, END } dg_knot_kind;

/** A point of a stroke in hundredths of the digit's height, y downwards. */
typedef struct {
  int8_t x, y;
  uint8_t kind; /**< a dg_knot_kind; END lifts the pen */
} dg_knot;

/** One way to write a digit: `forms` drawings that have knots of the same kinds. */
typedef struct {
  const dg_knot *knots; /**< [forms, count] */
  uint8_t forms, count;
  uint8_t weight; /**< how often, relative to the digit's other hands */
} dg_hand;

enum { DG_HAND_MAX_KNOTS = 24 };

/** The hands of a digit, 0 to 9; `*count` says how many. */
const dg_hand *dg_hands_of(unsigned digit, unsigned *count);

#endif
