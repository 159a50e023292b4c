/** The means of a table's columns, and what is put into empty fields. */
#ifndef DG_CSV_MEANS_H
#define DG_CSV_MEANS_H

#include "core/data/dataset.h"

/** Takes the means of the columns over the first `count` training samples, unless the columns have
    some, and puts them in place of what is no number (NAN) in all. */
bool dg_csv_fill(dg_dataset *set, uint32_t count, dg_error *err);

#endif
