/** The tuned settings of a device (tune.h), and storing them on disk. */
#ifndef DG_OPENCL_TUNING_H
#define DG_OPENCL_TUNING_H

#include "backends/opencl/runtime/tiles.h"

/** The tuned settings of a device. */
typedef struct {
  dg_cl_tile tiles[DG_CL_TILED];
  uint32_t own_linear; /**< 1: our kernels compute the linear layers that CLBlast would compute,
                          else 0 */
} dg_cl_tuning;

/** The settings of a device that wasn't tuned. */
dg_cl_tuning dg_cl_tuning_default(const dg_cl_device *device);

/** Applies settings to a device whose form is chosen, and reports them in its info. */
void dg_cl_tuning_use(dg_cl_device *device, const dg_cl_tuning *tuning);

/** Applies the stored settings if there are any, else the defaults: a damaged or foreign file is
    ignored. */
void dg_cl_tuning_load(dg_cl_device *device);

/** Stores settings for all later openings of the device in this form. false: they couldn't be
    stored. */
bool dg_cl_tuning_keep(const dg_cl_device *device, const dg_cl_tuning *tuning);

#endif
