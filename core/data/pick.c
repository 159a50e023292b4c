/** A few test images of a set, as a set of their own. */
#include <stdlib.h>

#include "core/base/error.h"
#include "core/data/columns.h"
#include "core/data/dataset.h"
#include "digits/data.h"

dg_dataset *dg_dataset_select(const dg_dataset *data, const uint32_t *chosen, uint32_t count,
                              dg_error *err) {
  const dg_samples *from = &data->test;
  dg_dataset *set = calloc(1, sizeof *set);
  if (!set) return dg_fail_memory(err, sizeof *set), NULL;
  *set = *data;
  set->held_out = NULL;
  set->train = set->test = (dg_samples){.kind = from->kind};
  set->columns = NULL;
  bool ok = !data->columns || (set->columns = dg_columns_copy(data->columns, err)) != NULL;
  if (ok)
    ok = count > 0 ? dg_samples_new(&set->test, count, &from->kind, err)
                   : dg_fail(err, DG_ERR_INPUT, "no test image was chosen");
  for (uint32_t i = 0; ok && i < count; i++) {
    ok = chosen[i] < from->count ||
         dg_fail(err, DG_ERR_INPUT, "there is no test image %u of %u", chosen[i], from->count);
    if (ok) dg_samples_copy(&set->test, i, from, chosen[i], 1);
  }
  if (ok) return set;
  dg_dataset_close(set);
  return NULL;
}
