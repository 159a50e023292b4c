/**
 * The backend interface: how ops run, and nothing of what they are for.
 *
 * An op is *described* (dg_op_desc in core/op/op.h: kind, shapes, attributes,
 * what is fused to its end), *prepared* once (the backend compiles, picks tiles
 * and says what memory it wants), and *run* every step on buffers. A layer op
 * is prepared as forward and backward together. Everything but the number of
 * samples is known when an op is prepared.
 *
 * Running an op enqueues it, and so do `copy` and `fill`: it returns at once,
 * keeps the order of the calls and allocates nothing. Only `read` and `finish`
 * wait.
 *
 * A backend knows no model, no layer and no file. It is single-threaded
 * towards its caller: one thread at a time uses a device.
 */
#ifndef DG_BACKEND_H
#define DG_BACKEND_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/op/op.h"
#include "digits/device.h"

/* ---- what an op runs on ------------------------------------------------- */

/** Memory of a device, or a view into it. */
typedef struct dg_buffer dg_buffer;

/**
 * The buffers of one op. `d_` is the gradient of what it is named after; an op reads and writes
 * only what its description names. Where needs.saved (or a workspace) is 0, that buffer is NULL.
 * Buffers are disjoint, each large enough for the largest n.
 */
typedef struct {
  dg_buffer *in[DG_MAX_IN], *d_in[DG_MAX_IN];
  dg_buffer *out[DG_MAX_OUT], *d_out;
  dg_buffer *param[DG_MAX_PARAM], *d_param[DG_MAX_PARAM];
  dg_buffer *running[DG_MAX_RUNNING]; /**< not learned: read, and written by a training forward */
  dg_buffer *saved;                   /**< written by a training forward, read by backward */
  dg_buffer *other;                   /**< DG_PHASE_MERGE: what was saved of other slices */
  dg_buffer *workspace; /**< forward's or backward's, whichever runs; content undefined */
} dg_op_buffers;

/** What a prepared op wants, in bytes for the largest n. */
typedef struct {
  size_t saved, forward_workspace, backward_workspace;
  bool backward_reads_in;  /**< the inputs must live until backward */
  bool backward_reads_out; /**< the output must live until backward */
} dg_op_needs;

/** Seconds an op took since it was prepared; all 0 on a device opened without `profile`. */
typedef struct {
  double forward, backward;
  uint64_t forward_runs, backward_runs;
} dg_op_times;

/** A prepared op; every backend's own struct starts with it. */
typedef struct dg_op {
  dg_op_desc desc;
  dg_op_needs needs;
  uint32_t max_n;
  bool exact; /**< it gives the bits of desc.exact, be that said or not */
} dg_op;

/* ---- devices ------------------------------------------------------------ */

typedef struct {
  char name[128];
  char platform[128]; /**< empty where there is none */
  char version[128];
  char driver[128];
  uint32_t compute_units;
  uint32_t threads;   /**< that an open device computes on; 0 where the driver decides */
  uint64_t memory;    /**< bytes */
  uint64_t max_alloc; /**< bytes of the largest buffer */
  uint32_t alignment; /**< of the offset of a view, in bytes; a multiple of 64 */
  bool gpu;
  char tuned[96]; /**< what measuring chose otherwise than by default, for people; else empty */
} dg_device_properties;

typedef struct {
  const char *device;     /**< number in the list, or part of the name, any case; NULL: the first */
  uint32_t threads;       /**< 0: all; a backend whose device has no such setting refuses it */
  const char *form;       /**< kernel form to force, one of dg_backend's `forms`; NULL: by device */
  bool profile;           /**< measure the time of each op */
  bool keep_blas_threads; /**< leave the thread count of OpenBLAS as it is */
} dg_open_options;

typedef struct dg_device dg_device;

