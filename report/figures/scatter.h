/** How the values of a network fit their targets: a scatter, and a histogram of the errors. */
#ifndef DG_SCATTER_H
#define DG_SCATTER_H

#include <stddef.h>

#include "report/figures/drawing.h"

/** True and predicted values of a target; they belong to the caller. */
typedef struct {
  const char *name;
  const double *truth, *predicted; /**< [count] */
  size_t count;
} predictions;

enum { SCATTER_POINTS = 2000 }; /* of more, some at equal distances are shown */

/** Draws predicted over true values, and the diagonal on which they would be equal. The caller
    frees the drawing. */
void scatter_draw(const predictions *p, drawing *d);

/** Draws how many samples have which error, predicted - true. The caller frees the drawing. */
void errors_draw(const predictions *p, drawing *d);

#endif
