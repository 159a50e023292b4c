/**
 * The backend interface: it runs ops, without knowing what they are used for.
 *
 * An op is *described* (dg_op_desc in core/op/op.h: kind, shapes, attributes,
 * what is fused to its end), *prepared* once (the backend compiles, picks tiles
 * and reports the memory it needs), and *run* every step on buffers. A layer op
 * is prepared as forward and backward together. Only the number of samples may
 * vary between runs of a prepared op.
 *
 * Running an op only enqueues it, as do `upload`, `copy` and `fill`: the call
 * returns immediately and allocates nothing, and calls are executed in order.
 * Only `read` and `finish` wait.
 *
 * A backend knows nothing of models, layers or files. A device may be used by
 * one thread at a time.
 */
#ifndef DG_BACKEND_H
#define DG_BACKEND_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/limits/memory.h"
#include "core/op/op.h"
#include "digits/device.h"

/* ---- what an op runs on ------------------------------------------------- */

/** Memory of a device, or a view into it. */
typedef struct dg_buffer dg_buffer;

/**
 * The buffers of one op. `d_x` is the gradient of `x`; an op only reads and writes the tensors in
 * its description. Where needs.saved (or a workspace) is 0, that buffer is NULL. Buffers don't
 * overlap, and each is large enough for the largest n.
 */
typedef struct {
  dg_buffer *in[DG_MAX_IN], *d_in[DG_MAX_IN];
  dg_buffer *out[DG_MAX_OUT], *d_out;
  dg_buffer *param[DG_MAX_PARAM], *d_param[DG_MAX_PARAM];
  dg_buffer *running[DG_MAX_RUNNING]; /**< not learned: read, and written by forward in training */
  dg_buffer *saved;                   /**< written by forward in training, read by backward */
  dg_buffer *other;                   /**< DG_PHASE_MERGE: the `saved` of other slices */
  dg_buffer *workspace; /**< of forward or backward, whichever runs; its content is undefined */
} dg_op_buffers;

/** Memory that a prepared op needs, in bytes for the largest n. */
typedef struct {
  size_t saved, forward_workspace, backward_workspace;
  bool backward_reads_in;  /**< the inputs must be preserved until backward */
  bool backward_reads_out; /**< the output must be preserved until backward */
} dg_op_needs;

/** Seconds spent in an op since it was prepared; all 0 on a device opened without `profile`. */
typedef struct {
  double forward, backward;
  uint64_t forward_runs, backward_runs;
} dg_op_times;

/** A prepared op; every backend's struct begins with it. */
typedef struct dg_op {
  dg_op_desc desc;
  dg_op_needs needs;
  uint32_t max_n;
  bool exact; /**< its results are those of desc.exact, whether it was set or not */
} dg_op;

/* ---- devices ------------------------------------------------------------ */

typedef struct {
  char name[128];
  char platform[128]; /**< empty if there is none */
  char version[128];
  char driver[128];
  uint32_t compute_units;
  uint32_t threads;   /**< threads of an open device; 0 if the driver decides */
  uint64_t memory;    /**< bytes */
  uint64_t max_alloc; /**< bytes of the largest buffer */
  uint32_t alignment; /**< required of the offset of a view, in bytes; a multiple of 64 */
  bool gpu;
  char tuned[96]; /**< tuned settings that differ from the defaults, as readable text; else empty */
  char fault[256]; /**< why the device, or all of a driver, can't be used; empty: it can */
} dg_device_properties;

typedef struct {
  const char *device;     /**< index in the list, or part of the name, any case; NULL: the first one
                             that can be opened */
  uint32_t threads;       /**< 0: all; an error on a backend without such a setting */
  const char *form;       /**< kernel form to force, one of dg_backend's `forms`; NULL: by device */
  bool profile;           /**< measure the time of each op */
  bool keep_blas_threads; /**< don't change the thread count of OpenBLAS */
  dg_note *note;          /**< told of what can't be kept for later starts; NULL: nobody is */
  void *user;             /**< of `note` */
} dg_open_options;

typedef struct dg_device dg_device;

