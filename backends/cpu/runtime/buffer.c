#include "backends/cpu/runtime/buffer.h"

#include <stdlib.h>
#include <string.h>

#include "backends/cpu/runtime/lanes.h"
#include "core/base/size.h"

/** A number that no state of a buffer had before. */
static uint64_t new_version(dg_device *device) {
  return ++((dg_cpu_device *)device)->versions;
}

static dg_buffer *buffer_wrap(dg_device *device, void *data, size_t bytes, dg_buffer *parent,
                              dg_error *err) {
  dg_buffer *buffer = malloc(sizeof *buffer);
  if (!buffer) {
    dg_fail_memory(err, sizeof *buffer);
    return NULL;
  }
  *buffer = (dg_buffer){.device = device, .data = data, .bytes = bytes, .parent = parent};
  buffer->version = new_version(device);
  return buffer;
}

/** Does what the device has taken and not done. */
static void settle(dg_device *device) {
  dg_cpu_lanes_run(((dg_cpu_device *)device)->lanes);
}

void dg_cpu_buffer_free(dg_buffer *buffer) {
  if (!buffer) return;
  settle(buffer->device);
  if (!buffer->parent) {
    ((dg_cpu_device *)buffer->device)->used -= buffer->bytes;
    free(buffer->data);
  }
  free(buffer);
}

dg_buffer *dg_cpu_buffer_new(dg_device *device, size_t bytes, dg_error *err) {
  uint64_t rounded = dg_size_round_up(bytes, DG_CPU_ALIGNMENT);
  uint64_t *used = &((dg_cpu_device *)device)->used;
  /* more than there is would be promised, and the program ended when it is written */
  bool fits = bytes > 0 && dg_size_plus(*used, rounded) <= device->info.max_alloc;
  void *data = fits ? aligned_alloc(DG_CPU_ALIGNMENT, rounded) : NULL;
  if (!data) {
    dg_fail(err, DG_ERR_MEMORY,
            "no %zu bytes of memory left for the cpu backend; a smaller --batch needs less", bytes);
    return NULL;
  }
  memset(data, 0, rounded);
  dg_buffer *buffer = buffer_wrap(device, data, bytes, NULL, err);
  if (buffer)
    *used += bytes;
  else
    free(data);
  return buffer;
}

/** Is [offset, offset + bytes) inside the buffer? */
static bool inside(const dg_buffer *buffer, size_t offset, size_t bytes, const char *what,
                   dg_error *err) {
  if (offset <= buffer->bytes && bytes <= buffer->bytes - offset) return true;
  return dg_fail(err, DG_ERR_INPUT, "%s of %zu bytes at %zu is outside a buffer of %zu bytes", what,
                 bytes, offset, buffer->bytes);
}

dg_buffer *dg_cpu_buffer_view(dg_buffer *parent, size_t offset, size_t bytes, dg_error *err) {
  if (!inside(parent, offset, bytes, "a view", err)) return NULL;
  if (parent->parent || offset % DG_CPU_ALIGNMENT) {
    dg_fail(err, DG_ERR_INPUT, "a view must start at a multiple of %d bytes of a whole buffer",
            DG_CPU_ALIGNMENT);
    return NULL;
  }
  return buffer_wrap(parent->device, (char *)parent->data + offset, bytes, parent, err);
}

bool dg_cpu_buffer_write(dg_buffer *buffer, size_t offset, const void *from, size_t bytes,
                         dg_error *err) {
  if (!inside(buffer, offset, bytes, "a write", err)) return false;
  settle(buffer->device);
  memcpy((char *)buffer->data + offset, from, bytes);
  (buffer->parent ? buffer->parent : buffer)->version = new_version(buffer->device);
  return true;
}

bool dg_cpu_buffer_read(dg_buffer *buffer, size_t offset, void *to, size_t bytes, dg_error *err) {
  if (!inside(buffer, offset, bytes, "a read", err)) return false;
  settle(buffer->device);
  memcpy(to, (const char *)buffer->data + offset, bytes);
  return true;
}
