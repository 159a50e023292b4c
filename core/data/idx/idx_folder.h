/** A folder of IDX files as a set. */
#ifndef DG_IDX_FOLDER_H
#define DG_IDX_FOLDER_H

#include "core/data/dataset.h"

/** Does a folder hold one of the IDX files of a set? */
bool dg_dataset_is_idx(const char *folder);

/** dg_data_files of a folder of IDX files. */
bool dg_dataset_files(const char *folder, dg_data_file *file, void *user, dg_error *err);

/**
 * Reads the four IDX files with MNIST's names (train-images-idx3-ubyte, …, with or without .gz;
 * "." for the dash before "idx" is accepted too) from a folder, and the names of the classes from
 * its classes.txt where it has one.
 * Errors name the file, what is wrong with it and the remedy. The caller frees the result.
 */
dg_dataset *dg_dataset_read(const char *folder, dg_error *err);

/**
 * Writes a set into a folder, which is made where there is none, as four IDX files with MNIST's
 * names, gzipped or not, and classes.txt where the classes have names. A folder that holds such a
 * file already is an error: no set is overwritten. On failure no file is left behind.
 */
bool dg_dataset_write(const dg_dataset *set, const char *folder, bool gzip, dg_error *err);

#endif
