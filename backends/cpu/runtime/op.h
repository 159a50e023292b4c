/** Ops: what a family of them gives, and how one is prepared and run. */
#ifndef DG_CPU_OP_H
#define DG_CPU_OP_H

#include "backends/cpu/runtime/device.h"
#include "backends/cpu/runtime/packing.h"
#include "backends/cpu/runtime/threads.h"

typedef struct dg_cpu_op dg_cpu_op;

/** How one kind of op is prepared and run. */
typedef struct {
  bool (*supports)(const dg_op_desc *desc);
  /** Fills op->base.needs and, where it keeps tables, op->plan. */
  bool (*prepare)(dg_cpu_op *op, bool train, dg_error *err);
  void (*forward)(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step);
  void (*backward)(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step);
} dg_cpu_family;

struct dg_cpu_op {
  dg_op base;
  const dg_cpu_device *device;
  const dg_cpu_family *family;
  bool train;
  bool planned;    /**< its needs alone are asked for: it will not run, and gets no memory */
  void *plan;      /**< what the family wants to remember, one block of malloc; or NULL */
  void *back_plan; /**< backward's own, as `plan`, where forward goes another way; or NULL */
  dg_cpu_packing *packing; /**< NULL: packed anew in every run */
  dg_op_times times;
};

/** The ops compiled for one instruction set. */
struct dg_cpu_ops {
  const dg_cpu_family *family[DG_OP_KINDS];
};

/** What an op is prepared for. */
typedef struct {
  const dg_op_desc *desc;
  uint32_t max_n;
  bool train, planned; /**< see dg_cpu_op */
} dg_cpu_wish;

/** Prepares an op; what of it was made is freed by dg_cpu_op_release, also after an error. */
bool dg_cpu_op_prepare(dg_cpu_op *op, const dg_cpu_device *device, const dg_cpu_wish *wish,
                       dg_error *err);
void dg_cpu_op_release(dg_cpu_op *op);

/** Runs an op at once, and times it on a device that wants it. */
void dg_cpu_op_run(dg_cpu_op *op, bool backward, const dg_op_buffers *buffers, const dg_step *step);
/** Notes that a run which began at `since` (dg_seconds) ends now. */
void dg_cpu_op_time(dg_cpu_op *op, bool backward, double since);

/* ---- what families use --------------------------------------------------- */

/** Has an op that isn't trained keep `floats` that it makes of its parameters; the op owns them. */
bool dg_cpu_keep_packing(dg_cpu_op *op, size_t floats, dg_error *err);

/**
 * Where an op's packed parameters lie: kept from run to run, or else in `workspace`. `pack` becomes
 * whether they have to be packed now: they changed since, or are kept nowhere.
 */
float *dg_cpu_packed(const dg_cpu_op *op, const dg_op_buffers *buffers, float *workspace,
                     bool *pack);

/** to[i] = or += from[i], as the mode says. */
static inline void dg_grad_put(dg_grad_mode mode, size_t count, const float *from, float *to) {
  if (mode == DG_GRAD_WRITE)
    for (size_t i = 0; i < count; i++) to[i] = from[i];
  if (mode == DG_GRAD_ADD)
    for (size_t i = 0; i < count; i++) to[i] += from[i];
}

#endif
