/* Device memory: buffers, views into them, transfers, and waiting. */
#include <stdlib.h>

#include "backends/checks.h"
#include "backends/opencl/runtime/device.h"
#include "core/base/size.h"

static dg_buffer *wrap(dg_cl_device *device, cl_mem mem, size_t bytes, dg_buffer *whole,
                       dg_error *err) {
  dg_buffer *buffer = malloc(sizeof *buffer);
  if (!buffer) {
    clReleaseMemObject(mem);
    dg_fail_memory(err, sizeof *buffer);
    return NULL;
  }
  *buffer = (dg_buffer){.mem = mem,
                        .device = device,
                        .bytes = bytes,
                        .whole = whole ? whole : buffer,
                        .generation = ++device->generation};
  return buffer;
}

/* Drivers promise more memory than there is, so sizes are checked before allocating. */
static bool check_size(const dg_cl_device *device, size_t bytes, dg_error *err) {
  const dg_device_properties *info = &device->base.info;
  const unsigned long long mb = dg_size_megabytes(bytes);
  if (bytes > info->max_alloc)
    return dg_fail(err, DG_ERR_MEMORY,
                   "a buffer of %llu MB is too large: the device %s allows %llu MB in one buffer",
                   mb, info->name, (unsigned long long)info->max_alloc >> 20) ||
           dg_advise(err, DG_REMEDY_BATCH);
  if (bytes > info->memory - device->memory_used)
    return dg_fail(err, DG_ERR_MEMORY,
                   "no memory for a buffer of %llu MB: the device %s has %llu MB, %llu MB of them "
                   "in use",
                   mb, info->name, (unsigned long long)info->memory >> 20,
                   (unsigned long long)device->memory_used >> 20) ||
           dg_advise(err, DG_REMEDY_BATCH);
  return true;
}

dg_memory_left dg_cl_memory_left(const dg_device *base) {
  const uint64_t used = ((const dg_cl_device *)base)->memory_used, all = base->info.memory;
  return (dg_memory_left){all > used ? all - used : 0, base->info.name};
}

bool dg_cl_check_count(uint64_t numbers, dg_error *err) {
  return numbers <= DG_CL_MOST_NUMBERS ||
         dg_fail(err, DG_ERR_MEMORY,
                 "a tensor of %llu numbers is too large, the opencl backend takes up to %d; "
                 "a smaller batch fits",
                 (unsigned long long)numbers, DG_CL_MOST_NUMBERS);
}

