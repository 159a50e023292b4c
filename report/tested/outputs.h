/** What a network made of the test samples, if it tells numbers or labels instead of classes. */
#ifndef DG_OUTPUTS_H
#define DG_OUTPUTS_H

#include "report/page.h"
#include "report/tested/shown.h"

/** Adds a sheet of inputs, outputs and targets, if these are pictures or sequences; else, of
    numbers, a scatter and a histogram for each of the first targets. */
bool outputs_add(page *p, const shown *s, dg_error *err);

#endif
