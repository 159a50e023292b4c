/** Opening a device with all that the backend interface lets one choose. */
#ifndef DG_CORE_DEVICE_H
#define DG_CORE_DEVICE_H

#include "backends/backend.h"

/** dg_open with more to choose. */
dg_device *dg_open_with(const char *backend, const dg_open_options *options, dg_error *err);

#endif
