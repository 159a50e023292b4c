/** Statistics of a data set. */
#ifndef DG_DATA_STATS_H
#define DG_DATA_STATS_H

#include "digits/data.h"

/** Prints samples of each class; range, mean and deviation of the numbers and of the targets. */
bool stats_print(const dg_dataset *data, dg_error *err);

#endif
