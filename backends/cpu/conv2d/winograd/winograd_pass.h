/** What both directions of a convolution by Winograd do with samples. */
#ifndef DG_CPU_WINOGRAD_PASS_H
#define DG_CPU_WINOGRAD_PASS_H

#include "backends/cpu/conv2d/winograd/winograd_plan.h"

#define dg_wino_transform_channels DG_ISA_NAME(dg_wino_transform_channels)
#define dg_wino_transform_samples DG_ISA_NAME(dg_wino_transform_samples)
#define dg_wino_finish_vector DG_ISA_NAME(dg_wino_finish_vector)
#define dg_wino_correlate_all DG_ISA_NAME(dg_wino_correlate_all)

/** A worker's workspace. */
typedef struct {
  const dg_wino_layout *at;
  float *base;
} dg_wino_scratch;

/** Transforms the vector of channels from `c` on of sample s of `samples` samples x, some
    rows of tiles. */
void dg_wino_transform_channels(const dg_wino_plan *plan, const dg_wino_scratch *scratch,
                                size_t samples, size_t s, size_t c, dg_span rows, const float *x,
                                float *transformed);

/** Those of all channels of `samples` samples x, to the scratch's `transformed`. */
void dg_wino_transform_samples(const dg_wino_plan *plan, const dg_wino_scratch *scratch,
                               size_t samples, const float *x);

/** What becomes of `samples` transformed samples, with the transformed weights. */
typedef struct {
  const dg_wino *w;
  size_t samples;
  const float *transformed, *panels;
  dg_gemm_epilogue epilogue;
  float *out;
  float *of_planes; /**< dg_plane_statistics of out's planes; NULL: not wanted */
} dg_wino_correlation;

/** Products of the panel of filters from `f` on become DG_VECTOR planes, from its filter v on, of
    sample s. */
void dg_wino_finish_vector(const dg_wino_correlation *correlation, const dg_wino_scratch *scratch,
                           const float *products, size_t f, size_t s, size_t v);

/** All filters. */
void dg_wino_correlate_all(const dg_wino_correlation *correlation, const dg_wino_scratch *scratch);

#endif
