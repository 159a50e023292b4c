/** Finds the fastest tile sizes of a device by timing them. */
#ifndef DG_OPENCL_TUNE_H
#define DG_OPENCL_TUNE_H

#include "backends/opencl/runtime/device.h"

/** `tune` of the backend interface. */
bool dg_cl_tune(dg_device *device, dg_trial *out, size_t capacity, size_t *count, bool *kept,
                dg_error *err);

#endif
