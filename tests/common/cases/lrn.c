/* Cases of local response normalization. */
#include <stdio.h>

#include "tests/common/cases/list.h"

static void list(case_list *l, dg_op_kind kind) {
  static const struct {
    dg_lrn_desc d;
    uint32_t max_n;
  } shapes[] = {
      {{1, 1, 1, 1e-4f, 0.75f, 1}, 3},     {{5, 15, 3, 1, 0.75f, 1}, 4},
      {{16, 16, 5, 0.5f, 0.5f, 2}, 3},     {{17, 17, 4, 2, 1, 1}, 3},
      {{3, 49, 7, 1, 2.3f, 0.5f}, 5},      {{33, 196, 2, 1, 0.75f, 1}, 2},
      {{64, 169, 5, 1e-4f, 0.75f, 2}, 2},  {{2, 1089, 17, 1, 0, 1}, 3},
      {{7, 3, 4096, 3, 0.25f, 0.25f}, 17}, {{31, 65, 6, 0, 0.75f, 1}, 3},
  };
  for (size_t i = 0; i < COUNT(shapes); i++) {
    const dg_op_desc desc = {kind, {mode_of(i)}, .lrn = shapes[i].d};
    add_case(l, desc, shapes[i].max_n, FILL_RANDOM);
    add_case(l, desc, shapes[i].max_n, i % 2 ? FILL_TIES : FILL_FAR);
  }
}

static void text(const dg_op_desc *desc, char *out, size_t capacity) {
  const dg_lrn_desc *d = &desc->lrn;
  snprintf(out, capacity, "lrn [%u, %u] over %u, alpha %g, beta %g, k %g", d->channels, d->plane,
           d->size, (double)d->alpha, (double)d->beta, (double)d->k);
}

const case_family cases_lrn = {list, text, NULL};
