/** One data set of an HDF5 file. */
#ifndef DG_HDF5_SET_H
#define DG_HDF5_SET_H

#define H5_USE_110_API /* in newer libraries too */
#include <hdf5.h>

#include "core/exchange/arrays.h"

/**
 * Adds an open data set as the tensor `name`; sets without numbers are skipped. Before anything is
 * read, it is an error if the numbers are outside the file, are packed in an unsupported way, or
 * are far more than its bytes in the file allow.
 */
bool dg_hdf5_add_set(dg_arrays *arrays, hid_t set, const char *name, dg_error *err);

#endif
