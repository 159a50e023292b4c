/**
 * The lowest floor of the OpenCL backend: an open device, its memory, and how errors are told.
 * Above it lie programs (program.h), an op and its launches (op.h), what runs one
 * (implementation.h), and the families of ops, a folder each; above these who knows all families
 * (ops.h), tuning (tune/), and how a device is opened (device.c).
 */
#ifndef DG_OPENCL_DEVICE_H
#define DG_OPENCL_DEVICE_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include "backends/backend.h"

/* ---- the device ---------------------------------------------------------- */

/** How kernels of gemm are written; see cl/gemm/outer_tile.cl and cl/gemm/outer_group.cl. */
typedef enum {
  DG_CL_TILE,  /**< a register tile of vectors per work-item, no barrier: CPUs */
  DG_CL_GROUP, /**< 16 x 16 work-items share tiles in local memory: GPUs */
} dg_cl_form;

/** The variants of gemm whose tiles can be tuned, by the kernels gemm_outer, _inner and _taps. */
typedef enum { DG_CL_OUTER, DG_CL_INNER, DG_CL_TAPS, DG_CL_TILED } dg_cl_tiled;

/** What a work-item sums at a time; backends/opencl/runtime/tiles.h says what it counts. */
typedef struct {
  uint32_t rows, columns, depth;
} dg_cl_tile;

/** When linear products go to CLBlast. */
typedef enum { DG_CL_BLAST_NEVER, DG_CL_BLAST_LARGE, DG_CL_BLAST_ALWAYS } dg_cl_blast_use;

typedef struct {
  dg_device base;
  cl_device_id id;
  cl_context context;
  cl_command_queue queue;
  dg_cl_form form;
  dg_cl_blast_use usual_blast; /**< as it comes with the form */
  dg_cl_blast_use blast;       /**< as it is now: tuning may have chosen otherwise */
  dg_cl_tile tiles[DG_CL_TILED];
  bool profile;
  uint64_t memory_used; /**< bytes of all buffers */
  uint64_t generation;  /**< the last one given to a buffer, or to what was written to one */
  struct dg_cl_built *programs; /**< program.c's, the newest first */
} dg_cl_device;

struct dg_buffer {
  cl_mem mem;
  dg_cl_device *device;
  size_t bytes;
  dg_buffer *whole;    /**< what this is a view of, or itself */
  size_t begin;        /**< in `whole` */
  uint64_t generation; /**< of this buffer alone */
  uint64_t written;    /**< of a whole buffer: the generation of the last write to it */
};

/** Numbers that a work-item of an elementwise kernel takes: WIDTH in cl/runtime/common.cl. */
static inline uint32_t dg_cl_width(const dg_cl_device *device) {
  return device->form == DG_CL_TILE ? 16 : 4;
}

/** Work-items that share a line of numbers that is summed: GROUP in cl/runtime/common.cl. */
static inline uint32_t dg_cl_group(const dg_cl_device *device) {
  return device->form == DG_CL_TILE ? 1 : 64;
}

/** The most numbers of a tensor, half of what 32 bits count: what a range is rounded up to must not
    begin anew at 0. */
enum { DG_CL_MOST_NUMBERS = INT32_MAX };

/** Kernels count numbers in 32 bits, some with a sign; fails where that many can't be. */
bool dg_cl_check_count(uint64_t numbers, dg_error *err);

/* ---- memory (buffer.c) --------------------------------------------------- */

/* Those of the interface (dg_device_calls), for this backend's own tables too. */

dg_buffer *dg_cl_buffer_new(dg_device *device, size_t bytes, dg_error *err);
dg_buffer *dg_cl_buffer_view(dg_buffer *parent, size_t offset, size_t bytes, dg_error *err);
void dg_cl_buffer_free(dg_buffer *buffer);
bool dg_cl_buffer_write(dg_buffer *buffer, size_t offset, const void *from, size_t bytes,
                        dg_error *err);
bool dg_cl_buffer_read(dg_buffer *buffer, size_t offset, void *to, size_t bytes, dg_error *err);
bool dg_cl_buffer_copy(dg_buffer *from, size_t from_offset, dg_buffer *to, size_t to_offset,
                       size_t bytes, dg_error *err);
bool dg_cl_buffer_fill(dg_buffer *buffer, size_t offset, uint32_t pattern, size_t bytes,
                       dg_error *err);

/** Waits for all that was enqueued. */
bool dg_cl_finish(dg_device *device, dg_error *err);

/** What a buffer held at a time, as far as writes of the host, copies and fills tell. */
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

/* ---- small things -------------------------------------------------------- */

static inline size_t dg_cl_ceil_div(size_t a, size_t b) {
  return (a + b - 1) / b;
}

static inline size_t dg_cl_round_up(size_t a, size_t unit) {
  return dg_cl_ceil_div(a, unit) * unit;
}

#endif
