/** Padding of images and sequences. */
#ifndef DG_OP_PAD_H
#define DG_OP_PAD_H

#include "core/op/traits.h"

typedef enum {
  DG_PAD_ZEROS,
  DG_PAD_REFLECT,   /**< mirrored at the first and the last one, which are not repeated */
  DG_PAD_REPLICATE, /**< the first and the last one, repeated */
  DG_PAD_MODES
} dg_pad_mode;

/**
 * in [n, outer, height, width, inner], out [n, outer, top + height + bottom, left + width + right,
 * inner], as torch.nn.functional.pad. An image [channels, height, width] has inner = 1, a sequence
 * [steps, features] width = 1. The gradient of a number is the sum over its copies.
 */
typedef struct {
  uint32_t outer, height, width, inner;
  uint32_t top, left, bottom, right; /**< of DG_PAD_REFLECT: below height and width */
  dg_pad_mode mode;
} dg_pad_desc;

static inline uint64_t dg_pad_out_h(const dg_pad_desc *d) {
  return (uint64_t)d->top + d->height + d->bottom;
}

static inline uint64_t dg_pad_out_w(const dg_pad_desc *d) {
  return (uint64_t)d->left + d->width + d->right;
}

static inline dg_op_sizes dg_pad_sizes(const void *desc) {
  const dg_pad_desc *d = desc;
  const uint64_t around = dg_size_times(d->outer, d->inner);
  return (dg_op_sizes){.in = {dg_op_volume(around, d->height, d->width)},
                       .out = {dg_op_volume(around, dg_pad_out_h(d), dg_pad_out_w(d))}};
}

static inline bool dg_pad_agrees(const void *desc) {
  const dg_pad_desc *d = desc;
  const bool inside =
      d->top < d->height && d->bottom < d->height && d->left < d->width && d->right < d->width;
  return d->outer && d->height && d->width && d->inner && (unsigned)d->mode < DG_PAD_MODES &&
         (d->mode != DG_PAD_REFLECT || inside);
}

static const dg_op_traits dg_pad_traits = {.sizes = dg_pad_sizes, .agrees = dg_pad_agrees};

#endif
