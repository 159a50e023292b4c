/** Activations, as ops or fused to the end of a product. */
#ifndef DG_CPU_ACT_H
#define DG_CPU_ACT_H

#include "backends/backend.h"
#include "backends/cpu/runtime/isa.h"

#define dg_act_supported DG_ISA_NAME(dg_act_supported)
#define dg_act_forward DG_ISA_NAME(dg_act_forward)
#define dg_act_backward DG_ISA_NAME(dg_act_backward)

bool dg_act_supported(dg_act act);

/** y[i] = act(x[i]); x may be y. */
void dg_act_forward(dg_act act, size_t count, const float *x, float *y);

/** dx[i] = d_y[i] * act'(x[i]), the derivative taken from y = act(x); dx may be d_y. */
void dg_act_backward(dg_act act, size_t count, const float *y, const float *d_y, float *dx);

#endif
