/** A table as a set. */
#ifndef DG_TABLE_H
#define DG_TABLE_H

#include "core/data/dataset.h"

/** Reads a table of pixels or numbers; its last tenth becomes the test part, unless the options say
    otherwise. */
dg_dataset *dg_dataset_from_table(const char *path, const dg_dataset_options *options,
                                  dg_error *err);

/** Reads the samples of a table without their labels or targets, as dg_sample_file_open does. */
bool dg_table_samples(dg_samples *samples, const char *path, const dg_dataset_options *options,
                      dg_error *err);

#endif
