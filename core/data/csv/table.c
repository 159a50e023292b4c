#include "core/data/csv/table.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/data/csv/csv.h"

static bool read_set(dg_dataset *set, const char *path, dg_error *err) {
  if (!dg_csv_read(&set->train, path, err)) return false;
  if (!set->train.labels)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s:1: no column `label` is first, and a set to learn from or to test on needs "
                   "labels; add that column",
                   path);
  if (!dg_dataset_hold_out(set, err)) return false;
  dg_dataset_count_classes(set);
  return true;
}

dg_dataset *dg_dataset_from_table(const char *path, dg_error *err) {
  dg_dataset *set = dg_dataset_new(path, err);
  if (set && read_set(set, path, err)) return set;
  dg_dataset_close(set);
  return NULL;
}

bool dg_images_read(dg_images *images, const char *path, dg_error *err) {
  dg_samples samples;
  *images = (dg_images){0};
  if (!dg_csv_read(&samples, path, err)) return false;
  free(samples.labels);
  *images = (dg_images){samples.count, samples.kind.shape.dim[1], samples.kind.shape.dim[2],
                        samples.inputs};
  return true;
}

void dg_images_free(dg_images *images) {
  free(images->images);
  *images = (dg_images){0};
}
