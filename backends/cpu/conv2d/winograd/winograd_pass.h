/** Code shared by both directions of a convolution by Winograd. */
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

/** Transforms some rows of tiles of the vector of channels from `c` on, of sample s of `samples`
    samples x. */
void dg_wino_transform_channels(const dg_wino_plan *plan, const dg_wino_scratch *scratch,
                                size_t samples, size_t s, size_t c, dg_span rows, const float *x,
                                float *transformed);

/** Transforms all channels of `samples` samples x into the scratch's `transformed`. */
void dg_wino_transform_samples(const dg_wino_plan *plan, const dg_wino_scratch *scratch,
                               size_t samples, const float *x);

/** The outputs of `samples` transformed samples, computed with the transformed weights. */
typedef struct {
  const dg_wino *w;
  size_t samples;
  const float *transformed, *panels;
  dg_gemm_epilogue epilogue;
  float *out;
  float *of_planes; /**< dg_plane_statistics of the planes of out; NULL: not wanted */
} dg_wino_correlation;

/** Turns products of the panel of filters from `f` on into DG_VECTOR planes of sample s, starting
    at its filter v. */
void dg_wino_finish_vector(const dg_wino_correlation *correlation, const dg_wino_scratch *scratch,
                           const float *products, size_t f, size_t s, size_t v);

/** The same for all filters. */
void dg_wino_correlate_all(const dg_wino_correlation *correlation, const dg_wino_scratch *scratch);

#endif
