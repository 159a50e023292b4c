/**
 * How a kind of op is run: ordered lists of implementations, one list a direction. The first whose
 * predicate holds is taken (ops.c), so the last of a list takes all that is supported.
 */
#ifndef DG_OPENCL_IMPLEMENTATION_H
#define DG_OPENCL_IMPLEMENTATION_H

#include "backends/opencl/runtime/op.h"

/** One way to run one direction of an op. */
typedef struct {
  const char *name;
  /** What a training step hands from forward to backward in `saved`, and how it lies there; NULL:
      nothing. A backward goes with a forward of the same alone, and says how large it is. */
  const char *saved;
  size_t size; /**< of its struct, which starts with a dg_cl_op */
  /** Is it for this? NULL: for all. */
  bool (*fits)(const dg_cl_device *device, const dg_op_desc *desc, uint32_t max_n, bool train);
  /** Makes kernels and tables and fills `needs`; what it made is freed with the op. */
  bool (*prepare)(dg_cl_op *op, dg_error *err);
  bool (*run)(dg_cl_op *op, const dg_op_buffers *buffers, const dg_step *step, dg_error *err);
} dg_cl_implementation;

enum { DG_CL_MAX_IMPLEMENTATIONS = 6 };

/** A kind of op. */
typedef struct {
  /** Can this be prepared, with all that is fused to its end? NULL: every description. */
  bool (*supports)(const dg_cl_device *device, const dg_op_desc *desc);
  /** The best first, ended by NULL; step ops have no backward. */
  const dg_cl_implementation *forward[DG_CL_MAX_IMPLEMENTATIONS];
  const dg_cl_implementation *backward[DG_CL_MAX_IMPLEMENTATIONS];
} dg_cl_family;

#endif
