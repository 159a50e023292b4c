/** Reads HDF5 files in this process; dg_read_hdf5 uses a child process. */
#ifndef DG_HDF5_H
#define DG_HDF5_H

#include "core/exchange/arrays.h"

/** Reads an HDF5 file like dg_read_hdf5. On damaged files the HDF5 library may crash or hang. */
bool dg_hdf5_read_direct(dg_arrays *arrays, dg_error *err);

/**
 * dg_read_hdf5 for a file of `size` bytes, which lies at the path or in `arrays->image`; the size
 * limits its numbers.
 */
bool dg_hdf5_read(dg_arrays *arrays, uint64_t size, dg_error *err);

/** Limits of the process that reads a file. */
typedef struct {
  double seconds;     /**< wall-clock time */
  unsigned processor; /**< seconds of processor time */
  uint64_t bytes;     /**< of memory, beyond the initial use */
} dg_sandbox_limits;

/**
 * Runs `read` in a child process, which has these limits, can't write files and ends with its
 * parent, and receives the tensors that it sends. `read` gets empty `arrays` with the same path and
 * limit of numbers. The result is checked, since a hostile file may have taken over the child.
 */
bool dg_hdf5_read_sandboxed(dg_arrays *arrays, bool (*read)(dg_arrays *arrays, dg_error *err),
                            const dg_sandbox_limits *limits, dg_error *err);

/** The header that the child sends for each tensor; its name and its numbers follow, or why it was
    not read. */
typedef struct {
  uint64_t name, layer; /**< bytes; a name of 0 bytes ends the list */
  uint64_t dim[DG_TENSOR_RANK];
  uint32_t rank, integer;
  uint64_t unread; /**< bytes of the reason; 0: it was read */
  char label[DG_LABEL_SIZE];
} dg_sandbox_head;

/** The last thing that it sends. */
typedef struct {
  uint32_t ok, ordered, keras, out_of_memory;
  uint32_t version, settings; /**< of Keras; bytes of its settings, which follow */
  char message[sizeof((dg_error *)0)->message];
} dg_sandbox_end;

/** The parent's side: receives what the child sends through a pipe, for at most `seconds`. */
bool dg_hdf5_receive(dg_arrays *arrays, int pipe, double seconds, dg_error *err);

#endif
