#include "core/data/csv/table.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/data/csv/csv.h"
#include "core/data/csv/kind.h"
#include "core/data/csv/means.h"
#include "core/data/csv/numbers.h"

static bool read_pixels(dg_dataset *set, dg_csv_file *file, dg_error *err) {
  if (!dg_csv_read_pixels(&set->train, file, err)) return false;
  if (!set->train.labels)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s:1: no column `label` is first, and a set to learn from or to test on needs "
                   "labels; add that column",
                   set->source) ||
           dg_advise(err, DG_REMEDY_COLUMN);
  dg_dataset_count_classes(set);
  return true;
}

static bool read_numbers(dg_dataset *set, dg_csv_file *file, const dg_dataset_options *options,
                         dg_error *err) {
  if (!dg_csv_read_numbers(set, file, options, true, err)) return false;
  const uint32_t all = set->train.count;
  return dg_csv_fill(set, options->keep_all ? all : all - dg_dataset_held_out_of(all), err);
}

/** Makes all samples those to test. */
static bool test_all(dg_dataset *set) {
  set->test = set->train;
  set->train = (dg_samples){.kind = set->test.kind};
  return true;
}

static bool read_set(dg_dataset *set, const char *path, const dg_dataset_options *options,
                     dg_error *err) {
  dg_csv_file file;
  if (!dg_csv_open(&file, path, err)) return false;
  const bool ok = dg_csv_is_numbers(&file, options) ? read_numbers(set, &file, options, err)
                                                    : read_pixels(set, &file, err);
  dg_csv_close(&file);
  if (!ok) return false;
  if (options->like && options->like->columns) return test_all(set);
  return options->keep_all || dg_dataset_hold_out(set, err);
}

dg_dataset *dg_dataset_from_table(const char *path, const dg_dataset_options *options,
                                  dg_error *err) {
  dg_dataset *set = dg_dataset_new(path, err);
  if (set && read_set(set, path, options, err)) return set;
  dg_dataset_close(set);
  return NULL;
}

/* ---- without labels ------------------------------------------------------- */

/** Reads the features of a table; empty fields get the means that were learned. */
static bool read_features(dg_dataset *set, dg_csv_file *file, const dg_dataset_options *options,
                          dg_error *err) {
  const bool learned = dg_csv_learned(options) != NULL;
  if (options->missing && !learned)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: the means for empty fields are those that were learned, and the weights "
                   "carry no columns of a table",
                   set->source);
  return dg_csv_read_numbers(set, file, options, false, err) &&
         (!learned || dg_csv_fill(set, 0, err));
}

bool dg_table_samples(dg_samples *samples, const char *path, const dg_dataset_options *options,
                      dg_error *err) {
  dg_csv_file file = {0};
  dg_dataset *set = dg_dataset_new(path, err);
  bool ok = set && dg_csv_open(&file, path, err);
  if (ok) {
    ok = dg_csv_is_numbers(&file, options) ? read_features(set, &file, options, err)
                                           : dg_csv_read_pixels(&set->train, &file, err);
    dg_csv_close(&file);
  }
  *samples = ok ? set->train : (dg_samples){0};
  if (ok) set->train = (dg_samples){0};
  dg_dataset_close(set);
  return ok;
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
