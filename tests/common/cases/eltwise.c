/* Cases of functions of single numbers. */
#include <stdio.h>

#include "tests/common/cases/list.h"

static void list(case_list *l, dg_op_kind kind) {
  static const uint32_t counts[] = {1, 15, 16, 17, 33, 784, 4099};
  static const layer_fill fills[] = {FILL_RANDOM, FILL_TIES, FILL_WIDE, FILL_NAN};
  static const dg_eltwise_desc functions[] = {
      {.kind = DG_ELTWISE_GELU},
      {.kind = DG_ELTWISE_GELU_TANH},
      {.kind = DG_ELTWISE_SILU},
      {.kind = DG_ELTWISE_ELU, .alpha = 1, .beta = 1, .scale = 1},
      {.kind = DG_ELTWISE_ELU, .alpha = 1.758f, .beta = 1, .scale = 1.05f},
      {.kind = DG_ELTWISE_ELU, .alpha = 2, .beta = 0.5f, .scale = 1},
      {.kind = DG_ELTWISE_SOFTPLUS, .beta = 1},
      {.kind = DG_ELTWISE_SOFTPLUS, .beta = 3},
      {.kind = DG_ELTWISE_SOFTSIGN},
      {.kind = DG_ELTWISE_MISH},
      {.kind = DG_ELTWISE_HARD_SIGMOID},
      {.kind = DG_ELTWISE_HARD_SWISH},
      {.kind = DG_ELTWISE_CLIP, .alpha = -0.5f, .beta = 1},
      {.kind = DG_ELTWISE_CLIP, .alpha = 0, .beta = 6},
      {.kind = DG_ELTWISE_AFFINE, .alpha = 0.25f, .scale = -1.5f},
  };
  for (size_t i = 0; i < COUNT(counts); i++)
    for (size_t f = 0; f < COUNT(functions); f++) {
      dg_op_desc desc = {kind, {mode_of(i + f)}, .eltwise = functions[f]};
      desc.eltwise.count = counts[i];
      add_case(l, desc, 3, fills[(i + f) % COUNT(fills)]);
    }
}

static void text(const dg_op_desc *desc, char *out, size_t capacity) {
  const dg_eltwise_desc *d = &desc->eltwise;
  snprintf(out, capacity, "eltwise %u, function %d, %g, %g, %g", d->count, (int)d->kind,
           (double)d->alpha, (double)d->beta, (double)d->scale);
}

const case_family cases_eltwise = {list, text, NULL};
