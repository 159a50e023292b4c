/** HDF5 files, in this process; dg_read_hdf5 does it in another one. */
#ifndef DG_HDF5_H
#define DG_HDF5_H

#include "core/exchange/arrays.h"

/**
 * Reads an HDF5 file as dg_read_hdf5 says. The HDF5 library is not proof against damaged files: it
 * may end the process, or never end.
 */
bool dg_hdf5_read_direct(dg_arrays *arrays, dg_error *err);

/** What a process may use that reads a file. */
typedef struct {
  double seconds;     /**< by the clock */
  unsigned processor; /**< seconds of a processor */
  uint64_t bytes;     /**< of memory, beyond what it begins with */
} dg_sandbox_limits;

/**
 * Runs `read` in a process of its own, which has these limits, can write no file and ends with its
 * parent, and takes over the tensors that it sends. `read` gets empty `arrays` with the same path
 * and the same most numbers. What comes back is checked: it may have been made by a file that took
 * the process over.
 */
bool dg_hdf5_read_sandboxed(dg_arrays *arrays, bool (*read)(dg_arrays *arrays, dg_error *err),
                            const dg_sandbox_limits *limits, dg_error *err);

/** What a process sends first for each tensor; its name and its numbers follow. */
typedef struct {
  uint64_t name, layer; /**< bytes; a name of 0 bytes: there are no more */
  uint64_t dim[DG_TENSOR_RANK];
  uint32_t rank, integer;
} dg_sandbox_head;

/** What it sends last. */
typedef struct {
  uint32_t ok, ordered, keras, out_of_memory;
  char message[sizeof((dg_error *)0)->message];
} dg_sandbox_end;

/** The asking side: takes what a process sends through a pipe, until `seconds` are over. */
bool dg_hdf5_receive(dg_arrays *arrays, int pipe, double seconds, dg_error *err);

#endif
