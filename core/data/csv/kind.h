/** Which of the two kinds of tables one is. */
#ifndef DG_CSV_KIND_H
#define DG_CSV_KIND_H

#include "core/data/csv/file.h"
#include "core/data/dataset.h"

/** Is an opened table one of numbers, not of pixels? */
bool dg_csv_is_numbers(const dg_csv_file *file, const dg_dataset_options *options);

#endif
