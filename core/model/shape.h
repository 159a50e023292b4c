/** Shapes of samples and of what layers give. */
#ifndef DG_SHAPE_H
#define DG_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/size.h"

/**
 * Shape of one sample: {features}, {steps, features} or {channels, height, width}.
 */
typedef struct {
  uint32_t rank, dim[3];
} dg_shape;

/** The count of numbers in a shape, or DG_SIZE_TOO_LARGE. */
static inline uint64_t dg_shape_count(const dg_shape *shape) {
  return dg_size_product(shape->rank, shape->dim);
}

bool dg_shape_equal(const dg_shape *a, const dg_shape *b);

/** Text of a shape: "[1, 28, 28]". Returns `text`. */
char *dg_shape_text(const dg_shape *shape, char *text, size_t capacity);

#endif
