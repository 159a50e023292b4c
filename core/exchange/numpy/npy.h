/**
 * numpy's .npy: a magic word, a header that is a Python dictionary of type, order and shape, the
 * numbers (numpy.lib.format).
 */
#ifndef DG_NPY_H
#define DG_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "core/exchange/arrays.h"

/** Adds an array, given as the bytes of its file; Fortran's order becomes C's. */
bool dg_npy_read(dg_arrays *arrays, const char *name, const unsigned char *bytes, size_t size,
                 dg_error *err);

/** The bytes of a file of float32; new memory that the caller frees, of `size` bytes. */
unsigned char *dg_npy_make(const dg_array *array, size_t *size, dg_error *err);

#endif
