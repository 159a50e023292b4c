/** What a device was tuned to (tune.h), and keeping it on disk. */
#ifndef DG_OPENCL_TUNING_H
#define DG_OPENCL_TUNING_H

#include "backends/opencl/runtime/tiles.h"

/** What a device was tuned to. */
typedef struct {
  dg_cl_tile tiles[DG_CL_TILED];
  uint32_t own_linear; /**< 1: our kernels do the linear layers that CLBlast would do, else 0 */
} dg_cl_tuning;

/** That of a device that was not tuned. */
dg_cl_tuning dg_cl_tuning_default(const dg_cl_device *device);

/** Has a device, whose form is chosen, work so, and says it in its info. */
void dg_cl_tuning_use(dg_cl_device *device, const dg_cl_tuning *tuning);

/** Has it work as it was tuned, where that was kept, else by default: a damaged or another's file
    changes nothing. */
void dg_cl_tuning_load(dg_cl_device *device);

/** Keeps a tuning for all who open the device in this form. false: it could not be kept. */
bool dg_cl_tuning_keep(const dg_cl_device *device, const dg_cl_tuning *tuning);

#endif
