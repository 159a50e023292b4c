#include "backends/cpu/runtime/buffer.h"

#include <stdlib.h>
#include <string.h>

#include "backends/checks.h"
#include "backends/cpu/runtime/batch_split.h"
#include "backends/cpu/runtime/pieces.h"
#include "core/base/limits/memory.h"
#include "core/base/size.h"

/** A version that no buffer had before. */
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

static dg_buffer *whole_of(dg_buffer *buffer) {
  return buffer->parent ? buffer->parent : buffer;
}

/** Marks everything derived from a buffer's content as outdated. */
static void note_change(dg_buffer *buffer) {
  whole_of(buffer)->version = new_version(buffer->device);
}

bool dg_cpu_finish(dg_device *device, dg_error *err) {
  return dg_cpu_batch_split_finish(((dg_cpu_device *)device)->splits) ||
         dg_fail(err, DG_ERR_RUNTIME,
                 "the device was at work when this process was forked off: finish it before");
}

void dg_cpu_buffer_free(dg_buffer *buffer) {
  if (!buffer) return;
  dg_cpu_finish(buffer->device, NULL);
  if (!buffer->parent) {
    ((dg_cpu_device *)buffer->device)->used -= buffer->bytes;
    free(buffer->data);
  }
  free(buffer);
}

dg_memory_left dg_cpu_memory_left(const dg_device *device) {
  const uint64_t used = ((const dg_cpu_device *)device)->used, most = device->info.max_alloc;
  const dg_memory_left left = dg_memory_find_left(""),
                       machine = {most > used ? most - used : 0, "this machine"};
  return machine.bytes < left.bytes ? machine : left;
}

dg_buffer *dg_cpu_buffer_new(dg_device *device, size_t bytes, dg_error *err) {
  uint64_t rounded = dg_size_round_up(bytes, DG_CPU_ALIGNMENT);
  uint64_t *used = &((dg_cpu_device *)device)->used;
  if (!dg_memory_check(rounded, "a buffer of the cpu backend", err))
    return dg_advise(err, DG_REMEDY_BATCH), NULL;
  /* the system would promise more than there is, and kill the program when it is written */
  bool fits = bytes > 0 && dg_size_plus(*used, rounded) <= device->info.max_alloc;
  void *data = fits ? aligned_alloc(DG_CPU_ALIGNMENT, rounded) : NULL;
  if (!data) {
    dg_fail(err, DG_ERR_MEMORY, "no %zu bytes of memory left for the cpu backend", bytes);
    dg_advise(err, DG_REMEDY_BATCH);
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

dg_buffer *dg_cpu_buffer_view(dg_buffer *parent, size_t offset, size_t bytes, dg_error *err) {
  if (!dg_check_inside("a view", parent->bytes, offset, bytes, err)) return NULL;
  if (parent->parent || offset % DG_CPU_ALIGNMENT) {
    dg_fail(err, DG_ERR_INPUT, "a view must start at a multiple of %d bytes of a whole buffer",
            DG_CPU_ALIGNMENT);
    return NULL;
  }
  return buffer_wrap(parent->device, (char *)parent->data + offset, bytes, parent, err);
}

bool dg_cpu_buffer_write(dg_buffer *buffer, size_t offset, const void *from, size_t bytes,
                         dg_error *err) {
  if (!dg_check_inside("a write", buffer->bytes, offset, bytes, err)) return false;
  if (!dg_cpu_finish(buffer->device, err)) return false;
  memcpy((char *)buffer->data + offset, from, bytes);
  note_change(buffer);
  return true;
}

/** Bytes on their way to a buffer. */
typedef struct {
  size_t pieces; /**< set by dg_cpu_run_counted */
  uint8_t *to;
  const uint8_t *from;
  size_t bytes;
} transfer;

static void copy_piece(const void *context, size_t piece, size_t worker) {
  const transfer *t = context;
  const dg_span span = dg_cpu_part(t->bytes, t->pieces, piece);
  (void)worker;
  memcpy(t->to + span.begin, t->from + span.begin, span.end - span.begin);
}

bool dg_cpu_buffer_upload(dg_buffer *buffer, size_t offset, const void *from, size_t bytes,
                          dg_error *err) {
  enum { BYTES_OF_OPERATION = 8 };
  const dg_cpu_device *device = (const dg_cpu_device *)buffer->device;
  const transfer t = {.to = (uint8_t *)buffer->data + offset, .from = from, .bytes = bytes};
  if (!dg_check_inside("an upload", buffer->bytes, offset, bytes, err)) return false;
  if (bytes == 0) return true;
  dg_cpu_batch_split_run(device->splits);
  dg_cpu_run_counted(device, dg_cpu_pieces(bytes, bytes / BYTES_OF_OPERATION), copy_piece, &t,
                     sizeof t);
  note_change(buffer);
  return true;
}

bool dg_cpu_buffer_read(dg_buffer *buffer, size_t offset, void *to, size_t bytes, dg_error *err) {
  if (!dg_check_inside("a read", buffer->bytes, offset, bytes, err)) return false;
  if (!dg_cpu_finish(buffer->device, err)) return false;
  memcpy(to, (const char *)buffer->data + offset, bytes);
  return true;
}

static dg_buffer_range range_of(dg_buffer *buffer, size_t offset) {
  const dg_buffer *whole = whole_of(buffer);
  return (dg_buffer_range){.device = buffer->device,
                           .whole = whole,
                           .begin = (size_t)(buffer->data - whole->data) * sizeof *buffer->data,
                           .size = buffer->bytes,
                           .offset = offset};
}

bool dg_cpu_buffer_copy(dg_buffer *from, size_t from_offset, dg_buffer *to, size_t to_offset,
                        size_t bytes, dg_error *err) {
  const dg_buffer_range source = range_of(from, from_offset), target = range_of(to, to_offset);
  if (!dg_check_copy(&source, &target, bytes, err)) return false;
  if (bytes == 0) return true;
  if (!dg_cpu_finish(to->device, err)) return false;
  memcpy((char *)to->data + to_offset, (const char *)from->data + from_offset, bytes);
  note_change(to);
  return true;
}

bool dg_cpu_buffer_fill(dg_buffer *buffer, size_t offset, uint32_t pattern, size_t bytes,
                        dg_error *err) {
  const dg_buffer_range target = range_of(buffer, offset);
  if (!dg_check_fill(&target, bytes, err)) return false;
  if (bytes == 0) return true;
  if (!dg_cpu_finish(buffer->device, err)) return false;
  uint32_t *words = (uint32_t *)(void *)((char *)buffer->data + offset);
  for (size_t i = 0; i < bytes / sizeof *words; i++) words[i] = pattern;
  note_change(buffer);
  return true;
}
