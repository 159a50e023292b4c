/* What the readers' fuzz targets have for backends: none. */
#include "backends/backend.h"

const dg_backend *const *dg_backends(void) {
  static const dg_backend *const none[] = {NULL};
  return none;
}

long dg_pick_device(const dg_device_properties *infos, size_t count, const char *wanted,
                    dg_error *err) {
  (void)infos, (void)count, (void)wanted;
  dg_fail(err, DG_ERR_INPUT, "there are no devices");
  return -1;
}
