/** A device's memory, as described in dg_device_calls: one block of host memory per buffer. */
#ifndef DG_CPU_BUFFER_H
#define DG_CPU_BUFFER_H

#include "backends/cpu/runtime/device.h"

/** Waits until the device has executed everything it was given; false: see
    dg_cpu_batch_split_finish. */
bool dg_cpu_finish(dg_device *device, dg_error *err);

dg_memory_left dg_cpu_memory_left(const dg_device *device);
dg_buffer *dg_cpu_buffer_new(dg_device *device, size_t bytes, dg_error *err);
dg_buffer *dg_cpu_buffer_view(dg_buffer *parent, size_t offset, size_t bytes, dg_error *err);
void dg_cpu_buffer_free(dg_buffer *buffer);
bool dg_cpu_buffer_upload(dg_buffer *buffer, size_t offset, const void *from, size_t bytes,
                          dg_error *err);
bool dg_cpu_buffer_write(dg_buffer *buffer, size_t offset, const void *from, size_t bytes,
                         dg_error *err);
bool dg_cpu_buffer_read(dg_buffer *buffer, size_t offset, void *to, size_t bytes, dg_error *err);
bool dg_cpu_buffer_copy(dg_buffer *from, size_t from_offset, dg_buffer *to, size_t to_offset,
                        size_t bytes, dg_error *err);
bool dg_cpu_buffer_fill(dg_buffer *buffer, size_t offset, uint32_t pattern, size_t bytes,
                        dg_error *err);

#endif