dg_buffer *dg_cl_buffer_new(dg_device *base, size_t bytes, dg_error *err) {
  dg_cl_device *device = (dg_cl_device *)base;
  if (!check_size(device, bytes, err)) return NULL;
  cl_int code;
  cl_mem mem = clCreateBuffer(device->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
  if (code) {
    dg_cl_fail(err, device, code, "allocating a buffer of %zu bytes", bytes);
    return NULL;
  }
  const cl_uchar zero = 0;
  code = clEnqueueFillBuffer(device->queue, mem, &zero, sizeof zero, 0, bytes, 0, NULL, NULL);
  if (!code) code = clFinish(device->queue);
  if (code) {
    clReleaseMemObject(mem);
    dg_cl_fail(err, device, code, "clearing a buffer of %zu bytes", bytes);
    return NULL;
  }
  dg_buffer *buffer = wrap(device, mem, bytes, NULL, err);
  if (buffer) device->memory_used += bytes;
  return buffer;
}

dg_buffer *dg_cl_buffer_view(dg_buffer *parent, size_t offset, size_t bytes, dg_error *err) {
  cl_int code;
  cl_mem mem = clCreateSubBuffer(parent->mem, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION,
                                 &(cl_buffer_region){offset, bytes}, &code);
  if (code) {
    dg_cl_fail(err, parent->device, code, "making a view of %zu bytes at %zu of a buffer of %zu",
               bytes, offset, parent->bytes);
    return NULL;
  }
  dg_buffer *view = wrap(parent->device, mem, bytes, parent, err);
  if (view) view->begin = offset;
  return view;
}

void dg_cl_buffer_free(dg_buffer *buffer) {
  if (!buffer) return;
  clReleaseMemObject(buffer->mem);
  if (buffer->whole == buffer) buffer->device->memory_used -= buffer->bytes;
  free(buffer);
}

/* Marks everything derived from a buffer's content as outdated. */
static void note_change(dg_buffer *buffer) {
  buffer->whole->written = ++buffer->device->generation;
}

bool dg_cl_buffer_write(dg_buffer *buffer, size_t offset, const void *from, size_t bytes,
                        dg_error *err) {
  note_change(buffer);
  cl_int code = clEnqueueWriteBuffer(buffer->device->queue, buffer->mem, CL_TRUE, offset, bytes,
                                     from, 0, NULL, NULL);
  return !code || dg_cl_fail(err, buffer->device, code, "writing %zu bytes at %zu of a buffer",
                             bytes, offset);
}

bool dg_cl_buffer_upload(dg_buffer *buffer, size_t offset, const void *from, size_t bytes,
                         dg_error *err) {
  cl_command_queue queue = buffer->device->queue;
  note_change(buffer);
  cl_int code =
      clEnqueueWriteBuffer(queue, buffer->mem, CL_FALSE, offset, bytes, from, 0, NULL, NULL);
  if (!code) code = clFlush(queue);
  return !code || dg_cl_fail(err, buffer->device, code, "writing %zu bytes at %zu of a buffer",
                             bytes, offset);
}

bool dg_cl_buffer_read(dg_buffer *buffer, size_t offset, void *to, size_t bytes, dg_error *err) {
  cl_int code = clEnqueueReadBuffer(buffer->device->queue, buffer->mem, CL_TRUE, offset, bytes, to,
                                    0, NULL, NULL);
  return !code || dg_cl_fail(err, buffer->device, code, "reading %zu bytes at %zu of a buffer",
                             bytes, offset);
}

static dg_buffer_range range_of(const dg_buffer *buffer, size_t offset) {
  return (dg_buffer_range){.device = &buffer->device->base,
                           .whole = buffer->whole,
                           .begin = buffer->begin,
                           .size = buffer->bytes,
                           .offset = offset};
}

bool dg_cl_buffer_copy(dg_buffer *from, size_t from_offset, dg_buffer *to, size_t to_offset,
                       size_t bytes, dg_error *err) {
  const dg_buffer_range source = range_of(from, from_offset), target = range_of(to, to_offset);
  if (!dg_check_copy(&source, &target, bytes, err)) return false;
  if (bytes == 0) return true;
  note_change(to);
  cl_command_queue queue = to->device->queue;
  cl_int code =
      clEnqueueCopyBuffer(queue, from->mem, to->mem, from_offset, to_offset, bytes, 0, NULL, NULL);
  if (!code) code = clFlush(queue);
  return !code || dg_cl_fail(err, to->device, code, "copying %zu bytes", bytes);
}

bool dg_cl_buffer_fill(dg_buffer *buffer, size_t offset, uint32_t pattern, size_t bytes,
                       dg_error *err) {
  const dg_buffer_range target = range_of(buffer, offset);
  if (!dg_check_fill(&target, bytes, err)) return false;
  if (bytes == 0) return true;
  note_change(buffer);
  cl_command_queue queue = buffer->device->queue;
  cl_int code = clEnqueueFillBuffer(queue, buffer->mem, &pattern, sizeof pattern, offset, bytes, 0,
                                    NULL, NULL);
  if (!code) code = clFlush(queue);
  return !code || dg_cl_fail(err, buffer->device, code, "filling %zu bytes at %zu of a buffer",
                             bytes, offset);
}

bool dg_cl_finish(dg_device *base, dg_error *err) {
  dg_cl_device *device = (dg_cl_device *)base;
  cl_int code = clFinish(device->queue);
  return !code || dg_cl_fail(err, device, code, "waiting for the device %s", base->info.name);
}
