/**
 * numpy's .npy (numpy.lib.format): a magic string, a header that is a Python dictionary of type,
 * order and shape, and the numbers.
 */
#ifndef DG_NPY_H
#define DG_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "core/exchange/arrays.h"

/** Adds an array from the bytes of its file; Fortran order is converted to C order. */
bool dg_npy_read(dg_arrays *arrays, const char *name, const unsigned char *bytes, size_t size,
                 dg_error *err);

/** Makes the bytes of a file of float32: `size` bytes of new memory, which the caller frees. */
unsigned char *dg_npy_make(const dg_array *array, size_t *size, dg_error *err);

#endif
