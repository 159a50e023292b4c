/**
 * The lowest layer of the OpenCL backend: an open device, its memory, and error reporting. The next
 * layers are programs (program.h), an op and its launches (op.h), its implementations
 * (implementation.h), and the families of ops, one folder each. On top are the table of all ops
 * (ops.h), tuning (tune/), and opening a device (device.c).
 */
#ifndef DG_OPENCL_DEVICE_H
#define DG_OPENCL_DEVICE_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <CL/cl_ext.h>

#include "backends/backend.h"

/* ---- the device ---------------------------------------------------------- */

/** The form of the gemm kernels; see cl/gemm/outer_tile.cl and cl/gemm/outer_group.cl. */
typedef enum {
  DG_CL_TILE,  /**< a register tile of vectors per work-item, no barriers: CPUs */
  DG_CL_GROUP, /**< 16 x 16 work-items share tiles in local memory: GPUs */
} dg_cl_form;

/** The variants of gemm whose tiles can be tuned: those of the kernels gemm_outer, _inner and
    _taps. */
typedef enum { DG_CL_OUTER, DG_CL_INNER, DG_CL_TAPS, DG_CL_TILED } dg_cl_tiled;

/** The sums of a work-item; for the units see backends/opencl/runtime/tiles.h. */
typedef struct {
  uint32_t rows, columns, depth;
} dg_cl_tile;

/** When to use CLBlast for linear products. */
typedef enum { DG_CL_BLAST_NEVER, DG_CL_BLAST_LARGE, DG_CL_BLAST_ALWAYS } dg_cl_blast_use;

/** The largest work-groups: all work-items, and those along each dimension. */
typedef struct {
  size_t items, side[3];
} dg_cl_groups;

typedef struct {
  dg_device base;
  cl_device_id id;
  dg_cl_groups groups;
  cl_context context;
  cl_command_queue queue;
  dg_cl_form form;
  dg_cl_blast_use usual_blast; /**< the default of the form */
  dg_cl_blast_use blast;       /**< the current one: tuning may have changed it */
  dg_cl_tile tiles[DG_CL_TILED];
  bool profile;
  dg_note *note; /**< told once that programs can't be kept; then NULL */
  void *user;
  uint64_t memory_used;         /**< bytes of all buffers */
  uint64_t generation;          /**< the last one given to a buffer, or to a write to one */
  struct dg_cl_built *programs; /**< owned by program.c, newest first */
} dg_cl_device;

struct dg_buffer {
  cl_mem mem;
  dg_cl_device *device;
  size_t bytes;
  dg_buffer *whole;    /**< the buffer that this is a view of, or itself */
  size_t begin;        /**< offset in `whole` */
  uint64_t generation; /**< of this buffer itself */
  uint64_t written;    /**< of a whole buffer: the generation of the last write to it */
};

/** Numbers per work-item of an elementwise kernel: WIDTH in cl/runtime/common.cl. */
static inline uint32_t dg_cl_width(const dg_cl_device *device) {
  return device->form == DG_CL_TILE ? 16 : 4;
}

/** Work-items that share a line of numbers in a reduction: GROUP in cl/runtime/common.cl. */
static inline uint32_t dg_cl_group(const dg_cl_device *device) {
  return device->form == DG_CL_TILE ? 1 : 64;
}

/** The most numbers of a tensor, half the range of 32 bits: a range that is rounded up must not
    wrap around to 0. */
enum { DG_CL_MOST_NUMBERS = INT32_MAX };

/** Kernels count numbers in 32 bits, some of them signed; fails if these would overflow. */
bool dg_cl_check_count(uint64_t numbers, dg_error *err);

/* ---- memory (buffer.c) --------------------------------------------------- */

/* Functions of the interface (dg_device_calls), for this backend's own tables too. */

dg_buffer *dg_cl_buffer_new(dg_device *device, size_t bytes, dg_error *err);
dg_buffer *dg_cl_buffer_view(dg_buffer *parent, size_t offset, size_t bytes, dg_error *err);
void dg_cl_buffer_free(dg_buffer *buffer);
dg_memory_left dg_cl_memory_left(const dg_device *device);
bool dg_cl_buffer_upload(dg_buffer *buffer, size_t offset, const void *from, size_t bytes,
                         dg_error *err);
bool dg_cl_buffer_write(dg_buffer *buffer, size_t offset, const void *from, size_t bytes,
                        dg_error *err);
bool dg_cl_buffer_read(dg_buffer *buffer, size_t offset, void *to, size_t bytes, dg_error *err);
bool dg_cl_buffer_copy(dg_buffer *from, size_t from_offset, dg_buffer *to, size_t to_offset,
                       size_t bytes, dg_error *err);
bool dg_cl_buffer_fill(dg_buffer *buffer, size_t offset, uint32_t pattern, size_t bytes,
                       dg_error *err);

/** Waits for everything that was enqueued. */
bool dg_cl_finish(dg_device *device, dg_error *err);

/** The version of a buffer's content, as far as host writes, copies and fills are tracked. */
typedef struct {
  uint64_t buffer, written;
} dg_cl_content;

static inline dg_cl_content dg_cl_content_of(const dg_buffer *buffer) {
  return (dg_cl_content){buffer->generation, buffer->whole->written};
}

static inline bool dg_cl_is_content(dg_cl_content content, const dg_buffer *buffer) {
  return content.buffer == buffer->generation && content.written == buffer->whole->written;
}

/* ---- errors (error.c) --------------------------------------------------- */

/** dg_fail for OpenCL's error `code`, returned while doing what `format` says. */
__attribute__((format(printf, 4, 5))) bool dg_cl_fail(dg_error *err, const dg_cl_device *device,
                                                      cl_int code, const char *format, ...);

/* ---- helpers ------------------------------------------------------------- */

static inline size_t dg_cl_ceil_div(size_t a, size_t b) {
  return (a + b - 1) / b;
}

static inline size_t dg_cl_round_up(size_t a, size_t unit) {
  return dg_cl_ceil_div(a, unit) * unit;
}

#endif
