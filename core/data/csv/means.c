#include "core/data/csv/means.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/data/columns.h"

/** A sum without its empty fields. */
typedef struct {
  double sum;
  uint32_t count;
} mean;

static bool take_means(const dg_dataset *set, uint32_t count, float *means, dg_error *err) {
  const uint32_t features = set->train.kind.shape.dim[0];
  const float *at = (const float *)set->train.inputs;
  mean *all = calloc(features, sizeof *all);
  if (!all) return dg_fail_memory(err, features * sizeof *all);
  for (uint32_t i = 0; i < count; i++)
    for (uint32_t f = 0; f < features; f++, at++)
      if (!isnan(*at)) all[f].sum += *at, all[f].count++;
  bool ok = true;
  for (uint32_t f = 0; ok && f < features; f++) {
    char name[300];
    means[f] = (float)(all[f].sum / all[f].count);
    ok = all[f].count > 0 ||
         dg_fail(err, DG_ERR_INPUT, "%s: column %s has no value in the rows to train; leave it out",
                 set->source, dg_columns_feature(set->columns, f, name, sizeof name));
  }
  free(all);
  return ok;
}

/** Copies the means of the columns to `means` [features], or those to the columns. */
static bool exchange(dg_columns *columns, float *means, bool learned, dg_error *err) {
  for (uint32_t i = 0; i < columns->count; i++) {
    dg_column *column = &columns->at[i];
    const size_t bytes = dg_column_width(column) * sizeof *means;
    if (bytes == 0) continue;
    if (learned) {
      column->means = malloc(bytes);
      if (!column->means) return dg_fail_memory(err, bytes);
      memcpy(column->means, means, bytes);
    } else {
      memcpy(means, column->means, bytes);
    }
    means += bytes / sizeof *means;
  }
  return true;
}

static bool have_means(const dg_columns *columns) {
  for (uint32_t i = 0; i < columns->count; i++)
    if (columns->at[i].means) return true;
  return false;
}

bool dg_csv_fill(dg_dataset *set, uint32_t count, dg_error *err) {
  const uint32_t features = set->train.kind.shape.dim[0];
  const bool learned = !have_means(set->columns);
  float *means = malloc(features * sizeof *means);
  if (!means) return dg_fail_memory(err, features * sizeof *means);
  const bool ok = (!learned || take_means(set, count, means, err)) &&
                  exchange(set->columns, means, learned, err);
  float *at = (float *)set->train.inputs;
  for (uint32_t i = 0; ok && i < set->train.count; i++)
    for (uint32_t f = 0; f < features; f++, at++)
      if (isnan(*at)) *at = means[f];
  free(means);
  return ok;
}
