/**
 * The structs used by all of the cpu backend: its device and its buffers.
 *
 * Running an op queues its work, cut into pieces that the device's threads take (pieces.h), or
 * defers it, so that splits of the batch run it together with the ops that follow (batch_split.h).
 * The partition depends on shapes, the number of samples and the calls before and after, so the
 * same calls give the same bits; if there are more threads than a sum over samples has parts, it
 * also depends on their number.
 */
#ifndef DG_CPU_DEVICE_H
#define DG_CPU_DEVICE_H

#include "backends/backend.h"
#include "core/base/pool.h"

struct dg_buffer {
  dg_device *device;
  float *data; /**< aligned to DG_CPU_ALIGNMENT; only to a float at the first sample of a split */
  size_t bytes;
  dg_buffer *parent; /**< the buffer that it is a view of; NULL: it isn't a view */
  uint64_t version;  /**< unique for every buffer, and changed by every host write, copy or fill;
                        such a write to a view changes its parent's */
};

enum { DG_CPU_ALIGNMENT = 64 };

typedef struct dg_cpu_ops dg_cpu_ops;
typedef struct dg_cpu_batch_split dg_cpu_batch_split;
typedef struct dg_cpu_calls dg_cpu_calls;

typedef struct {
  dg_device base;
  int threads;
  dg_pool *pool; /**< NULL: one thread */
  bool is_split; /**< runs the ops of a split: one thread, some samples of a batch */
  bool profile;
  const dg_cpu_ops *ops;
  dg_cpu_calls *calls;        /**< NULL: one thread, which executes everything immediately */
  uint64_t versions;          /**< buffer versions so far */
  uint64_t used;              /**< bytes of all buffers */
  dg_cpu_batch_split *splits; /**< NULL: the device of a split */
} dg_cpu_device;

/** The floats of a buffer; NULL if there is none. */
static inline float *dg_floats(const dg_buffer *buffer) {
  return buffer ? buffer->data : NULL;
}

/** `floats` rounded up, so that what follows them has the alignment of a buffer. */
static inline size_t dg_round_up(size_t floats) {
  enum { UNIT = DG_CPU_ALIGNMENT / sizeof(float) };
  return (floats + UNIT - 1) / UNIT * UNIT;
}

#endif
