/**
 * What the files of the OpenCL backend share: the device, buffers, programs,
 * and how an op launches kernels. One file holds one family of ops; it gives a
 * dg_cl_family, and ops.c lists them.
 */
#ifndef DG_OPENCL_H
#define DG_OPENCL_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include "backends/backend.h"

/* ---- device and memory (device.c, buffer.c) ----------------------------- */

/** How product kernels are written; see cl/gemm/outer_tile.cl and cl/gemm/outer_group.cl. */
typedef enum {
  DG_CL_TILE,  /**< a register tile of vectors per work-item, no barrier: CPUs */
  DG_CL_GROUP, /**< 16 x 16 work-items share tiles in local memory: GPUs */
} dg_cl_form;

/** The products whose tiles can be tuned: the kernels "outer", "inner" and "taps". */
typedef enum { DG_CL_OUTER, DG_CL_INNER, DG_CL_TAPS, DG_CL_TILED } dg_cl_tiled;

/** What a work-item sums at a time; backends/opencl/runtime/tiles.h says what it counts. */
typedef struct {
  uint32_t rows, columns, depth;
} dg_cl_tile;

/** When linear products go to CLBlast. */
typedef enum { DG_CL_BLAST_NEVER, DG_CL_BLAST_LARGE, DG_CL_BLAST_ALWAYS } dg_cl_blast_use;

/** The programs; each is built on first use and shared by all ops of a device. */
typedef enum {
  DG_CL_ELEMENTS,
  DG_CL_NORMS,
  DG_CL_PRODUCTS,
  DG_CL_PANELS, /**< of the tile form, as the next two */
  DG_CL_ROWS,
  DG_CL_WINOGRAD,
  DG_CL_RECURRENT
} dg_cl_program;

/** A program that was built, in a list of all. */
typedef struct dg_cl_built {
  struct dg_cl_built *next;
  dg_cl_program id;
  char options[128]; /**< beside those that all programs are built with */
  cl_program program;
} dg_cl_built;

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
  uint64_t memory_used;  /**< bytes of all buffers */
  uint64_t stamp;        /**< the last one given to a buffer, or to what was written to one */
  dg_cl_built *programs; /**< the newest first */
} dg_cl_device;

struct dg_buffer {
  cl_mem mem;
  dg_cl_device *device;
  size_t bytes;
  dg_buffer *whole; /**< what this is a view of, or itself */
  uint64_t stamp;   /**< of this buffer alone */
  uint64_t written; /**< of a whole buffer: the stamp of the last write to it */
};

extern const dg_backend dg_backend_opencl;
extern const dg_device_calls dg_cl_calls;

/** dg_buffer_new of the interface, for this backend's own tables too. */
dg_buffer *dg_cl_buffer_new(dg_device *device, size_t bytes, dg_error *err);
dg_buffer *dg_cl_buffer_view(dg_buffer *parent, size_t offset, size_t bytes, dg_error *err);
void dg_cl_buffer_free(dg_buffer *buffer);
bool dg_cl_buffer_write(dg_buffer *buffer, size_t offset, const void *from, size_t bytes,
                        dg_error *err);
bool dg_cl_buffer_read(dg_buffer *buffer, size_t offset, void *to, size_t bytes, dg_error *err);

/** What a buffer held at a time, as far as writes of the host tell. */
typedef struct {
  uint64_t buffer, written;
} dg_cl_content;

static inline dg_cl_content dg_cl_content_of(const dg_buffer *buffer) {
  return (dg_cl_content){buffer->stamp, buffer->whole->written};
}

static inline bool dg_cl_is_content(dg_cl_content content, const dg_buffer *buffer) {
  return content.buffer == buffer->stamp && content.written == buffer->whole->written;
}

/* ---- errors (error.c) --------------------------------------------------- */

/** dg_fail for OpenCL's error `code`, returned while doing what `format` says. */
__attribute__((format(printf, 4, 5))) bool dg_cl_fail(dg_error *err, const dg_cl_device *device,
                                                      cl_int code, const char *format, ...);

/* ---- programs and kernels (program.c) ----------------------------------- */

/** A file of cl/, embedded when the library is built. */
typedef struct {
  const char *name, *text;
} dg_cl_source;

/** All of them, ended by a NULL name (generated). */
extern const dg_cl_source dg_cl_sources[];

void dg_cl_programs_free(dg_cl_device *device);

/* ---- ops (ops.c) -------------------------------------------------------- */

enum { DG_CL_MAX_KERNELS = 16, DG_CL_MAX_TABLES = 8, DG_CL_MAX_EVENTS = 256 };

typedef struct dg_cl_op dg_cl_op;

/** A family of ops: the size of its op, which starts with a dg_cl_op, and what it does. */
typedef struct {
  size_t size;
  /** NULL: every description. */
  bool (*supports)(const dg_cl_device *device, const dg_op_desc *desc);
  /** Makes kernels and tables and fills `needs`; what it made is freed with the op. */
  bool (*prepare)(dg_cl_op *op, dg_error *err);
  bool (*forward)(dg_cl_op *op, const dg_op_buffers *buffers, const dg_step *step, dg_error *err);
  bool (*backward)(dg_cl_op *op, const dg_op_buffers *buffers, const dg_step *step, dg_error *err);
} dg_cl_family;

