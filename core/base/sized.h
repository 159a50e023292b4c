/**
 * Structs of the public headers that may grow in later versions. A program passes their size, since
 * it may have been compiled with other headers than the library.
 */
#ifndef DG_SIZED_H
#define DG_SIZED_H

#include <stddef.h>

#include "core/base/error.h"

/** Writes `element`, `known` bytes, to index `index` of an array of the caller, whose elements have
    `size` bytes: as much as fits; bytes that the library does not know become zero. */
void dg_sized_give(void *array, size_t size, size_t index, const void *element, size_t known);

/**
 * Copies options of the caller, whose first member is their size, to `own`, `known` bytes; members
 * that the caller does not know become zero. NULL: all zero but the size. Options without a size
 * are an error, and so are options of a newer version that set members that the library does not
 * know. `type` is named in errors.
 */
bool dg_sized_take(void *own, size_t known, const void *options, const char *type, dg_error *err);

#endif
