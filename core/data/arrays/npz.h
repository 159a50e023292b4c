/** numpy's .npz, a zip file of arrays, as a set. */
#ifndef DG_DATA_NPZ_H
#define DG_DATA_NPZ_H

#include "core/data/dataset.h"

/** Is it an .npz file, by its name, or by how a descriptor's file begins? */
bool dg_is_npz(const char *path);

/** Has it an array with a usual name for inputs, but none for targets? */
bool dg_npz_is_alone(const char *path);

/** Reads its inputs alone, as dg_sample_file_open does. */
bool dg_npz_samples(dg_samples *samples, const char *path, const dg_dataset_options *options,
                    dg_error *err);

/** Reads x_train, y_train, x_test and y_test, or X and y, or the arrays that options name. */
dg_dataset *dg_dataset_from_npz(const char *path, const dg_dataset_options *options, dg_error *err);

#endif
