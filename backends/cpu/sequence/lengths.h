/** What the ops over sequences of unequal length share. */
#ifndef DG_CPU_LENGTHS_H
#define DG_CPU_LENGTHS_H

#include <string.h>

#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

/** A backward that reads lengths, which forward saved. */
static inline bool dg_cpu_keep_lengths(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.saved = op->max_n * sizeof(float);
  return true;
}

/** Forward: saves the lengths of a piece's samples for backward, if it follows. */
static inline void dg_cpu_save_lengths(const dg_op_buffers *buffers, const dg_step *step,
                                       dg_span samples) {
  if (!step->train || !buffers->saved || samples.begin == samples.end) return;
  memcpy(dg_floats(buffers->saved) + samples.begin, dg_floats(buffers->in[1]) + samples.begin,
         (samples.end - samples.begin) * sizeof(float));
}

/** The samples of a piece, and how many pieces there are. */
static inline dg_span dg_cpu_piece_samples(const dg_cpu_region *region, size_t piece) {
  return dg_cpu_part(region->step->n, region->pieces, piece);
}

static inline size_t dg_cpu_sample_pieces(const dg_cpu_op *op, const dg_step *step) {
  return dg_cpu_pieces(step->n, (size_t)step->n * dg_op_sizes_of(&op->desc).in[0]);
}

#endif
