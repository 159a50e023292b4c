/** .npy files that belong together as a set. */
#ifndef DG_NPY_FILES_H
#define DG_NPY_FILES_H

#include "core/data/dataset.h"

/** Does a folder hold x_train.npy, X.npy or what else may be the training inputs? */
bool dg_is_npy_folder(const char *folder);

/** Reads the files of a folder; or, if the path is that of training inputs, these and what is
    beside them. */
dg_dataset *dg_dataset_from_npy(const char *path, const dg_dataset_options *options, dg_error *err);

/** dg_dataset_files of such a path. */
bool dg_npy_files(const char *path, dg_dataset_file *file, void *user, dg_error *err);

#endif
