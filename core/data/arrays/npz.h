/** numpy's .npz, a zip file of arrays, as a set. */
#ifndef DG_DATA_NPZ_H
#define DG_DATA_NPZ_H

#include "core/data/dataset.h"

/** Reads x_train, y_train, x_test and y_test, or X and y, or the arrays that options name. */
dg_dataset *dg_dataset_from_npz(const char *path, const dg_dataset_options *options, dg_error *err);

#endif
