/**
 * The gradient of a convolution's input by scattering: for every tap of its window, each output
 * pixel adds its gradient times the tap's weights to the input element that the tap read. The
 * equivalent correlation (correlate.h) also multiplies the zeros around and between the output's
 * pixels; here instead the sums are read and written once per tap.
 */
#ifndef DG_CPU_COL2IM_H
#define DG_CPU_COL2IM_H

#include "backends/backend.h"
#include "backends/cpu/runtime/isa.h"

#define dg_col2im_scratch DG_ISA_NAME(dg_col2im_scratch)
#define dg_col2im_make DG_ISA_NAME(dg_col2im_make)
#define dg_col2im_is_faster DG_ISA_NAME(dg_col2im_is_faster)
#define dg_col2im_pack DG_ISA_NAME(dg_col2im_pack)
#define dg_col2im_run DG_ISA_NAME(dg_col2im_run)

typedef struct {
  const dg_conv2d_desc *conv;
  size_t pixels;          /**< of the output */
  size_t row, places;     /**< elements of the padded input: per row, and in total */
  const uint32_t *filter; /**< offset of the plane of each filter */
  const uint32_t *place;  /**< offset of the window of each pixel in the padded input */
} dg_col2im;

/** Is this faster than the correlation, for `pixels` output pixels? */
bool dg_col2im_is_faster(const dg_conv2d_desc *conv, size_t pixels);

/** Entries of both tables. */
static inline size_t dg_col2im_entries(const dg_conv2d_desc *conv, size_t pixels) {
  return conv->filters + pixels;
}

/** Fills the tables; the result points to them and to the description. */
dg_col2im dg_col2im_make(const dg_conv2d_desc *conv, size_t out_h, size_t out_w, uint32_t *tables);

/** Floats of the scratch that dg_col2im_run works in. */
size_t dg_col2im_scratch(const dg_col2im *col2im);

/** The weights of a panel of channels from `channel` on: rows [tap, filter], columns channels. */
void dg_col2im_pack(const dg_col2im *col2im, const float *weight, size_t channel, float *panel);

/** One sample: writes or adds d_x [channels, height, width], from d_z [filters, pixels]. */
void dg_col2im_run(const dg_col2im *col2im, const float *d_z, const float *panels, bool add,
                   float *scratch, float *d_x);

#endif
