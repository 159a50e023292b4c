/** Selects the images of a batch from a data set. */
#ifndef DG_OP_GATHER_H
#define DG_OP_GATHER_H

#include "core/op/traits.h"

/**
 * How a gathered image is warped in a training step; all 0: not at all. Sample s draws five numbers
 * u0..u4 uniform in [-1, 1): 2 * dg_uniform(w) - 1 of the words of the counters
 * {0, batch_index + s, step, 0} and {1, batch_index + s, step, 0} under key {seed,
 * dg_stream(DG_STREAM_AUGMENT, 0)}. A pixel at p = (x, y), relative to the image's centre ((width -
 * 1) / 2, (height - 1) / 2), takes its value from
 *   q = H^-1 R^-1 (p - t) / k: t = (u3 shift width, u4 shift height), k = 1 + u1 scale,
 *   R a rotation by u0 rotate, H = [1, tan(u2 shear); 0, 1],
 * read bilinearly, with byte 0 outside of the image.
 */
typedef struct {
  float rotate; /**< largest angle, radians */
  float shift;  /**< largest shift, as a fraction of the image's size */
  float scale;  /**< largest change in scale, below 1 */
  float shear;  /**< largest angle, radians, below pi / 2 */
} dg_augment;

/**
 * in {images: bytes [all, height, width], labels: bytes [all], order: uint32 [..]},
 * out {x [n, height * width], labels: uint32 [n]}: sample s of the batch is image
 * i = order[first + s], augmented if step.train; x = (byte / 255 - mean) / std.
 * out[1] may be NULL: then no labels are read or written, and in[1] may also be NULL.
 */
typedef struct {
  uint32_t height, width;
  float mean, std;
  dg_augment augment;
} dg_gather_desc;

static inline dg_op_sizes dg_gather_sizes(const void *desc) {
  const dg_gather_desc *d = desc;
  return (dg_op_sizes){.out = {dg_size_times(d->height, d->width), 1}};
}

static const dg_op_traits dg_gather_traits = {.sizes = dg_gather_sizes};

#endif
