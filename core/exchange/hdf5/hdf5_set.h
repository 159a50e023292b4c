/** One data set of an HDF5 file. */
#ifndef DG_HDF5_SET_H
#define DG_HDF5_SET_H

#define H5_USE_110_API /* of newer libraries too */
#include <hdf5.h>

#include "core/exchange/arrays.h"

/**
 * Adds an open data set as the tensor `name`; what holds no numbers is passed over. One whose
 * numbers lie outside the file, are packed in a way that is not read, or are far more than its
 * bytes in the file make, is an error, before anything of it is read.
 */
bool dg_hdf5_add_set(dg_arrays *arrays, hid_t set, const char *name, dg_error *err);

#endif
