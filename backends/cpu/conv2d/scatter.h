/**
 * The gradient of a convolution's input, from the side of the output: every pixel of it adds, for
 * every tap of its window, its gradient times the tap's weights to the element that the tap saw.
 * The correlation that gathers the same (correlate.h) multiplies with all the zeros around and
 * between the output's pixels; here instead sums go through memory, once a tap.
 */
#ifndef DG_CPU_SCATTER_H
#define DG_CPU_SCATTER_H

#include "backends/backend.h"
#include "backends/cpu/runtime/isa.h"

#define dg_scatter_scratch DG_ISA_NAME(dg_scatter_scratch)
#define dg_scatter_make DG_ISA_NAME(dg_scatter_make)
#define dg_scatter_is_faster DG_ISA_NAME(dg_scatter_is_faster)
#define dg_scatter_pack DG_ISA_NAME(dg_scatter_pack)
#define dg_scatter_run DG_ISA_NAME(dg_scatter_run)

typedef struct {
  const dg_conv2d_desc *conv;
  size_t pixels;          /**< of the output */
  size_t row, places;     /**< of the padded input: elements of a row, and in all */
  const uint32_t *filter; /**< where the plane of each filter begins */
  const uint32_t *place;  /**< where the window of each pixel begins in the padded input */
} dg_scatter;

/** Is this faster than the correlation? `pixels` of the output. */
bool dg_scatter_is_faster(const dg_conv2d_desc *conv, size_t pixels);

/** Entries of the tables. */
static inline size_t dg_scatter_entries(const dg_conv2d_desc *conv, size_t pixels) {
  return conv->filters + pixels;
}

/** Fills the tables; what is returned points to them and to the description. */
dg_scatter dg_scatter_make(const dg_conv2d_desc *conv, size_t out_h, size_t out_w,
                           uint32_t *tables);

/** Floats of the scratch that dg_scatter_run works in. */
size_t dg_scatter_scratch(const dg_scatter *scatter);

/** The weights of a panel of channels from `channel` on: rows [tap, filter], columns channels. */
void dg_scatter_pack(const dg_scatter *scatter, const float *weight, size_t channel, float *panel);

/** One sample: writes d_x [channels, height, width], or adds to it, from d_z [filters, pixels]. */
void dg_scatter_run(const dg_scatter *scatter, const float *d_z, const float *panels, bool add,
                    float *scratch, float *d_x);

#endif
