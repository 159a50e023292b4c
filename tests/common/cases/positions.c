/* Cases of positions. */
#include <stdio.h>

#include "tests/common/cases/list.h"

static void list(case_list *l, dg_op_kind kind) {
  static const struct {
    uint32_t steps, width, max_n;
  } shapes[] = {
      {1, 1, 3},  {1, 2, 3},  {5, 1, 3},   {7, 3, 5},   {3, 15, 4},   {16, 16, 3},
      {2, 17, 9}, {50, 4, 7}, {28, 64, 3}, {65, 33, 2}, {2, 2049, 2}, {128, 3, 33},
  };
  for (size_t i = 0; i < 2 * COUNT(shapes); i++) {
    const size_t at = i % COUNT(shapes);
    const dg_op_desc desc = {
        kind, {mode_of(i)}, .positions = {shapes[at].steps, shapes[at].width, i >= COUNT(shapes)}};
    add_case(l, desc, shapes[at].max_n, FILL_RANDOM);
    add_case(l, desc, shapes[at].max_n, FILL_NAN);
  }
}

static void text(const dg_op_desc *desc, char *out, size_t capacity) {
  const dg_positions_desc *d = &desc->positions;
  snprintf(out, capacity, "positions [%u, %u]%s", d->steps, d->width,
           d->sinusoidal ? ", sinusoidal" : "");
}

const case_family cases_positions = {list, text, NULL};
