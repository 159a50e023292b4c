/** What both directions of a convolution by minimal filtering do with samples. */
#ifndef DG_CPU_WINOGRAD_PASS_H
#define DG_CPU_WINOGRAD_PASS_H

#include "backends/cpu/conv2d/winograd/winograd_plan.h"

#define dg_wino_input_moments DG_ISA_NAME(dg_wino_input_moments)
#define dg_wino_all_input_moments DG_ISA_NAME(dg_wino_all_input_moments)
#define dg_wino_end_vector DG_ISA_NAME(dg_wino_end_vector)
#define dg_wino_correlate_all DG_ISA_NAME(dg_wino_correlate_all)

/** A worker's workspace. */
typedef struct {
  const dg_wino_layout *at;
  float *base;
} dg_wino_room;

/** The moments of the vector of channels from `c` on of sample s of `samples` samples x, of some
    rows of tiles. */
void dg_wino_input_moments(const dg_wino_plan *plan, const dg_wino_room *room, size_t samples,
                           size_t s, size_t c, dg_span rows, const float *x, float *moments);

/** Those of all channels of `samples` samples x, to the room's moments. */
void dg_wino_all_input_moments(const dg_wino_plan *plan, const dg_wino_room *room, size_t samples,
                               const float *x);

/** What becomes of the moments of `samples` samples, with the moments of the weights. */
typedef struct {
  const dg_wino *w;
  size_t samples;
  const float *moments, *panels;
  dg_gemm_epilogue epilogue;
  float *out;
  float *of_planes; /**< dg_plane_statistics of out's planes; NULL: not wanted */
} dg_wino_correlation;

/** Products of the panel of filters from `f` on become DG_VECTOR planes, from its filter v on, of
    sample s. */
void dg_wino_end_vector(const dg_wino_correlation *correlation, const dg_wino_room *room,
                        const float *products, size_t f, size_t s, size_t v);

/** All filters. */
void dg_wino_correlate_all(const dg_wino_correlation *correlation, const dg_wino_room *room);

#endif
