/** Selects the samples of a batch from a data set. */
#ifndef DG_OP_GATHER_H
#define DG_OP_GATHER_H

#include <math.h>

#include "core/op/sequence/lengths.h"
#include "core/op/traits.h"
#include "digits/ndarray.h"

/**
 * How a gathered sample is changed in a training step; all 0: not at all. Sample s draws words
 * w[0..15] from the counters {i / 4, batch_index + s, step, 0} under key {seed,
 * dg_stream(DG_STREAM_AUGMENT, 0)}; u[i] = 2 * dg_uniform(w[i]) - 1 is uniform in [-1, 1), and
 * a[i] = dg_uniform(w[i]) in [0, 1). In this order:
 *
 * 1. warp. An element at p = (x, y), relative to the centre ((width - 1) / 2, (height - 1) / 2) of
 *    its plane, takes its value from
 *      q = H^-1 R^-1 (F p - t) / k + c: F mirrors x if a[5] < flip, t = (u[3] shift width, u[4]
 *      shift height), k = 1 + u[1] scale, R a rotation by u[0] rotate, H = [1, tan(u[2] shear); 0,
 *      1], c = (floor(a[6] (2 crop + 1)) - crop, floor(a[7] (2 crop + 1)) - crop),
 *    read bilinearly, with 0 outside of the plane. All channels are warped alike. A dimension of
 *    size 1 is neither shifted nor cropped: its part of t and c is 0.
 * 2. colour: v = clamp((v - 0.5) (1 + u[11] contrast) + 0.5 + u[10] brightness, 0, 1), unless both
 *    are 0. Only for bytes, where v = byte / 255.
 * 3. x = (v - mean) / std.
 * 4. x = x (1 + u[12] gain) + noise z: z is normal. Elements i, i + 1 of a sample (i even) take the
 *    words w0, w1 = word i % 4 and the one after it of the counter {16 + i / 4, batch_index + s,
 *    step, 0}: z(i) = r cos(2 pi dg_uniform(w1)), z(i + 1) = r sin(2 pi dg_uniform(w1)) with r =
 *    sqrt(-2 ln(1 - dg_uniform(w0))) (Box and Muller, doi:10.1214/aoms/1177706645).
 * 5. cutout (arXiv:1708.04552): x = 0 in all channels where |column - below(8, width)| and |row -
 *    below(9, height)| are both at most (cutout - 1) / 2; unless cutout is 0.
 */
typedef struct {
  float rotate;     /**< largest angle, radians */
  float shift;      /**< largest shift, as a fraction of the plane's size; at most 1 */
  float scale;      /**< largest change of size, below 1 */
  float shear;      /**< largest angle, radians, below pi / 2 */
  float flip;       /**< probability of a horizontal flip */
  uint32_t crop;    /**< largest shift in whole elements, as a crop after padding makes it */
  float brightness; /**< largest change, as a fraction of white */
  float contrast;   /**< largest relative change, below 1 */
  float gain;       /**< largest relative change of the amplitude, below 1 */
  float noise;      /**< standard deviation, after normalization */
  uint32_t cutout;  /**< side of the square; odd */
} dg_augment;

/**
 * in {set: bytes or float [all, sample], labels: bytes [all] or targets: bytes or float [all,
 * targets], order: uint32 [..], norms: float [2, channels] or NULL, lengths: uint32 [all]}, out {x
 * [n, sample], labels: uint32 [n] or targets: float [n, targets], lengths: float [n]}: sample s of
 * the batch is sample i = order[first + s] of the set, augmented if step.train. x = (v - mean) /
 * std; v is a float of the set, or byte / 255. Targets are copied; bytes of them become the same
 * numbers.
 *
 * A sample is [channels, height, width], or [height, width, channels] if channels_last is set:
 * a sequence [steps, features] has height 1, width steps, and features as channels; a row of a
 * table has height = width = 1.
 *
 * out[1] may be NULL: then no labels or targets are read or written, and in[1] may also be NULL.
 *
 * If `lengths` is set, samples are sequences of unequal length: in[4] has that of each, from 1 to
 * width, and out[2] gets those of the batch. A sample becomes what a set of samples as long as it
 * would give: its width, by which and within which it is warped and cut out, is its length. All
 * numbers of x beyond the length are 0, whatever those of the set are there.
 */
