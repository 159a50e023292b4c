/** Images moved to channels-last order. */
#ifndef DG_OP_CHW_TO_HWC_H
#define DG_OP_CHW_TO_HWC_H

#include "core/op/traits.h"

/** in [n, channels, height, width], out [n, height, width, channels]. */
typedef struct {
  uint32_t channels, height, width;
} dg_chw_desc;

static inline dg_op_sizes dg_chw_sizes(const void *desc) {
  const dg_chw_desc *d = desc;
  return dg_op_same_sizes(dg_op_volume(d->channels, d->height, d->width));
}

static inline void dg_chw_operations(const void *desc, dg_op_operations *operations) {
  (void)desc;
  operations->own = 0;
}

static const dg_op_traits dg_chw_to_hwc_traits = {
    .sizes = dg_chw_sizes,
    .operations = dg_chw_operations,
};

#endif
