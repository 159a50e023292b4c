/** Normalization of groups of channels, sample by sample. */
#ifndef DG_OP_GROUP_NORM_H
#define DG_OP_GROUP_NORM_H

#include "core/op/traits.h"

/**
 * in [n, rows, channels, plane], with rows or plane 1, param {weight [channels], bias [channels]}
 * if `affine`, out as in: (in - mean) / sqrt(var + eps) weight + bias with the mean and the biased
 * variance of each group of channels / groups adjacent channels of a sample, over all rows and the
 * plane (Wu and He, arXiv:1803.08494; torch.nn.GroupNorm). With groups = channels it is an instance
 * norm (Ulyanov et al., arXiv:1607.08022; torch.nn.InstanceNorm2d without running statistics).
 */
typedef struct {
  uint32_t rows, channels, plane, groups;
  float eps;
  bool affine;
} dg_group_norm_desc;

static inline dg_op_sizes dg_group_norm_sizes(const void *desc) {
  const dg_group_norm_desc *d = desc;
  dg_op_sizes sizes = dg_op_same_sizes(dg_op_volume(d->rows, d->channels, d->plane));
  sizes.param[0] = sizes.param[1] = d->affine ? d->channels : 0;
  return sizes;
}

static inline bool dg_group_norm_agrees(const void *desc) {
  const dg_group_norm_desc *d = desc;
  return d->groups && d->channels % d->groups == 0 && (d->rows == 1 || d->plane == 1) && d->eps > 0;
}

static const dg_op_traits dg_group_norm_traits = {
    .sizes = dg_group_norm_sizes,
    .agrees = dg_group_norm_agrees,
    .keeps_shape = true,
};

#endif
