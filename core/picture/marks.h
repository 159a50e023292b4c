/** Marks of ink: parts of a picture that hang together, and the digits that they make. */
#ifndef DG_MARKS_H
#define DG_MARKS_H

#include "core/picture/ink.h"

/** Ink that hangs together. */
typedef struct {
  dg_box box;
  uint32_t digit; /**< that it is a part of, from 1 on; 0: of none, a speck */
} dg_mark;

typedef struct {
  uint32_t count;
  dg_mark *marks;
  uint32_t *of; /**< of each pixel: its mark, from 1 on, or 0 */
  uint32_t digits;
} dg_marks;

/** Finds the marks of clear ink. Free with dg_marks_free, also on failure. */
bool dg_marks_find(const dg_ink *ink, dg_marks *marks, dg_error *err);
void dg_marks_free(dg_marks *marks);

/**
 * Says which marks make a digit: parts of one, like the bar of a 5 that does not touch the rest,
 * are joined, specks left out. Digits are numbered line by line, each from left to right. More
 * marks than a picture of digits has, or no digit, is an error; `name` stands for the picture.
 */
bool dg_marks_join(dg_marks *marks, const char *name, dg_error *err);

/** Writes the box around all marks of each digit: [marks->digits]. */
void dg_marks_boxes(const dg_marks *marks, dg_box *boxes);

/** Gives each pixel of faint ink to the mark that is nearest along the ink. */
bool dg_marks_grow(const dg_ink *ink, dg_marks *marks, dg_error *err);

#endif
