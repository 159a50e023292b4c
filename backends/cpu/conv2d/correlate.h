/**
 * A correlation of one sample as a product, without an array of its windows:
 * forward it is the convolution itself, backward it is the gradient of its
 * input. A row of output pixels meets the same taps of neighbouring elements,
 * so a tile reads its left operand straight from the (padded) sample.
 */
#ifndef DG_CPU_CORRELATE_H
#define DG_CPU_CORRELATE_H

#include "backends/backend.h"
#include "backends/cpu/runtime/isa.h"

#define dg_padded_count DG_ISA_NAME(dg_padded_count)
#define dg_padded_is_plain DG_ISA_NAME(dg_padded_is_plain)
#define dg_padded_fill DG_ISA_NAME(dg_padded_fill)
#define dg_padded_fill_plane DG_ISA_NAME(dg_padded_fill_plane)
#define dg_correlate_few_taps DG_ISA_NAME(dg_correlate_few_taps)
#define dg_correlate_has_few_taps DG_ISA_NAME(dg_correlate_has_few_taps)
#define dg_correlate DG_ISA_NAME(dg_correlate)

/**
 * How the planes of a sample lie when they are read, padded and dilated: element (y, x) of a plane
 * in row top + y * dilation_h and column left + x * dilation_w of `rows` rows and `columns`
 * columns, zeros around it. Elements outside are left out. The columns of a row are ordered by
 * their remainder modulo `phases` first, so that those which a stride of `phases` visits are
 * neighbours.
 */
typedef struct {
  size_t channels, height, width;
  long top, left;
  size_t dilation_h, dilation_w;
  size_t rows, columns, phases;
} dg_padded_input;

/** Columns of one phase. */
static inline size_t dg_padded_phase(const dg_padded_input *f) {
  return (f->columns + f->phases - 1) / f->phases;
}

/** From one row to the next. */
static inline size_t dg_padded_row(const dg_padded_input *f) {
  return dg_padded_phase(f) * f->phases;
}

/** Where column x of a row lies. */
static inline size_t dg_padded_column(const dg_padded_input *f, size_t x) {
  return x % f->phases * dg_padded_phase(f) + x / f->phases;
}

/** Floats of a padded input. */
size_t dg_padded_count(const dg_padded_input *input);

/** Is a padded input the sample itself? */
bool dg_padded_is_plain(const dg_padded_input *input);

/** Fills in one channel [height, width]; what is outside of it must be zero already. */
void dg_padded_fill_plane(const dg_padded_input *input, size_t channel, const float *plane,
                          float *padded);

/** Fills in one sample [channels, height, width]. What is outside of it must be zero already. */
void dg_padded_fill(const dg_padded_input *input, const float *sample, float *padded);

/** out [channels, height, width]: sums over taps of padded[tap + y * row_step + x] * weight. */
typedef struct {
  size_t channels, height, width, row_step;
  size_t plane;        /**< floats from one channel of `out` to the next: height * width or more */
  size_t taps;         /**< products of one output */
  const uint32_t *tap; /**< where the element of each lies, seen from the output's first */
} dg_correlation;

/** What becomes of the sums. */
typedef struct {
  bool add;          /**< they are added to what is there */
  const float *bias; /**< [channels], added to them; or NULL */
  dg_act act;        /**< comes last */
} dg_gemm_epilogue;

/** One sample; `panels`: the weights, a panel of `taps` rows for each group of channels. */
void dg_correlate(const dg_correlation *correlation, const float *padded, const float *panels,
                  const dg_gemm_epilogue *epilogue, float *out);

/** Are the taps so few that dg_correlate_few_taps is the faster one? */
bool dg_correlate_has_few_taps(const dg_correlation *correlation);

/**
 * The same with the channels as the rows of its tiles and pixels as their columns: there is nothing
 * to transpose, but a row of pixels is rounded up to whole vectors. weights [channels, taps];
 * DG_CORRELATE_SLACK floats after `padded` are read, and don't matter.
 */
void dg_correlate_few_taps(const dg_correlation *correlation, const float *padded,
                           const float *weights, const dg_gemm_epilogue *epilogue, float *out);

enum { DG_CORRELATE_SLACK = 32 };

#endif
