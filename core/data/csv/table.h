/** A table of labelled images as a set. */
#ifndef DG_TABLE_H
#define DG_TABLE_H

#include "core/data/dataset.h"

/** Reads a CSV table; its last tenth becomes the test part. */
dg_dataset *dg_dataset_from_table(const char *path, dg_error *err);

#endif
