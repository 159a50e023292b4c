/**
 * The structs that all of the cpu backend builds on: its device and its buffers.
 *
 * Running an op queues its work, cut into pieces that the device's threads take (pieces.h), or
 * keeps it for those that follow, whose samples splits take together (batch_split.h). How it is cut
 * follows from shapes, the number of samples and the calls before and after, so the same calls give
 * the same bits; where there are more threads than a sum over samples has parts, on their number
 * too.
 */
#ifndef DG_CPU_DEVICE_H
#define DG_CPU_DEVICE_H

#include "backends/backend.h"
#include "core/base/pool.h"

struct dg_buffer {
  dg_device *device;
  float *data; /**< aligned to DG_CPU_ALIGNMENT; to a float where a split's samples begin */
  size_t bytes;
  dg_buffer *parent; /**< whose memory a view shows; NULL: it isn't one */
  uint64_t version;  /**< another one for every buffer, and after a write by the host, a copy or
                          a fill; one through a view counts for its parent */
};

enum { DG_CPU_ALIGNMENT = 64 };

typedef struct dg_cpu_ops dg_cpu_ops;
typedef struct dg_cpu_batch_split dg_cpu_batch_split;
typedef struct dg_cpu_calls dg_cpu_calls;

typedef struct {
  dg_device base;
  int threads;
  dg_pool *pool; /**< NULL: of one thread */
  bool is_split; /**< what the op of a split runs on: one thread, some samples of a batch */
  bool profile;
  const dg_cpu_ops *ops;
  dg_cpu_calls *calls;        /**< NULL: of one thread, which does all at once */
  uint64_t versions;          /**< of buffers, that there have been */
  uint64_t used;              /**< bytes of all buffers */
  dg_cpu_batch_split *splits; /**< NULL: of a split */
} dg_cpu_device;

/** The floats of a buffer; NULL for none. */
static inline float *dg_floats(const dg_buffer *buffer) {
  return buffer ? buffer->data : NULL;
}

/** `floats` rounded up, so that what follows them is aligned as a buffer is. */
static inline size_t dg_round_up(size_t floats) {
  enum { UNIT = DG_CPU_ALIGNMENT / sizeof(float) };
  return (floats + UNIT - 1) / UNIT * UNIT;
}

#endif
