/**
 * Structs of the public headers that grow from version to version: a program that was compiled with
 * other headers than the library says how large it knows them to be.
 */
#ifndef DG_SIZED_H
#define DG_SIZED_H

#include <stddef.h>

#include "core/base/error.h"

/** Writes element `index` of an array of the caller, whose elements have `size` bytes: of
    `element`, `known` bytes, as much as fits; what the library does not know is zero. */
void dg_sized_give(void *array, size_t size, size_t index, const void *element, size_t known);

/**
 * Copies options of the caller, whose first member is their size, to `own`, `known` bytes; what the
 * caller does not know is zero. NULL: all zero, and the size. Options without a size are an error,
 * and so are those of a newer version that ask for what the library does not know. `type` is named
 * in errors.
 */
bool dg_sized_take(void *own, size_t known, const void *options, const char *type, dg_error *err);

#endif
