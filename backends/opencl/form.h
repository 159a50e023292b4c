/** The form of a device's kernels (dg_cl_form). */
#ifndef DG_OPENCL_FORM_H
#define DG_OPENCL_FORM_H

#include "backends/opencl/runtime/device.h"

/** Sets the usual form of a device, or the given one, and when to use CLBlast; `type` is a
    CL_DEVICE_TYPE. */
bool dg_cl_form_choose(dg_cl_device *device, cl_device_type type, const char *form, dg_error *err);

/** Fails with DG_ERR_UNSUPPORTED if an open device can't run the kernels of its form, or CLBlast's:
    the size of their work-groups, their local memory. The tile form runs everywhere. */
bool dg_cl_form_check(dg_cl_device *device, dg_error *err);

#endif
