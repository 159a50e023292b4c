/** Inputs beside what a network made of them, and beside the targets. */
#ifndef DG_PAIRS_H
#define DG_PAIRS_H

#include "report/tested/shown.h"

enum { MAX_PAIRS = 16 };

/** Chooses samples, from that with the least squared error to that with the largest, at equal
    distances. Writes at most MAX_PAIRS, and how many to `count`. */
bool pairs_choose(const shown *s, uint32_t chosen[MAX_PAIRS], uint32_t *count, dg_error *err);

/** Paints a sheet with a column for each sample: the input if it is a picture, the output and, if
    that is not the input, the target. Below are the samples' numbers. The caller closes it. */
bool pairs_paint(const shown *s, const uint32_t *chosen, uint32_t count, picture *p, dg_error *err);

/** Draws targets as pale lines and outputs as dashed lines over them, and the input above if it is
   no row and not learned. The caller frees the drawing. */
bool pairs_draw(const shown *s, const uint32_t *chosen, uint32_t count, drawing *d, dg_error *err);

#endif