extern const dg_cl_family dg_cl_linear, dg_cl_linear_clblast, dg_cl_conv2d, dg_cl_maxpool2d,
    dg_cl_avgpool2d, dg_cl_activation, dg_cl_dropout, dg_cl_chw_to_hwc, dg_cl_add, dg_cl_concat,
    dg_cl_conv1d, dg_cl_batch_norm, dg_cl_layer_norm, dg_cl_gather, dg_cl_loss, dg_cl_update,
    dg_cl_average, dg_cl_recurrent, dg_cl_conv2d_pixels, dg_cl_conv2d_winograd;

/** Is minimal filtering the faster form of a convolution, for many samples in tile form? */
bool dg_cl_winograd_is_faster(const dg_conv2d_desc *desc);

/** Events of launches whose time hasn't been read yet, and the sum of those that were. */
typedef struct {
  cl_event events[DG_CL_MAX_EVENTS];
  bool backward[DG_CL_MAX_EVENTS];
  size_t count;
  dg_op_times times;
} dg_cl_profile;

struct dg_cl_op {
  dg_op base;
  dg_cl_device *device;
  const dg_cl_family *family;
  bool train;
  bool planned; /**< its needs alone are asked for: it will not run */
  cl_kernel kernels[DG_CL_MAX_KERNELS];
  size_t kernel_count;
  dg_buffer *tables[DG_CL_MAX_TABLES];
  size_t table_count;
  dg_cl_profile *profile; /**< NULL unless the device measures */
  bool in_backward;       /**< which of the two runs now */
};

/** Kernels count numbers in 32 bits, some with a sign; fails where that many can't be. */
bool dg_cl_check_count(uint64_t numbers, dg_error *err);

/** The kernel `name` of a program; the op owns it. NULL on failure. */
cl_kernel dg_cl_kernel(dg_cl_op *op, dg_cl_program program, const char *name, dg_error *err);

/** The same of a program built with more options ("-DX=1"): one for each that are asked for. */
cl_kernel dg_cl_special_kernel(dg_cl_op *op, dg_cl_program program, const char *options,
                               const char *name, dg_error *err);

/** Device memory of the op's own, filled from `from`; the op owns it. NULL on failure. */
dg_buffer *dg_cl_table(dg_cl_op *op, const void *from, size_t bytes, dg_error *err);

/** Zeroed device memory of the op's own, hardly any where it will not run; the op owns it. NULL on
    failure. */
dg_buffer *dg_cl_scratch(dg_cl_op *op, size_t bytes, dg_error *err);

/** One argument of a kernel. */
typedef struct {
  size_t size;
  union {
    cl_mem mem;
    cl_uint u32;
    cl_int i32;
    cl_float f32;
  } value;
} dg_cl_arg;

static inline dg_cl_arg dg_cl_mem(const dg_buffer *buffer) {
  return (dg_cl_arg){sizeof(cl_mem), {.mem = buffer ? buffer->mem : NULL}};
}
static inline dg_cl_arg dg_cl_u32(uint32_t value) {
  return (dg_cl_arg){sizeof(cl_uint), {.u32 = value}};
}
static inline dg_cl_arg dg_cl_i32(int32_t value) {
  return (dg_cl_arg){sizeof(cl_int), {.i32 = value}};
}
static inline dg_cl_arg dg_cl_f32(float value) {
  return (dg_cl_arg){sizeof(cl_float), {.f32 = value}};
}

/** The arguments of a launch, in the kernel's order. */
#define DG_CL_ARGS(...) ((const dg_cl_arg[]){__VA_ARGS__, {0, {0}}})

/** Work-items along each dimension, the size of a work-group, and the number of the first. */
typedef struct {
  size_t global[3], local[3], first[3];
} dg_cl_range;

/** `items` work-items along each dimension in groups of `local`, rounded up to whole groups. */
dg_cl_range dg_cl_range_of(const size_t items[3], const size_t local[3]);

/** Numbers that a work-item of an elementwise kernel takes: WIDTH in cl/runtime/common.cl. */
uint32_t dg_cl_width(const dg_cl_device *device);

/** Work-items that share a line of numbers that is summed: GROUP in cl/runtime/common.cl. */
uint32_t dg_cl_group(const dg_cl_device *device);

/** The range of an elementwise kernel over `count` numbers of each of `samples`. */
dg_cl_range dg_cl_blocks(const dg_cl_device *device, size_t count, size_t samples);

/** Enqueues one launch for an op. */
bool dg_cl_launch(dg_cl_op *op, cl_kernel kernel, dg_cl_range range, const dg_cl_arg *args,
                  dg_error *err);

/** Notes the event of a launch made by other means, when the device measures; takes it over. */
bool dg_cl_note_event(dg_cl_op *op, cl_event event, dg_error *err);

dg_op *dg_cl_op_prepare(dg_device *device, const dg_op_desc *desc, uint32_t max_n, bool train,
                        dg_error *err);
bool dg_cl_op_supports(const dg_device *device, const dg_op_desc *desc);
bool dg_cl_op_needs(dg_device *device, const dg_op_desc *desc, uint32_t max_n, bool train,
                    dg_op_needs *needs, dg_error *err);
void dg_cl_op_free(dg_op *op);
bool dg_cl_op_forward(dg_op *op, const dg_op_buffers *buffers, const dg_step *step, dg_error *err);
bool dg_cl_op_backward(dg_op *op, const dg_op_buffers *buffers, const dg_step *step, dg_error *err);
bool dg_cl_op_times(dg_op *op, dg_op_times *times, dg_error *err);

/* ---- small things ------------------------------------------------------- */

static inline size_t dg_cl_ceil_div(size_t a, size_t b) {
  return (a + b - 1) / b;
}

static inline size_t dg_cl_round_up(size_t a, size_t unit) {
  return dg_cl_ceil_div(a, unit) * unit;
}

#endif
