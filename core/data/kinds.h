/** Kinds of data sets that are found by what is at a path. */
#ifndef DG_DATA_KINDS_H
#define DG_DATA_KINDS_H

#include "core/data/dataset.h"

typedef struct {
  bool (*is)(const char *path);
  dg_dataset *(*read)(const char *path, const dg_dataset_options *options, dg_error *err);
  /** dg_dataset_files; NULL: the path alone */
  bool (*files)(const char *path, dg_dataset_file *file, void *user, dg_error *err);
} dg_data_kind;

/** The kind of what is at a path; NULL: IDX files, pictures or a table. A pipe is not touched. */
const dg_data_kind *dg_data_kind_of(const char *path);

#endif
