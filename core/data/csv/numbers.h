/** Tables of numbers: all columns but the labels or targets are features of a sample. */
#ifndef DG_CSV_NUMBERS_H
#define DG_CSV_NUMBERS_H

#include "core/data/csv/file.h"
#include "core/data/dataset.h"

/**
 * Reads all rows of an opened table to the training part, and the columns and classes of the set.
 * Empty fields are not numbers (NAN) if options->missing says so. Errors name file, line, column
 * and remedy.
 */
bool dg_csv_read_numbers(dg_dataset *set, dg_csv_file *file, const dg_dataset_options *options,
                         dg_error *err);

#endif
