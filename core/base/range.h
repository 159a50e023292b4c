/** Which bytes of a device's memory are meant: what every backend checks before it moves any. */
#ifndef DG_RANGE_H
#define DG_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/** Where bytes of a buffer begin. */
typedef struct {
  const void *device;
  const void *whole; /**< the buffer, or what it is a view of */
  size_t begin;      /**< of the buffer in `whole` */
  size_t size;       /**< of the buffer */
  size_t offset;     /**< of the first byte in the buffer */
} dg_range;

/** Is [offset, offset + bytes) inside a buffer of `size` bytes? If not, an error that says what
    isn't: "a view". */
bool dg_range_inside(const char *what, size_t size, size_t offset, size_t bytes, dg_error *err);

/** May `bytes` be copied so: inside both buffers, of one device, and disjoint? */
bool dg_range_check_copy(const dg_range *from, const dg_range *to, size_t bytes, dg_error *err);

/** May `bytes` be filled: inside the buffer, and whole words? */
bool dg_range_check_fill(const dg_range *to, size_t bytes, dg_error *err);

#endif
