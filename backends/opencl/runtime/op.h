/**
 * One direction of an op, as an implementation prepares and runs it: its kernels and tables
 * (op.c), and its launches (launch.c).
 */
#ifndef DG_OPENCL_OP_H
#define DG_OPENCL_OP_H

#include "backends/needs.h"
#include "backends/opencl/runtime/program.h"

enum { DG_CL_MAX_KERNELS = 16, DG_CL_MAX_TABLES = 8, DG_CL_MAX_EVENTS = 256 };

/** Events of launches whose time hasn't been read yet, and the total time of the others. */
typedef struct {
  cl_event events[DG_CL_MAX_EVENTS];
  size_t count;
  double seconds;
} dg_cl_profile;

/** A prepared direction; the struct of every implementation begins with it. */
typedef struct {
  dg_op_desc desc;
  uint32_t max_n;
  bool train;   /**< backward will also be run */
  bool planned; /**< only its needs are queried: it will not run */
  dg_cl_device *device;
  dg_direction_needs needs; /**< filled by the implementation */
  cl_kernel kernels[DG_CL_MAX_KERNELS];
  size_t items[DG_CL_MAX_KERNELS]; /**< work-items of the kernel's largest work-group */
  size_t kernel_count;
  dg_buffer *tables[DG_CL_MAX_TABLES];
  size_t table_count;
  dg_cl_profile *profile; /**< NULL unless the device profiles */
  uint64_t runs;
} dg_cl_op;

/** A zeroed op of `size` bytes with the settings of `as` (desc, max_n, train, planned, device).
    NULL on failure. */
dg_cl_op *dg_cl_op_new(size_t size, const dg_cl_op *as, dg_error *err);

/** Frees an op and everything that it owns; NULL is allowed. */
void dg_cl_op_free(dg_cl_op *op);

/** The kernel `name` of a program; the op owns it. NULL on failure: DG_ERR_UNSUPPORTED if the
   device can't run work-groups of the size that the kernel requires. */
cl_kernel dg_cl_kernel(dg_cl_op *op, dg_cl_program program, const char *name, dg_error *err);

/** The same from a program built with more options ("-DX=1"); each set of options is built
    separately. */
cl_kernel dg_cl_special_kernel(dg_cl_op *op, dg_cl_program program, const char *options,
                               const char *name, dg_error *err);

/** Device memory owned by the op, filled from `from`. NULL on failure. */
dg_buffer *dg_cl_table(dg_cl_op *op, const void *from, size_t bytes, dg_error *err);

/** Zeroed device memory owned by the op; minimal if the op will not run. NULL on failure. */
dg_buffer *dg_cl_scratch(dg_cl_op *op, size_t bytes, dg_error *err);

/* ---- launching (launch.c) ------------------------------------------------ */

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

/**
 * Work-items along each dimension, the size of a work-group, and the offset of the first one. A
 * launch halves the work-group, whose sides are powers of two, until the device and the kernel
 * allow it; unless the kernel requires a size (dg_cl_kernel checks that).
 */
typedef struct {
  size_t global[3], local[3], first[3];
  bool strided; /**< each work-group covers its part whatever its size: there are as many of them */
} dg_cl_range;

/** `items` work-items along each dimension in groups of `local`, rounded up to whole groups. */
dg_cl_range dg_cl_range_of(const size_t items[3], const size_t local[3]);

/** The range of an elementwise kernel over `count` numbers in each of `samples`. */
dg_cl_range dg_cl_blocks(const dg_cl_device *device, size_t count, size_t samples);

/** Enqueues one launch for an op. */
bool dg_cl_launch(dg_cl_op *op, cl_kernel kernel, dg_cl_range range, const dg_cl_arg *args,
                  dg_error *err);

/** Records and takes ownership of the event of a launch made elsewhere, if the device profiles. */
bool dg_cl_note_event(dg_cl_op *op, cl_event event, dg_error *err);

/** Seconds that the op's launches took so far, waiting for those that still run; 0 unless the
    device profiles. */
bool dg_cl_op_seconds(dg_cl_op *op, double *seconds, dg_error *err);

#endif
