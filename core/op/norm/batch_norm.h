/** Batch normalization. */
#ifndef DG_OP_BATCH_NORM_H
#define DG_OP_BATCH_NORM_H

#include "core/op/epilogue.h"
#include "core/op/traits.h"

/**
 * in [n, rows, channels, plane], param {weight [channels], bias [channels]},
 * running {running_mean [channels], running_var [channels]}, out as in.
 * Training: out = act((in - mean) / sqrt(var + eps) weight + bias) with the mean and the biased
 * variance of each channel over n, rows and plane; running = (1 - momentum) running + momentum now,
 * where now is the mean, or the unbiased variance (for a single number neither changes).
 * Testing: the running mean and variance are used. (Ioffe and Szegedy, arXiv:1502.03167;
 * torch.nn.BatchNorm1d and 2d.)
 * In phases: `saved` has rows of `channels` numbers: means, corrections to be added to the means
 * for precision, and finally 1 / sqrt(var + eps). Forward, COLLECT writes these rows for a slice,
 * with the sum of squared deviations in the last row; MERGE adds `other`, collected from step.n
 * samples, to `saved`, which then covers step.whole samples; FINISH computes the final last row
 * from step.whole samples and updates the running statistics; APPLY writes out. Backward, COLLECT
 * writes a slice's own gradients of weight and bias; once those of all slices are summed in
 * d_param, APPLY computes d_in from them. (Chan, Golub and LeVeque, Algorithms for computing the
 * sample variance, 1983.)
 * With `statistics` (rows 1), training takes mean and variance from in[1] [n, channels, 2]: the
 * mean and the sum of squared deviations of each plane of in[0], as conv2d writes them. Backward
 * only writes d_in[0], since the statistics are computed from in[0].
 */
typedef struct {
  uint32_t rows, channels, plane;
  float momentum, eps;
  dg_act act;      /**< fused to the end */
  bool statistics; /**< the statistics are an input */
} dg_batch_norm_desc;

static inline dg_op_sizes dg_batch_norm_sizes(const void *desc) {
  const dg_batch_norm_desc *d = desc;
  dg_op_sizes sizes = dg_op_same_sizes(dg_op_volume(d->rows, d->channels, d->plane));
  sizes.in[1] = d->statistics ? 2 * (uint64_t)d->channels : 0;
  sizes.param[0] = sizes.param[1] = sizes.running[0] = sizes.running[1] = d->channels;
  return sizes;
}

static const dg_op_traits dg_batch_norm_traits = {
    .sizes = dg_batch_norm_sizes,
    .act = offsetof(dg_batch_norm_desc, act),
    .keeps_shape = true,
    .couples_samples = true,
};

#endif
