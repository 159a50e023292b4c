/** What every backend checks before it moves bytes or runs an op. */
#ifndef DG_CHECKS_H
#define DG_CHECKS_H

#include "backends/backend.h"

/** Where bytes of a buffer begin. */
typedef struct {
  const dg_device *device;
  const dg_buffer *whole; /**< the buffer, or what it is a view of */
  size_t begin;           /**< of the buffer in `whole` */
  size_t size;            /**< of the buffer */
  size_t offset;          /**< of the first byte in the buffer */
} dg_buffer_range;

/** Is [offset, offset + bytes) inside a buffer of `size` bytes? If not, an error that says what
    isn't: "a view". */
bool dg_check_inside(const char *what, size_t size, size_t offset, size_t bytes, dg_error *err);

/** May `bytes` be copied so: inside both buffers, of one device, and disjoint? */
bool dg_check_copy(const dg_buffer_range *from, const dg_buffer_range *to, size_t bytes,
                   dg_error *err);

/** May `bytes` be filled: inside the buffer, and whole words? */
bool dg_check_fill(const dg_buffer_range *to, size_t bytes, dg_error *err);

/** Was the op prepared for so many samples, if it has any, and do phase, samples and buffers agree? */
bool dg_check_forward(const dg_op *op, const dg_op_buffers *buffers, const dg_step *step,
                      dg_error *err);

/** The same of backward; was it `prepared` at all? */
bool dg_check_backward(const dg_op *op, const dg_step *step, bool prepared, dg_error *err);

#endif