/** What every backend gives for its devices. */
typedef struct {
  void (*close)(dg_device *device); /**< after every op and buffer of it is freed */

  /** New zeroed memory of `bytes` > 0. Too little memory: DG_ERR_MEMORY with the remedy. */
  dg_buffer *(*buffer_new)(dg_device *device, size_t bytes, dg_error *err);
  /** A part of a buffer that isn't a view; offset a multiple of info.alignment. It is freed
      before its parent. */
  dg_buffer *(*buffer_view)(dg_buffer *parent, size_t offset, size_t bytes, dg_error *err);
  void (*buffer_free)(dg_buffer *buffer); /**< NULL is allowed */
  /** Copies host memory in; the memory may be reused on return. */
  bool (*write)(dg_buffer *buffer, size_t offset, const void *from, size_t bytes, dg_error *err);
  /** Waits for all that was enqueued before, then copies out. */
  bool (*read)(dg_buffer *buffer, size_t offset, void *to, size_t bytes, dg_error *err);
  /** Enqueues a copy of bytes to another place of the same device, both inside their buffers and
      disjoint. */
  bool (*copy)(dg_buffer *from, size_t from_offset, dg_buffer *to, size_t to_offset, size_t bytes,
               dg_error *err);
  /** Enqueues that bytes are set to a pattern of 32 bits; offset and bytes are multiples of 4. */
  bool (*fill)(dg_buffer *buffer, size_t offset, uint32_t pattern, size_t bytes, dg_error *err);
  /** Waits for all that was enqueued, and reports what failed in it. */
  bool (*finish)(dg_device *device, dg_error *err);

  /** Can this be prepared, with all that is fused to its end? */
  bool (*supports)(const dg_device *device, const dg_op_desc *desc);
  /** Prepares an op for up to max_n samples; `train`: backward will be run too. The parameters of
      an op that is not trained change by `write`, `copy` and `fill` alone, so it may keep what it
      makes of them. */
  dg_op *(*prepare)(dg_device *device, const dg_op_desc *desc, uint32_t max_n, bool train,
                    dg_error *err);
  /** What an op prepared so would want; no memory for it is taken. */
  bool (*needs)(dg_device *device, const dg_op_desc *desc, uint32_t max_n, bool train,
                dg_op_needs *needs, dg_error *err);
  /** Lets an op that is not trained use what `other`, prepared alike, keeps of its parameters; both
      are run on the same ones. NULL: ops keep nothing. */
  void (*share)(dg_op *op, const dg_op *other);
  void (*op_free)(dg_op *op); /**< NULL is allowed */
  bool (*forward)(dg_op *op, const dg_op_buffers *buffers, const dg_step *step, dg_error *err);
  /** Layer ops: from d_out to d_in (as desc.d_in says) and d_param (written). */
  bool (*backward)(dg_op *op, const dg_op_buffers *buffers, const dg_step *step, dg_error *err);
  bool (*times)(dg_op *op, dg_op_times *times, dg_error *err);

  /**
   * Measures the tiles that its kernels can have, takes the fastest from now on, and keeps them for
   * those who open the device later. No tile changes a result; where another library
   * may do the products of linear layers, that choice does, and info tells it. Writes up to
   * `capacity` trials to `out`, those of a kernel together, and to `count` how many there were;
   * `kept`: could they be kept? No op of the device is prepared then. NULL: there is nothing to
   * choose.
   */
  bool (*tune)(dg_device *device, dg_trial *out, size_t capacity, size_t *count, bool *kept,
               dg_error *err);
} dg_device_calls;

/** An open device; every backend's own struct starts with it. */
struct dg_device {
  const dg_device_calls *calls;
  const char *backend;
  dg_device_properties info;
  pthread_mutex_t turn; /**< for core: whose thread may use the device; the backend leaves it 0 */
};

/** A backend: a name, its devices, and how to open one. */
typedef struct {
  const char *name;
  /** Forms that its kernels are written in, ended by NULL. A device may lack some of them:
      DG_ERR_UNSUPPORTED where it is opened with one. */
  const char *const *forms;
  /** Fills `infos` with up to `capacity` devices and `count` with how many there are (0 is no
   * error).
   */
  bool (*list)(dg_device_properties *infos, size_t capacity, size_t *count, dg_error *err);
  dg_device *(*open)(const dg_open_options *options, dg_error *err);
} dg_backend;

/** The backends built into this library, best first; ended by NULL. */
const dg_backend *const *dg_backends(void);

/**
 * Which of `count` devices `wanted` means: a number, or part of exactly one name in any case;
 * NULL means 0. Returns the index, or -1 with an error that lists what there is.
 */
long dg_pick_device(const dg_device_properties *infos, size_t count, const char *wanted,
                    dg_error *err);

#endif
