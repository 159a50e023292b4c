/** How often answers are correct, by how sure the network was. */
#ifndef DG_RELIABILITY_H
#define DG_RELIABILITY_H

#include "digits/calibration.h"
#include "report/figures/drawing.h"

/** The calibration of the answers, and what it was without a temperature. */
typedef struct {
  double temperature; /**< 0: none */
  dg_calibration now;
  dg_calibration without; /**< the same if there is no temperature */
} reliability;

/** Draws the curve, with the 95 % intervals of the shares of correct answers (Wilson, 1927), and
   the curve without temperature. The caller frees the drawing. */
void reliability_draw(const reliability *r, drawing *d);

#endif
