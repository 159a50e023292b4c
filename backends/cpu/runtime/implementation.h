/**
 * How a kind of op is run: ordered lists of implementations, one list per direction. The first
 * whose predicate holds is used (prepared.c), so the last in a list must accept everything that is
 * supported.
 */
#ifndef DG_CPU_IMPLEMENTATION_H
#define DG_CPU_IMPLEMENTATION_H

#include "backends/cpu/runtime/op.h"

/** An implementation of one direction of an op. */
typedef struct {
  const char *name;
  /** Does it accept this op? NULL: accepts all. */
  bool (*fits)(const dg_cpu_device *device, const dg_op_desc *desc, uint32_t max_n, bool train);
  /** Fills op->needs and, if it has tables, op->plan; its allocations are freed with the op. NULL:
      no needs. */
  bool (*prepare)(dg_cpu_op *op, dg_error *err);
  void (*run)(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step);
} dg_cpu_implementation;

enum { DG_CPU_MAX_IMPLEMENTATIONS = 6 };

/**
 * A kind of op. Forward and backward are chosen independently: all implementations of a kind use
 * the same layout for what is saved, every forward writes it, and backward reports its size.
 */
typedef struct {
  /** Is this description supported, including everything fused to its end? */
  bool (*supports)(const dg_op_desc *desc);
  /** Best first, ended by NULL; step ops have no backward. */
  const dg_cpu_implementation *forward[DG_CPU_MAX_IMPLEMENTATIONS];
  const dg_cpu_implementation *backward[DG_CPU_MAX_IMPLEMENTATIONS];
} dg_cpu_family;

/** The ops compiled for one instruction set. */
struct dg_cpu_ops {
  const dg_cpu_family *family[DG_OP_KINDS];
};

#endif
