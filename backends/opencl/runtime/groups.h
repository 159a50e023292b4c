/** Sizes of work-groups: what a device and a kernel allow. */
#ifndef DG_OPENCL_GROUPS_H
#define DG_OPENCL_GROUPS_H

#include "backends/opencl/runtime/op.h"

/** The largest work-groups of a device; single work-items if its driver doesn't say. */
dg_cl_groups dg_cl_groups_of(cl_device_id id);

/** Work-items of the largest work-group of a kernel. */
size_t dg_cl_kernel_items(const dg_cl_device *device, cl_kernel kernel);

/** Fails if the kernel requires larger work-groups than the device can run. */
bool dg_cl_check_kernel(const dg_cl_device *device, cl_kernel kernel, const char *name,
                        dg_error *err);

/** Fails if the device can't run work-groups of this size, which `what` needs. */
bool dg_cl_check_groups(const dg_cl_device *device, const char *what, const size_t local[3],
                        dg_error *err);

/** Halves the work-groups of a range until they are small enough. */
void dg_cl_fit_range(dg_cl_range *range, const dg_cl_groups *most, size_t items);

#endif
