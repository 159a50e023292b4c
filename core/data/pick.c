/** A few test images of a set, as a set of their own. */
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/data/dataset.h"
#include "digits/data.h"

dg_dataset *dg_dataset_select(const dg_dataset *data, const uint32_t *chosen, uint32_t count,
                              dg_error *err) {
  const dg_samples *from = &data->test;
  size_t pixels = (size_t)from->height * from->width;
  dg_dataset *set = calloc(1, sizeof *set);
  if (!set) return dg_fail_memory(err, sizeof *set), NULL;
  *set = *data;
  set->held_out = NULL;
  set->train = set->test = (dg_samples){.height = from->height, .width = from->width};
  bool ok = count > 0 ? dg_samples_new(&set->test, count, from->height, from->width, err)
                      : dg_fail(err, DG_ERR_INPUT, "no test image was chosen");
  for (uint32_t i = 0; ok && i < count; i++) {
    if (chosen[i] >= from->count)
      ok = dg_fail(err, DG_ERR_INPUT, "there is no test image %u of %u", chosen[i], from->count);
    else
      memcpy(set->test.images + i * pixels, from->images + chosen[i] * pixels, pixels);
    set->test.labels[i] = ok ? from->labels[chosen[i]] : 0;
  }
  if (ok) return set;
  dg_dataset_close(set);
  return NULL;
}
