/** A folder of IDX files as a set. */
#ifndef DG_IDX_FOLDER_H
#define DG_IDX_FOLDER_H

#include "core/data/dataset.h"

/** Does a folder hold one of the IDX files of a set? */
bool dg_is_idx_folder(const char *folder);

/** dg_dataset_files of a folder of IDX files. */
bool dg_idx_folder_files(const char *folder, dg_dataset_file *file, void *user, dg_error *err);

/**
 * Reads the four IDX files with MNIST's names (train-images-idx3-ubyte, …, with or without .gz; "."
 * for the dash before "idx" is accepted too) from a folder, and the names of the classes from its
 * classes.txt if there is one. Arrays of other types and ranks have names that say so
 * (idx2-float); targets are in train-targets-…. EMNIST's images, which are stored so, and others
 * that options say are exchanged in rows and columns. Errors name the file, what is wrong with it
 * and the remedy. The caller frees the result.
 */
dg_dataset *dg_idx_folder_read(const char *folder, const dg_dataset_options *options,
                               dg_error *err);

#endif
