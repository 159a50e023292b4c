#include "backends/cpu/elementwise/act.h"

#include <math.h>
#include <string.h>

bool dg_act_supported(dg_act act) {
  return act.kind == DG_ACT_LEAKY_RELU ? act.slope > 0 : (unsigned)act.kind <= DG_ACT_TANH;
}

void dg_act_forward(dg_act act, size_t count, const float *x, float *y) {
  switch (act.kind) {
  case DG_ACT_NONE:
    if (x != y) memcpy(y, x, count * sizeof *y);
    break;
  case DG_ACT_RELU:
    for (size_t i = 0; i < count; i++) y[i] = x[i] < 0 ? 0 : x[i];
    break;
  case DG_ACT_LEAKY_RELU:
    for (size_t i = 0; i < count; i++) y[i] = x[i] > 0 ? x[i] : act.slope * x[i];
    break;
  case DG_ACT_SIGMOID:
    for (size_t i = 0; i < count; i++) y[i] = 1 / (1 + expf(-x[i]));
    break;
  case DG_ACT_TANH:
    for (size_t i = 0; i < count; i++) y[i] = tanhf(x[i]);
    break;
  }
}

void dg_act_backward(dg_act act, size_t count, const float *y, const float *d_y, float *dx) {
  switch (act.kind) {
  case DG_ACT_NONE:
    if (dx != d_y) memcpy(dx, d_y, count * sizeof *dx);
    break;
  case DG_ACT_RELU:
    for (size_t i = 0; i < count; i++) dx[i] = y[i] > 0 ? d_y[i] : 0;
    break;
  case DG_ACT_LEAKY_RELU:
    for (size_t i = 0; i < count; i++) dx[i] = y[i] > 0 ? d_y[i] : act.slope * d_y[i];
    break;
  case DG_ACT_SIGMOID:
    for (size_t i = 0; i < count; i++) dx[i] = d_y[i] * (y[i] * (1 - y[i]));
    break;
  case DG_ACT_TANH:
    for (size_t i = 0; i < count; i++) dx[i] = d_y[i] * (1 - y[i] * y[i]);
    break;
  }
}
