/** Tuning a device, where its backend can. */
#include "backends/backend.h"
#include "core/bench.h"

bool dg_device_tune(dg_device *device, dg_trial *out, size_t capacity, size_t *count, bool *kept,
                    dg_error *err) {
  *count = 0;
  *kept = false;
  return !device->calls->tune || device->calls->tune(device, out, capacity, count, kept, err);
}
