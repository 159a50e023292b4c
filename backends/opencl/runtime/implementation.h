/**
 * How a kind of op is run: ordered lists of implementations, one list per direction. The first
 * whose predicate holds is used (ops.c), so the last in a list must accept everything that is
 * supported.
 */
#ifndef DG_OPENCL_IMPLEMENTATION_H
#define DG_OPENCL_IMPLEMENTATION_H

#include "backends/opencl/runtime/op.h"

/** An implementation of one direction of an op. */
typedef struct {
  const char *name;
  /** The layout of what forward saves for backward in training; NULL: nothing. A backward is only
      combined with a forward of the same layout, and reports its size. */
  const char *saved;
  size_t size; /**< size of its struct, which begins with a dg_cl_op */
  /** Does it accept this op? NULL: accepts all. */
  bool (*fits)(const dg_cl_device *device, const dg_op_desc *desc, uint32_t max_n, bool train);
  /** Creates kernels and tables and fills `needs`; its allocations are freed with the op. */
  bool (*prepare)(dg_cl_op *op, dg_error *err);
  bool (*run)(dg_cl_op *op, const dg_op_buffers *buffers, const dg_step *step, dg_error *err);
} dg_cl_implementation;

enum { DG_CL_MAX_IMPLEMENTATIONS = 6 };

/** A kind of op. */
typedef struct {
  /** Is this description supported, including everything fused to its end? NULL: always. */
  bool (*supports)(const dg_cl_device *device, const dg_op_desc *desc);
  /** Best first, ended by NULL; step ops have no backward. */
  const dg_cl_implementation *forward[DG_CL_MAX_IMPLEMENTATIONS];
  const dg_cl_implementation *backward[DG_CL_MAX_IMPLEMENTATIONS];
} dg_cl_family;

#endif
