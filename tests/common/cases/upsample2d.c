/* Cases of nearest-neighbour upsampling. */
#include <stdio.h>

#include "tests/common/cases/list.h"

static void list(case_list *l, dg_op_kind kind) {
  static const struct {
    dg_upsample2d_desc d;
    uint32_t max_n;
  } shapes[] = {
      {{1, 1, 1, 1}, 3},   {{1, 1, 1, 2}, 3},  {{3, 5, 7, 2}, 4},    {{2, 1, 16, 3}, 3},
      {{1, 17, 15, 2}, 5}, {{16, 7, 7, 2}, 3}, {{32, 14, 14, 1}, 2}, {{5, 4, 33, 5}, 2},
      {{1, 3, 3, 17}, 2},  {{17, 4, 4, 4}, 9}, {{2, 33, 1, 2}, 3},   {{1, 2, 300, 2}, 17},
  };
  for (size_t i = 0; i < COUNT(shapes); i++) {
    dg_op_desc desc = {kind, {mode_of(i)}, .upsample2d = shapes[i].d};
    add_case(l, desc, shapes[i].max_n, FILL_RANDOM);
    add_case(l, desc, shapes[i].max_n, FILL_NAN);
  }
}

static void text(const dg_op_desc *desc, char *out, size_t capacity) {
  const dg_upsample2d_desc *d = &desc->upsample2d;
  snprintf(out, capacity, "upsample2d [%u, %u, %u] by %u", d->channels, d->height, d->width,
           d->scale);
}

const case_family cases_upsample2d = {list, text, NULL};
