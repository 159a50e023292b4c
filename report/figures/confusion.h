/** The confusion matrix: which class was taken for which. */
#ifndef DG_CONFUSION_H
#define DG_CONFUSION_H

#include "digits/data.h"
#include "report/answers.h"
#include "report/figures/drawing.h"

/** Draws it for images with these labels, whose classes may have names; the caller frees the
    drawing. */
bool confusion_draw(const answers *a, const uint8_t *labels, const dg_classes *names, drawing *d,
                    dg_error *err);

#endif
