/** Tables of numbers: all columns but the labels or targets are features of a sample. */
#ifndef DG_CSV_NUMBERS_H
#define DG_CSV_NUMBERS_H

#include "core/data/columns.h"
#include "core/data/csv/file.h"
#include "core/data/dataset.h"

/** The learned columns that a table is to be read by; NULL: its own. */
static inline const dg_columns *dg_csv_learned(const dg_dataset_options *options) {
  return options->columns ? options->columns : options->like ? options->like->columns : NULL;
}

/**
 * Reads all rows of an opened table to the training part, and the columns and classes of the set.
 * Without `answers`, labels and targets are left out; then all columns are numbers, unless they
 * were learned. Empty fields are not numbers (NAN) if options->missing says so. Errors name file,
 * line, column and remedy.
 */
bool dg_csv_read_numbers(dg_dataset *set, dg_csv_file *file, const dg_dataset_options *options,
                         bool answers, dg_error *err);

#endif
