/**
 * A correlation of one sample as a matrix product, without im2col: forward it is the convolution
 * itself, backward the gradient of its input. For a given tap, a row of output pixels reads
 * adjacent elements, so a tile reads its left operand directly from the (padded) sample.
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
 * The layout of a sample's planes when they are read, padded and dilated: element (y, x) of a plane
 * is in row top + y * dilation_h and column left + x * dilation_w of `rows` rows and `columns`
 * columns, with zeros around it. Elements outside are omitted. The columns of a row are ordered by
 * their remainder modulo `phases` first, so that those visited by a stride of `phases` are
 * adjacent.
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

/** Floats from one row to the next. */
static inline size_t dg_padded_row(const dg_padded_input *f) {
  return dg_padded_phase(f) * f->phases;
}

/** The position of column x in a row. */
static inline size_t dg_padded_column(const dg_padded_input *f, size_t x) {
  return x % f->phases * dg_padded_phase(f) + x / f->phases;
}

/** Floats of a padded input. */
size_t dg_padded_count(const dg_padded_input *input);

/** Can the sample itself serve as its padded input? */
bool dg_padded_is_plain(const dg_padded_input *input);

/** Writes one channel [height, width]; the zeros around it must already be there. */
void dg_padded_fill_plane(const dg_padded_input *input, size_t channel, const float *plane,
                          float *padded);

/** Writes one sample [channels, height, width]. The zeros around it must already be there. */
void dg_padded_fill(const dg_padded_input *input, const float *sample, float *padded);

/** out [channels, height, width]: sums over taps of padded[tap + y * row_step + x] * weight. */
typedef struct {
  size_t channels, height, width, row_step;
  size_t plane;        /**< floats from one channel of `out` to the next: height * width or more */
  size_t taps;         /**< products of one output */
  const uint32_t *tap; /**< offset of the element that each reads, relative to the output's first */
} dg_correlation;

/** What is done with the sums. */
typedef struct {
  bool add;          /**< add them to the output */
  const float *bias; /**< [channels], added to them; or NULL */
  dg_act act;        /**< applied last */
} dg_gemm_epilogue;

/** One sample; `panels`: the weights, with a panel of `taps` rows for each group of channels. */
void dg_correlate(const dg_correlation *correlation, const float *padded, const float *panels,
                  const dg_gemm_epilogue *epilogue, float *out);

/** Are there so few taps that dg_correlate_few_taps is faster? */
bool dg_correlate_has_few_taps(const dg_correlation *correlation);

/**
 * The same with channels as the rows of a tile and pixels as its columns: nothing is transposed,
 * but a row of pixels is rounded up to whole vectors. weights [channels, taps]; up to
 * DG_CORRELATE_SLACK floats after `padded` are read and ignored.
 */
void dg_correlate_few_taps(const dg_correlation *correlation, const float *padded,
                           const float *weights, const dg_gemm_epilogue *epilogue, float *out);

enum { DG_CORRELATE_SLACK = 32 };

#endif