/** The functions that every backend implements for its devices. */
typedef struct {
  void (*close)(dg_device *device); /**< to be called after all its ops and buffers are freed */

  /** New zeroed memory of `bytes` > 0. If there is too little memory: DG_ERR_MEMORY with advice. */
  dg_buffer *(*buffer_new)(dg_device *device, size_t bytes, dg_error *err);
  /** A view into a buffer that isn't a view itself; offset is a multiple of info.alignment. It must
      be freed before its parent. */
  dg_buffer *(*buffer_view)(dg_buffer *parent, size_t offset, size_t bytes, dg_error *err);
  void (*buffer_free)(dg_buffer *buffer); /**< NULL is allowed */
  /** Copies from host memory, which may be reused on return. */
  bool (*write)(dg_buffer *buffer, size_t offset, const void *from, size_t bytes, dg_error *err);
  /** Enqueues a copy from host memory, which must stay as it is until the device is finished, or a
      later `read` returns. The range lies in the buffer. */
  bool (*upload)(dg_buffer *buffer, size_t offset, const void *from, size_t bytes, dg_error *err);
  /** Waits for everything enqueued before, then copies to host memory. */
  bool (*read)(dg_buffer *buffer, size_t offset, void *to, size_t bytes, dg_error *err);
  /** Enqueues a copy between two ranges of the same device, which lie in their buffers and don't
      overlap. */
  bool (*copy)(dg_buffer *from, size_t from_offset, dg_buffer *to, size_t to_offset, size_t bytes,
               dg_error *err);
  /** Enqueues filling a range with a 32-bit pattern; offset and bytes are multiples of 4. */
  bool (*fill)(dg_buffer *buffer, size_t offset, uint32_t pattern, size_t bytes, dg_error *err);
  /** Waits for everything enqueued, and reports its errors. */
  bool (*finish)(dg_device *device, dg_error *err);
  /** What is left of the memory for new buffers, so that a plan too large is refused before its
      first one. NULL: only `buffer_new` can tell. */
  dg_memory_left (*memory_left)(const dg_device *device);

  /** Is this description supported, including everything fused to its end? */
  bool (*supports)(const dg_device *device, const dg_op_desc *desc);
  /**
   * Prepares an op for up to max_n samples; `train`: backward will also be run. The parameters of
   * an op that isn't trained change only by `write`, `upload`, `copy` and `fill`, so it may cache
   * what it computes from them.
   */
  dg_op *(*prepare)(dg_device *device, const dg_op_desc *desc, uint32_t max_n, bool train,
                    dg_error *err);
  /** The needs of an op prepared this way; doesn't allocate memory. */
  bool (*needs)(dg_device *device, const dg_op_desc *desc, uint32_t max_n, bool train,
                dg_op_needs *needs, dg_error *err);
  /** Lets an op that isn't trained share what `other`, prepared the same way, caches of its
      parameters; both must be run with the same ones. NULL: ops cache nothing. */
  void (*share)(dg_op *op, const dg_op *other);
  void (*op_free)(dg_op *op); /**< NULL is allowed */
  bool (*forward)(dg_op *op, const dg_op_buffers *buffers, const dg_step *step, dg_error *err);
  /** Layer ops: computes d_in (as desc.d_in says) and d_param (overwritten) from d_out. */
  bool (*backward)(dg_op *op, const dg_op_buffers *buffers, const dg_step *step, dg_error *err);
  bool (*times)(dg_op *op, dg_op_times *times, dg_error *err);

  /**
   * Times the tile sizes that its kernels support, uses the fastest from now on, and stores them
   * for later openings of the device. Tile sizes don't change results; the choice of another
   * library for the products of linear layers does, and is reported in info. Writes up to
   * `capacity` trials to `out`, grouped by kernel, and their number to `count`; `kept`: could the
   * choice be stored? No op of the device may be prepared at this time. NULL: there is nothing to
   * tune.
   */
  bool (*tune)(dg_device *device, dg_trial *out, size_t capacity, size_t *count, bool *kept,
               dg_error *err);
} dg_device_calls;

/** An open device; every backend's struct begins with it. */
struct dg_device {
  const dg_device_calls *calls;
  const char *backend;
  dg_device_properties info;
  pthread_mutex_t turn; /**< for core: held while a thread uses the device; backends leave it 0 */
};

/** A backend: a name, its devices, and how to open one. */
typedef struct {
  const char *name;
  /** The forms that its kernels are written in, ended by NULL. A device may not support all of
      them: opening it with such a form gives DG_ERR_UNSUPPORTED. */
  const char *const *forms;
  /** Fills `infos` with up to `capacity` devices and `count` with the number of devices (0 isn't an
   * error): first those that can be used, then those with a fault.
   */
  bool (*list)(dg_device_properties *infos, size_t capacity, size_t *count, dg_error *err);
  dg_device *(*open)(const dg_open_options *options, dg_error *err);
} dg_backend;

/** The backends built into this library, best first; ended by NULL. */
const dg_backend *const *dg_backends(void);

/**
 * The device among `count` that `wanted` selects: an index, or part of exactly one name,
 * case-insensitive; NULL means 0. Returns the index, or -1 with an error that lists the devices.
 */
long dg_pick_device(const dg_device_properties *infos, size_t count, const char *wanted,
                    dg_error *err);

#endif
