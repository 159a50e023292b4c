/**
 * What the files of the CPU backend share: its structs, and the table of op
 * families. An op runs inside the call that enqueues it, split over the
 * device's OpenMP threads, or with those that follow it, on samples that each
 * thread keeps (lanes.h). How it is split depends on shapes, the number of
 * threads and the calls before and after, so the same calls on the same
 * threads give the same bits.
 */
#ifndef DG_CPU_H
#define DG_CPU_H

#include "backends/backend.h"

struct dg_buffer {
  dg_device *device;
  float *data; /**< aligned to DG_CPU_ALIGNMENT; to a float where a lane's samples begin */
  size_t bytes;
  dg_buffer *parent; /**< whose memory a view shows; NULL: it isn't one */
  uint64_t version;  /**< another one for every buffer, and after a write by the host; one
                          through a view counts for its parent */
};

enum { DG_CPU_ALIGNMENT = 64 };

typedef struct dg_cpu_ops dg_cpu_ops;
typedef struct dg_cpu_lanes dg_cpu_lanes;

typedef struct {
  dg_device base;
  int threads;
  bool profile;
  const dg_cpu_ops *ops;
  uint64_t versions;   /**< of buffers, that there have been */
  uint64_t used;       /**< bytes of all buffers */
  dg_cpu_lanes *lanes; /**< NULL: of one thread */
} dg_cpu_device;

typedef struct dg_cpu_op dg_cpu_op;

/** How one kind of op is prepared and run. */
typedef struct {
  bool (*supports)(const dg_op_desc *desc);
  /** Fills op->base.needs and, where it keeps tables, op->plan. */
  bool (*prepare)(dg_cpu_op *op, bool train, dg_error *err);
  void (*forward)(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step);
  void (*backward)(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step);
} dg_cpu_family;

typedef struct dg_cpu_packing dg_cpu_packing;
typedef struct dg_cpu_parting dg_cpu_parting;

struct dg_cpu_op {
  dg_op base;
  const dg_cpu_device *device;
  const dg_cpu_family *family;
  bool train;
  bool planned;    /**< its needs alone are asked for: it will not run, and gets no memory */
  void *plan;      /**< what the family wants to remember, one block of malloc; or NULL */
  void *back_plan; /**< backward's own, as `plan`, where forward goes another way; or NULL */
  dg_cpu_packing *packing; /**< NULL: packed anew in every run */
  dg_cpu_parting *parting; /**< NULL: its samples are never parted (lanes.h) */
  dg_op_times times;
};

/** The ops compiled for one instruction set. */
struct dg_cpu_ops {
  const dg_cpu_family *family[DG_OP_KINDS];
};

/** The floats of a buffer; NULL for none. */
static inline float *dg_floats(const dg_buffer *buffer) {
  return buffer ? buffer->data : NULL;
}

/** `floats` rounded up, so that what follows them is aligned as a buffer is. */
static inline size_t dg_round_up(size_t floats) {
  enum { UNIT = DG_CPU_ALIGNMENT / sizeof(float) };
  return (floats + UNIT - 1) / UNIT * UNIT;
}

/** A part of a range. */
typedef struct {
  size_t begin, end;
} dg_span;

/** Part `index` of `parts` of [0, count). */
static inline dg_span dg_cpu_part(size_t count, size_t parts, size_t index) {
  return (dg_span){count * index / parts, count * (index + 1) / parts};
}

/** What the calling thread of a parallel region gets of [0, count), in units of `grain`. */
dg_span dg_cpu_share(size_t count, size_t grain);

/** to[i] = or += from[i], as the mode says. */
static inline void dg_grad_put(dg_grad_mode mode, size_t count, const float *from, float *to) {
  if (mode == DG_GRAD_WRITE)
    for (size_t i = 0; i < count; i++) to[i] = from[i];
  if (mode == DG_GRAD_ADD)
    for (size_t i = 0; i < count; i++) to[i] += from[i];
}

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

/** Threads worth waking for work of about `operations` simple operations. */
int dg_cpu_threads(const dg_cpu_device *device, size_t operations);

/* ---- packed parameters (packing.c) --------------------------------------- */

/** Has an op that isn't trained keep `floats` that it makes of its parameters; the op owns them. */
bool dg_cpu_keep_packing(dg_cpu_op *op, size_t floats, dg_error *err);
void dg_cpu_packing_free(dg_cpu_packing *packing); /**< NULL is allowed */

/**
 * Where an op's packed parameters lie: kept from run to run, or else in `workspace`. `pack` becomes
 * whether they have to be packed now: they changed since, or are kept nowhere.
 */
float *dg_cpu_packed(const dg_cpu_op *op, const dg_op_buffers *buffers, float *workspace,
                     bool *pack);

#endif
