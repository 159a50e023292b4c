/** Code shared by both directions of a batch norm. */
#ifndef DG_CPU_BATCH_NORM_LANES_H
#define DG_CPU_BATCH_NORM_LANES_H

#include "backends/cpu/norm/norm.h"
#include "backends/cpu/runtime/implementation.h"

#define dg_batch_norm_group_at DG_ISA_NAME(dg_batch_norm_group_at)
#define dg_batch_norm_broadcast DG_ISA_NAME(dg_batch_norm_broadcast)
#define dg_batch_norm_backward DG_ISA_NAME(dg_batch_norm_backward)

/**
 * Statistics of a group's channels. A mean is a pair of floats, the second being the rounding error
 * of the first: for close numbers far from 0, a single float would make differences inaccurate.
 */
typedef struct {
  const float *mean, *mean_low;
  const float *scale; /**< 1 / sqrt(variance + eps) */
} dg_batch_norm_statistics;

/** The statistics that a training step has saved: rows of means, means_low and scales. */
static inline dg_batch_norm_statistics
dg_batch_norm_saved(const dg_batch_norm_desc *d, const dg_op_buffers *buffers, size_t channel) {
  const float *saved = dg_floats(buffers->saved) + channel;
  return (dg_batch_norm_statistics){saved, saved + d->channels, saved + 2 * d->channels};
}

/** The affine form of the normalization that gives the argument of the activation, by lane: z = (x
    - mean) * factor + bias, where factor = weight * scale, and mean_low is included in the bias. */
typedef struct {
  float mean[DG_NORM_LANES], mean_low[DG_NORM_LANES], scale[DG_NORM_LANES];
  float factor[DG_NORM_LANES], bias[DG_NORM_LANES];
} dg_batch_norm_lanes;

/** Number of channels of a group. */
static inline size_t dg_batch_norm_group_size(const dg_batch_norm_desc *d) {
  return d->plane == 1 ? DG_NORM_LANES : 1;
}

static inline size_t dg_batch_norm_groups(const dg_batch_norm_desc *d) {
  size_t size = dg_batch_norm_group_size(d);
  return (d->channels + size - 1) / size;
}

/** The numbers of the group of channels that begins with `channel`. */
dg_norm_group dg_batch_norm_group_at(const dg_batch_norm_desc *d, uint32_t n, size_t channel);

/** Fills in the lanes from the statistics and the parameters of the channels. */
void dg_batch_norm_broadcast(const dg_norm_group *g, const dg_op_buffers *buffers, size_t channel,
                             dg_batch_norm_statistics of, dg_batch_norm_lanes *lanes);

/**
 * Does the derivative of an activation depend on more than the sign of its argument? If so,
 * backward reads the output; else it recomputes the argument from the input, bit for bit.
 */
static inline bool dg_batch_norm_reads_out(dg_act act) {
  return act.kind == DG_ACT_SIGMOID || act.kind == DG_ACT_TANH;
}

/** Supports every description. */
extern const dg_cpu_implementation dg_batch_norm_backward;

#endif
