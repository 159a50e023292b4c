/** Checks and searches of numbers from files and devices. */
#ifndef DG_NUMBERS_H
#define DG_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/size.h"

/** Index of the first of `count` numbers that is not finite; `count` if all are finite. */
size_t dg_first_nonfinite(const float *values, size_t count);

/** Index of the largest of `count` numbers, the first of equal ones. */
uint32_t dg_argmax(const float *values, uint32_t count);

/** Text of the indices of number `index` of a tensor: `[3, 0, 17]`; empty for a tensor without
    dimensions. Returns `text`. */
char *dg_index_text(uint32_t rank, const uint64_t *dim, size_t index, char *text, size_t capacity);

/** Text of a shape: "[1, 28, 28]". Returns `text`. */
char *dg_shape_text(const dg_shape *shape, char *text, size_t capacity);

#endif
