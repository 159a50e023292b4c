/** Checks of every backend before it copies bytes or runs an op. */
#ifndef DG_CHECKS_H
#define DG_CHECKS_H

#include "backends/backend.h"

/** A position in a buffer. */
typedef struct {
  const dg_device *device;
  const dg_buffer *whole; /**< the buffer, or the buffer that it is a view of */
  size_t begin;           /**< of the buffer in `whole` */
  size_t size;            /**< of the buffer */
  size_t offset;          /**< of the first byte, relative to the buffer */
} dg_buffer_range;

/** Is [offset, offset + bytes) inside a buffer of `size` bytes? If not, an error that names `what`,
    for example "a view". */
bool dg_check_inside(const char *what, size_t size, size_t offset, size_t bytes, dg_error *err);

/** Is this copy valid: inside both buffers, on one device, and without overlap? */
bool dg_check_copy(const dg_buffer_range *from, const dg_buffer_range *to, size_t bytes,
                   dg_error *err);

/** Is this fill valid: inside the buffer, and in whole words? */
bool dg_check_fill(const dg_buffer_range *to, size_t bytes, dg_error *err);

/** Was the op prepared for this many samples (if it has any), and are phase, samples and buffers
    consistent? */
bool dg_check_forward(const dg_op *op, const dg_op_buffers *buffers, const dg_step *step,
                      dg_error *err);

/** The same for backward; also: was backward `prepared`? */
bool dg_check_backward(const dg_op *op, const dg_step *step, bool prepared, dg_error *err);

#endif
