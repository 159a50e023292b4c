/* Cases of attention. */
#include <stdio.h>

#include "tests/common/cases/list.h"

static void list(case_list *l, dg_op_kind kind) {
  static const struct {
    uint32_t steps, heads, width, max_n;
  } shapes[] = {
      {8, 2, 3, 3},   {19, 1, 3, 2},  {1, 1, 1, 3},   {2, 1, 1, 3},
      {1, 3, 17, 2},  {7, 3, 5, 4},   {15, 2, 16, 3}, {16, 1, 15, 3},
      {17, 4, 16, 5}, {33, 1, 33, 2}, {49, 4, 16, 9}, {131, 2, 8, 2},
      {128, 1, 3, 2}, {97, 1, 64, 2}, {300, 1, 7, 1}, {257, 2, 24, 1},
  };
  for (size_t i = 0; i < 4 * COUNT(shapes); i++) {
    const size_t at = i % COUNT(shapes);
    dg_attention_desc d = {.steps = shapes[at].steps,
                           .heads = shapes[at].heads,
                           .width = shapes[at].width,
                           .causal = i / COUNT(shapes) % 2,
                           .lengths = i / COUNT(shapes) / 2};
    dg_op_desc desc = {kind, {mode_of(i)}, .attention = d};
    add_case(l, desc, shapes[at].max_n, FILL_RANDOM);
    if (!d.causal) add_case(l, desc, shapes[at].max_n, FILL_NAN);
  }
}

static void text(const dg_op_desc *desc, char *out, size_t capacity) {
  const dg_attention_desc *d = &desc->attention;
  snprintf(out, capacity, "attention [%u, 3 x %u x %u]%s%s", d->steps, d->heads, d->width,
           d->causal ? ", causal" : "", d->lengths ? ", lengths" : "");
}

const case_family cases_attention = {list, text, NULL};
