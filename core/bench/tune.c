/** Tunes a device if its backend can. */
#include <stdlib.h>

#include "backends/backend.h"
#include "core/base/sized.h"
#include "digits/device.h"

bool dg_device_tune(dg_device *device, dg_trial *out, size_t size, size_t capacity, size_t *count,
                    bool *saved, dg_error *err) {
  *count = 0;
  *saved = false;
  if (!device->calls->tune) return true;
  dg_trial *trials = calloc(capacity ? capacity : 1, sizeof *trials);
  if (!trials) return dg_fail_memory(err, capacity * sizeof *trials);
  bool done = device->calls->tune(device, trials, capacity, count, saved, err);
  for (size_t i = 0; done && i < *count && i < capacity; i++)
    dg_sized_give(out, size, i, &trials[i], sizeof trials[i]);
  free(trials);
  return done;
}
