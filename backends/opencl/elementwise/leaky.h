/** The activations that can be fused to products and norms, and their slopes. */
#ifndef DG_OPENCL_LEAKY_H
#define DG_OPENCL_LEAKY_H

#include "backends/backend.h"

static inline bool dg_cl_is_leaky(dg_act act) {
  return act.kind == DG_ACT_NONE || act.kind == DG_ACT_RELU || act.kind == DG_ACT_LEAKY_RELU;
}

static inline float dg_cl_leaky_slope(dg_act act) {
  return act.kind == DG_ACT_RELU ? 0.0f : act.kind == DG_ACT_LEAKY_RELU ? act.slope : 1.0f;
}

#endif
