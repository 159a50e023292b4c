/** Opens a device with all options of the backend interface. */
#ifndef DG_CORE_DEVICE_H
#define DG_CORE_DEVICE_H

#include "backends/backend.h"

/** dg_open with more options. */
dg_device *dg_open_with(const char *backend, const dg_open_options *options, dg_error *err);

#endif
