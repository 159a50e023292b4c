/**
 * The geometry of depthwise convolutions whose rows are at most as long as those of the output,
 * once columns are sorted by phases: then a whole plane can be read as one row.
 *
 * Rows and columns of the input are sorted by their remainders modulo the strides into phases, each
 * of them a plane with the pitch of the output between zeros. What an element of the kernel meets
 * is the output moved by a constant, but for the columns that this moves into another row; a mask
 * clears these. The elements of a column of the kernel share a mask.
 */
#ifndef DG_DEPTHWISE_PLAN_H
#define DG_DEPTHWISE_PLAN_H

#include "core/base/error.h"
#include "core/op/conv2d/grouped_conv2d.h"

enum { DG_DEPTHWISE_MOST_TAPS = 64, DG_DEPTHWISE_MOST_STRIDE = 4, DG_DEPTHWISE_MOST_FILTERS = 4 };

/** A plane between zeros: those before it, and all numbers. */
typedef struct {
  uint32_t front, floats;
} dg_depthwise_plane;

typedef struct {
  uint32_t pitch, out;         /**< columns and numbers of an output plane */
  uint32_t rows;               /**< of a phase of the input */
  uint32_t phases_h, phases_w; /**< the strides */
  uint32_t filters, taps;      /**< of a channel, and of a kernel */
  dg_depthwise_plane x, d_z;   /**< a phase of an input, and a gradient of the output */
  uint32_t record;             /**< numbers of a record */
  uint32_t *records;           /**< [1 + phases, record], see dg_depthwise_sums */
  uint32_t mask_count;
  int32_t *masks; /**< [mask_count], in rows of pitch + block: -1 for what is kept */
} dg_depthwise_plan;

/**
 * Sums with elements of the kernel, `groups` columns of `taps`. Record 0 gives the output from the
 * phases of an input; record 1 + phase gives a phase of the gradient of the input from that of the
 * output. A record is {groups, taps, offset, weight, mask}.
 */
typedef struct {
  uint32_t groups, taps;
  const uint32_t *offset, *weight; /**< [groups, taps]: what meets number 0; the element's index */
  const uint32_t *mask;            /**< [groups]: offset in the masks */
} dg_depthwise_sums;

static inline dg_depthwise_sums dg_depthwise_sums_at(const dg_depthwise_plan *plan, uint32_t i) {
  const uint32_t *record = plan->records + (size_t)i * plan->record;
  return (dg_depthwise_sums){record[0], record[1], record + 2, record + 2 + plan->taps,
                             record + 2 + 2 * plan->taps};
}

/** Is it a convolution that this describes? */
bool dg_depthwise_fits(const dg_grouped_conv2d_desc *d);

/** For loops that take `block` <= 64 numbers at a time. One malloc block; NULL on failure. */
dg_depthwise_plan *dg_depthwise_plan_new(const dg_grouped_conv2d_desc *d, uint32_t block,
                                         dg_error *err);

#endif
