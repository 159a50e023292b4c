/** The confusion matrix. */
#ifndef DG_CONFUSION_H
#define DG_CONFUSION_H

#include "digits/data.h"
#include "report/figures/drawing.h"
#include "report/tested/answers.h"

/** Draws the matrix for images with these labels; classes may have names. The caller frees the
    drawing. */
bool confusion_draw(const answers *a, const uint8_t *labels, const dg_classes *names, drawing *d,
                    dg_error *err);

#endif
