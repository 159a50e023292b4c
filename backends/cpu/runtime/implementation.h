/**
 * How a kind of op is run: ordered lists of implementations, one list a direction. The first whose
 * predicate holds is taken (prepared.c), so the last of a list takes all that is supported.
 */
#ifndef DG_CPU_IMPLEMENTATION_H
#define DG_CPU_IMPLEMENTATION_H

#include "backends/cpu/runtime/op.h"

/** One way to run one direction of an op. */
typedef struct {
  const char *name;
  /** Is it for this? NULL: for all. */
  bool (*fits)(const dg_cpu_device *device, const dg_op_desc *desc, uint32_t max_n, bool train);
  /** Fills op->needs and, where it keeps tables, op->plan; what it made is freed with the op. NULL:
      it needs nothing. */
  bool (*prepare)(dg_cpu_op *op, dg_error *err);
  void (*run)(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step);
} dg_cpu_implementation;

enum { DG_CPU_MAX_IMPLEMENTATIONS = 6 };

/**
 * A kind of op. Forward and backward are chosen without asking each other: what is saved lies in
 * one way for all implementations of a kind, every forward writes it, and backward says how large
 * it is.
 */
typedef struct {
  /** Can this be prepared, with all that is fused to its end? */
  bool (*supports)(const dg_op_desc *desc);
  /** The best first, ended by NULL; step ops have no backward. */
  const dg_cpu_implementation *forward[DG_CPU_MAX_IMPLEMENTATIONS];
  const dg_cpu_implementation *backward[DG_CPU_MAX_IMPLEMENTATIONS];
} dg_cpu_family;

/** The ops compiled for one instruction set. */
struct dg_cpu_ops {
  const dg_cpu_family *family[DG_OP_KINDS];
};

#endif
