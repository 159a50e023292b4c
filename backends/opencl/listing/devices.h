/** The devices of every OpenCL platform, and what is wrong with devices, platforms and drivers. */
#ifndef DG_OPENCL_DEVICES_H
#define DG_OPENCL_DEVICES_H

#include "backends/opencl/runtime/device.h"

enum { DG_CL_MAX_DEVICES = 64 };

/** First the `usable` ones, then those with a fault: devices, and (without id) platforms and
    drivers. */
typedef struct {
  cl_device_id id[DG_CL_MAX_DEVICES];
  dg_device_properties info[DG_CL_MAX_DEVICES];
  size_t usable, count;
} dg_cl_devices;

/** Finds devices, and platforms that have none. */
void dg_cl_devices_find(dg_cl_devices *found);

/** Adds the drivers that the loader passed over. It asks every driver again, which may take time:
    devices that can be used are opened without it. */
void dg_cl_devices_add_drivers(dg_cl_devices *found);

/** The index of the device that `wanted` selects (dg_pick_device); -1 with an error if there is
   none, or if it has a fault; then drivers have been added. */
long dg_cl_devices_pick(dg_cl_devices *found, const char *wanted, dg_error *err);

/** Adds the drivers and sets the error that no device can be used; returns false. */
bool dg_cl_devices_fail(dg_cl_devices *found, dg_error *err);

/** The CL_DEVICE_TYPE of a device. */
cl_device_type dg_cl_device_type(cl_device_id id);

#endif
