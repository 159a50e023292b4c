/** HDF5 files, in this process; dg_read_hdf5 does it in another one. */
#ifndef DG_HDF5_H
#define DG_HDF5_H

#include "core/exchange/arrays.h"

/**
 * Reads an HDF5 file as dg_read_hdf5 says. The HDF5 library is not proof against damaged files: it
 * may end the process.
 */
bool dg_hdf5_read_here(dg_arrays *arrays, dg_error *err);

#endif
