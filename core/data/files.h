/** The files that a data set is read from. */
#ifndef DG_DATA_FILES_H
#define DG_DATA_FILES_H

#include <stdbool.h>

#include "core/base/error.h"

/** Is told the path of a file; false ends it. */
typedef bool dg_data_file(void *user, const char *path, dg_error *err);

/**
 * Tells each file that dg_data_open reads of `path`, and of a folder of IDX files also those that
 * others take the place of, as an .gz beside the same file unpacked. What is not there has none.
 */
bool dg_data_files(const char *path, dg_data_file *file, void *user, dg_error *err);

#endif