typedef struct {
  uint32_t channels, height, width;
  bool channels_last;
  dg_numbers_type type;         /**< of the set */
  uint32_t targets;             /**< numbers in the target of a sample; 0: it is a label */
  dg_numbers_type targets_type; /**< if there are any */
  float mean, std;              /**< of all channels, unless norms are given */
  bool per_channel;             /**< in[3] is given: each channel's mean, then each one's 1 / std */
  bool lengths;                 /**< in[4] is given; height is 1, and channels are last */
  dg_augment augment;
} dg_gather_desc;

static inline dg_op_sizes dg_gather_sizes(const void *desc) {
  const dg_gather_desc *d = desc;
  return (dg_op_sizes){.out = {dg_op_volume(d->channels, d->height, d->width),
                               d->targets ? d->targets : 1, d->lengths}};
}

/** Positions in a warped plane are floats: the largest crop, and side of a plane. */
enum { DG_AUGMENT_CROP = 1 << 20, DG_AUGMENT_SIDE = 1 << 20 };

/** Is a sample of a training step warped? */
static inline bool dg_augment_warps(const dg_augment *a) {
  return a->rotate != 0 || a->shift != 0 || a->scale != 0 || a->shear != 0 || a->flip != 0 ||
         a->crop != 0;
}

/** Is its colour changed? */
static inline bool dg_augment_recolours(const dg_augment *a) {
  return a->brightness != 0 || a->contrast != 0;
}

/** 0 <= value < limit? */
static inline bool dg_augment_below(float value, float limit) {
  return value >= 0 && value < limit;
}

/** Is each change possible by itself? */
static inline bool dg_augment_agrees(const dg_augment *a) {
  const float quarter_turn = 1.57079637f; /* the first float above pi / 2 */
  return dg_augment_below(a->rotate, INFINITY) && a->shift >= 0 && a->shift <= 1 &&
         dg_augment_below(a->scale, 1) && dg_augment_below(a->shear, quarter_turn) &&
         a->flip >= 0 && a->flip <= 1 && a->crop <= DG_AUGMENT_CROP &&
         dg_augment_below(a->brightness, INFINITY) && dg_augment_below(a->contrast, 1) &&
         dg_augment_below(a->gain, 1) && dg_augment_below(a->noise, INFINITY) &&
         (a->cutout == 0 || a->cutout % 2 == 1);
}

/** Do the parts of a description agree? */
static inline bool dg_gather_agrees(const void *desc) {
  const dg_gather_desc *d = desc;
  const dg_augment *a = &d->augment;
  bool bytes = d->type == DG_NUMBERS_BYTES, floats = d->type == DG_NUMBERS_FLOATS;
  bool targets = d->targets_type == DG_NUMBERS_BYTES || d->targets_type == DG_NUMBERS_FLOATS;
  bool scalars = isfinite(d->mean) && isfinite(d->std) && d->std != 0 && isfinite(1 / d->std);
  bool fits = d->height <= DG_AUGMENT_SIDE && d->width <= DG_AUGMENT_SIDE;
  bool sequences = d->height == 1 && d->channels_last && d->width <= DG_LENGTH_MOST;
  return (bytes || (floats && !dg_augment_recolours(a))) && targets && (!d->lengths || sequences) &&
         (d->per_channel || scalars) && dg_augment_agrees(a) &&
         (fits || !(dg_augment_warps(a) || dg_augment_recolours(a)));
}

static const dg_op_traits dg_gather_traits = {.sizes = dg_gather_sizes, .agrees = dg_gather_agrees};

#endif
